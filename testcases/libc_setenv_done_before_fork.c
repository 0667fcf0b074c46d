/* The worker came back from setenv() before main forks, and lives on. The child sets a variable, too, and
 * does not hang, by luck.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: libc - "environment lock (setenv)"
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=setenv function=main
 *   count: 1
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
