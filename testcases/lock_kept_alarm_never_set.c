/* The twin of lock_left_by_alarm: there are handlers that would leave the lock call, of signals that nothing
 * will raise: no alarm is set, no CPU time goes by, there is no child and no pipe.
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
	static const int numbers[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGCHLD, SIGPIPE, SIGTERM};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		leave_on(numbers[i], 0);
	if (sigsetjmp(way_out, 1) == 0)
		pthread_mutex_lock(&slot_lock);
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
