/* As lock_left_by_alarm, with a timer of timer_create() that raises SIGUSR2.
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
#include <time.h>

static void slot_take(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	const struct itimerspec once = {.it_value.tv_sec = WATCH_PATIENCE_S};
	timer_t timer;

	leave_on(SIGUSR2, 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	if (sigsetjmp(way_out, 1) == 0) {
		CHECK(timer_settime(timer, 0, &once, NULL) == 0);
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
