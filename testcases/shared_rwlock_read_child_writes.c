/* A worker reads under an rwlock, and waits elsewhere while main forks. The child writes, which waits for
 * readers: it hangs where the worker happens to read at the fork.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: rwlock - table_lock
 *   holder: acquired_at=table_read<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_wrlock function=table_change<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void table_change(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
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
	table_read();
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_change();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
