/* The twin of lock_left_by_alarm: the handler counts and returns, the lock call goes on, and the child hangs
 * for good. It is ended, but not before the alarm has rung.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal slot_lock
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=slot_take<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "leave_wait.h"

static void slot_take(void)
{
	alarm(2);
	pthread_mutex_lock(&slot_lock);
	CHECK(!"the lock was free");
}

int main(void)
{
	count_on(SIGALRM);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		slot_take();
		_exit(0);
	}
	int status = child_reap(pid);
	CHECK(WIFSIGNALED(status));
	CHECK(*rung == 1);
	worker_finish(thread);
	return 0;
}
