/* A worker holds slot_lock while main forks. The child gives itself a time limit for it: the handler of its
 * alarm leaves the lock call by siglongjmp. That is no hang, and the child is left alone until then.
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
	leave_on(SIGALRM, 0);
	if (sigsetjmp(way_out, 1) == 0) {
		alarm(WATCH_PATIENCE_S);
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
