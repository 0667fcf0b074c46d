/* The twin of lock_left_by_signal_of_parent: nobody sends SIGUSR1. The child hangs, but that is known only
 * when it is over: afterfork does not end it. Here the parent does.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal slot_lock
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=slot_take<main
 *   count: 1
 * exit: 66
 */
#include "leave_wait.h"
#include "watch_patience.h"

static void slot_take(void)
{
	pthread_mutex_lock(&slot_lock);
	CHECK(!"the lock was free");
}

int main(void)
{
	count_on(SIGUSR1);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		slot_take();
		_exit(0);
	}
	CHECK(wait_until_blocked(pid, pid, &slot_lock, sizeof(slot_lock)));
	outlast_the_watch();
	CHECK(!child_has_ended(pid));
	CHECK(kill(pid, SIGKILL) == 0);
	int status = child_reap(pid);
	CHECK(WIFSIGNALED(status));
	CHECK(WTERMSIG(status) == SIGKILL);
	worker_finish(thread);
	return 0;
}
