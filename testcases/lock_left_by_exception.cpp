/* As lock_left_by_alarm; here the handler of the alarm throws, and the caller of the lock call catches. The
 * library learns of it when the child ends.
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

/* By its header a lock call does not throw. */
static int (*volatile lock_call)(pthread_mutex_t *) = pthread_mutex_lock;

static void give_up(int number)
{
	throw number;
}

static void slot_take(void)
{
	CHECK(signal(SIGALRM, give_up) != SIG_ERR);
	try {
		alarm(3); /* longer than the watch needs */
		lock_call(&slot_lock);
		CHECK(!"the lock was free");
	} catch (int number) {
		CHECK(number == SIGALRM);
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
	while (!child_has_ended(pid)) /* to wait without a limit would be to hang, for who looks on */
		usleep(20 * 1000);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
