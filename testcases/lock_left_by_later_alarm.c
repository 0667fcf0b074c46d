/* As lock_left_by_alarm, but the handler sets the alarm again and leaves only when that rings, longer after
 * the first than the watch needs.
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
	leave_on(SIGALRM, 3);
	if (sigsetjmp(way_out, 1) == 0) {
		alarm(1);
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
	await_end(pid);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
