/* A worker forks while main holds the lock: the holder is the initial thread, which no pthread_create made.
 * The child has only the worker's copy, and waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<main start_routine=- created_at=-
 *   fork: call=fork function=child_run<worker
 *   victim: call=pthread_mutex_lock function=table_read<child_run<worker
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void table_write(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void child_run(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_reap(pid);
}

static void *worker(void *unused)
{
	(void)unused;
	child_run();
	return NULL;
}

int main(void)
{
	pthread_t thread;

	table_write();
	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return 0;
}
