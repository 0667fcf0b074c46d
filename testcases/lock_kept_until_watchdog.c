/* A worker holds slot_lock while main forks; the child hangs, and ends itself from the handler of its alarm.
 * It got no further than the lock. Until the alarm rings it is left alone.
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

enum { HUNG = 7 };

static void give_up(int number)
{
	(void)number;
	_exit(HUNG);
}

static void slot_take(void)
{
	CHECK(signal(SIGALRM, give_up) != SIG_ERR);
	alarm(WATCH_PATIENCE_S);
	pthread_mutex_lock(&slot_lock);
	CHECK(!"the lock was free");
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
	int status = child_reap(pid);
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == HUNG);
	worker_finish(thread);
	return 0;
}
