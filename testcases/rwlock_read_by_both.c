/* A worker reads a table under its rwlock while main forks. The child reads, too: readers do not wait for
 * readers.
 *
 * expect: nothing
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

static void table_look_up(void)
{
	CHECK(pthread_rwlock_rdlock(&table_lock) == 0);
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
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
		table_look_up();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
