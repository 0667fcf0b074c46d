/* The program makes itself a daemon after it has started a worker, which holds a lock. daemon() forks and
 * ends the parent: the daemon that goes on has no worker, and waits for ever for its lock.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<worker start_routine=worker
 *   fork: call=daemon function=main
 *   victim: call=pthread_mutex_lock function=table_read<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void table_write(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_write();
	return NULL;
}

int main(void)
{
	worker_start(worker);
	CHECK(daemon(1, 1) == 0);
	table_read();
	return 0;
}
