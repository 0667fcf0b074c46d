/* A worker reads under an rwlock while main forks. The child tries to write, is told that the lock is busy,
 * and does without.
 *
 * expect: likely stale-lock-met
 *   lock: rwlock - table_lock
 *   holder: acquired_at=table_read<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_trywrlock function=table_try<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void table_read(void)
{
	CHECK(pthread_rwlock_rdlock(&table_lock) == 0);
	worker_stay();
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
}

static void table_try(void)
{
	CHECK(pthread_rwlock_trywrlock(&table_lock) == EBUSY);
}

static void *worker(void *unused)
{
	(void)unused;
	table_read();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_try();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
