/* A worker writes a table under its rwlock while main forks. The child only wants to read, and waits for
 * ever: the lock names its writer, which does not exist there.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: rwlock - table_lock
 *   holder: acquired_at=table_write<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_rdlock function=table_read<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void table_write(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
	worker_stay();
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
}

static void table_read(void)
{
	CHECK(pthread_rwlock_rdlock(&table_lock) == 0);
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_write();
	return NULL;
}

int main(void)
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
	return 0;
}
