/* The child reads under an rwlock past the library, while a vanished thread was writing: the lock names its
 * writer, and the library's records tell who that was.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: rwlock - table_lock
 *   holder: acquired_at=table_write<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: function=table_read<child<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "past_the_library.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
static int (*lock)(pthread_rwlock_t *rwlock);

static void table_write(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
	worker_stay();
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_write();
	return NULL;
}

static void table_read(void)
{
	CHECK(lock(&table_lock) == 0);
}

static void child(void)
{
	table_read();
	_exit(0);
}

int main(void)
{
	*(void **)&lock = past_the_library("pthread_rwlock_rdlock");
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
