/* As libc_setenv, but the child has made a thread: from outside it cannot be told what that one is yet to do,
 * so a call that never came back is only likely to wait for ever. Nobody ends such a child but the case
 * itself.
 *
 * expect: likely libc-lock-held-by-vanished-thread
 *   lock: libc - "environment lock (setenv)"
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=setenv function=child_work
 *   count: 1
 * exit: 0
 * native: ends
 */
#include "malloc_gate.h"

static void *worker(void *unused)
{
	(void)unused;
	gate_armed = 1;
	CHECK(setenv("CASE_WORKER", "busy", 1) == 0);
	return NULL;
}

static void *pause_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void child_work(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, pause_for_ever, NULL) == 0);
	CHECK(setenv("CASE_CHILD", "1", 1) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child_work();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
