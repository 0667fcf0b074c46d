/* The child starts a thread, and that thread meets the lock that a worker of the parent holds. The victim is
 * the child's new thread; the child's main only waits for it to end.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=table_read<reader
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

static void *reader(void *unused)
{
	(void)unused;
	table_read();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker), child_thread;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_create(&child_thread, NULL, reader, NULL) == 0);
		CHECK(pthread_join(child_thread, NULL) == 0);
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
