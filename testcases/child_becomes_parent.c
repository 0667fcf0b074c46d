/* The child starts a worker of its own, which takes a lock, and forks: the grandchild waits for ever for the
 * child's worker. The fork to name is the second, not the first.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=worker start_routine=worker created_at=worker_start<child_main<main
 *   fork: call=fork function=child_main<main
 *   victim: call=pthread_mutex_lock function=table_read<child_main<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void child_main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
}

int main(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child_main();
		_exit(0);
	}
	child_succeed(pid);
	return 0;
}
