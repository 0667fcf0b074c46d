/* forkpty makes the child on a new terminal; it calls fork inside libc. The lock that a worker holds is
 * stale in it.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<worker start_routine=worker
 *   fork: call=forkpty function=child_start
 *   victim: call=pthread_mutex_lock function=table_read
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

#include <pty.h>

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

static pid_t child_start(void)
{
	int terminal;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	return pid;
}

int main(void)
{
	pthread_t thread = worker_start(worker);

	child_reap(child_start());
	worker_finish(thread);
	return 0;
}
