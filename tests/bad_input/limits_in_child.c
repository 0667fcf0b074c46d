/* The child locks itself in as sandboxes do, with no file to open and no byte to write (RLIMIT_NOFILE and
 * RLIMIT_FSIZE 0), and then meets a stale lock. The trace's file is mapped already: what the child meets is
 * recorded.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<worker start_routine=worker created_at=worker_start<main
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=table_read<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <sys/resource.h>

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

static const struct rlimit none;

int main(void)
{
	pthread_t thread;
	pid_t pid;

	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
		CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
		table_read();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
