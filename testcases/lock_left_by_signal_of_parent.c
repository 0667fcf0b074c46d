/* As lock_left_by_alarm, with a SIGUSR1 that the parent sends after longer than the watch needs. That it may
 * is known of no one but the two, so the child is let be.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal slot_lock
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=slot_take<main
 *   count: 1
 * exit: 0
 */
#include "leave_wait.h"
#include "watch_patience.h"

static void slot_take(void)
{
	leave_on(SIGUSR1, 0);
	if (sigsetjmp(way_out, 1) == 0) {
		pthread_mutex_lock(&slot_lock);
		CHECK(!"the lock was free");
	}
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
	CHECK(wait_until_blocked(pid, pid, &slot_lock, sizeof(slot_lock)));
	outlast_the_watch();
	CHECK(kill(pid, SIGUSR1) == 0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
