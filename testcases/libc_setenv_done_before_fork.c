/* The twin of libc_setenv: the worker came back from setenv() before main forks, and lives on.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static void *worker(void *unused)
{
	(void)unused;
	CHECK(setenv("CASE_WORKER", "busy", 1) == 0);
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setenv("CASE_CHILD", "1", 1) == 0);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
