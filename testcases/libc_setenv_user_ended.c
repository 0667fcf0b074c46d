/* The twin of libc_setenv and of libc_setenv_done_before_fork: the thread that called setenv() has ended
 * before main forks, and the one that lives on sets nothing.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static void *user(void *unused)
{
	CHECK(setenv("CASE_WORKER", "busy", 1) == 0);
	return unused;
}

static void *worker(void *unused)
{
	worker_stay();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, user, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setenv("CASE_CHILD", "1", 1) == 0);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
