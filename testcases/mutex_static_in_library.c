/* The lock is static in a shared library that main's code never names. A worker is inside the
 * library while main forks; the child's call into the same library waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal counter_mutex
 *   holder: acquired_at=counter_lock<counter_visit<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=counter_lock<counter_next<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include "lib/mutex_static_in_library.h"

static void *worker(void *unused)
{
	(void)unused;
	counter_visit(worker_stay);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(counter_next() == 1 ? 0 : 1);
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
