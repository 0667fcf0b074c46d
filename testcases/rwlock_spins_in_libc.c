/* A worker is between two stores of pthread_rwlock_wrlock() while main forks: the write phase has begun, and
 * the word that readers wait on does not say so yet. The child's reader does not sleep then, it looks at that
 * word again and again, and nobody will ever change it. The moment lasts some nanoseconds; the worker holds
 * it open by putting the words back to what they are in it.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: rwlock - table_lock
 *   holder: acquired_at=table_write<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_rdlock function=table_read<main
 *   count: 1
 * exit: 66
 * native: loops
 */
#include "case.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void table_write(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
	int writer = table_lock.__data.__cur_writer;
	unsigned phase = table_lock.__data.__wrphase_futex;
	table_lock.__data.__cur_writer = 0;
	table_lock.__data.__wrphase_futex = 0;
	worker_stay();
	table_lock.__data.__wrphase_futex = phase;
	table_lock.__data.__cur_writer = writer;
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
