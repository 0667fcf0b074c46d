/* The twin of libc_setenv: the worker is inside setenv() while main forks, but the child sets nothing itself
 * and hands its environment to exec.
 *
 * expect: nothing
 * exit: 0
 */
#include "malloc_gate.h"

static void *worker(void *unused)
{
	(void)unused;
	gate_armed = 1;
	CHECK(setenv("CASE_WORKER", "busy", 1) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(CASE_CHECK_FAILED);
	}
	child_succeed(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
