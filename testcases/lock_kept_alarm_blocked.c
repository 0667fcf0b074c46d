/* The twin of lock_left_by_alarm: the child blocks SIGALRM, so its handler, which would leave the lock call,
 * never runs.
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
	sigset_t set;

	leave_on(SIGALRM, 0);
	CHECK(sigemptyset(&set) == 0);
	CHECK(sigaddset(&set, SIGALRM) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	if (sigsetjmp(way_out, 1) == 0) {
		alarm(1);
		pthread_mutex_lock(&slot_lock);
	}
	CHECK(!"the lock was free, or left");
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		slot_take();
		_exit(0);
	}
	int status = child_reap(pid);
	CHECK(WIFSIGNALED(status));
	worker_finish(thread);
	return 0;
}
