/* A worker reads under an rwlock while main forks. The child makes the lock anew by assignment, a thread of
 * its own reads under it, and the child's main waits to write: for its own thread, which lets go as soon as
 * main waits. The worker's record still says that it holds the lock; the count of readers says that it does
 * not.
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

static void table_write(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_read();
	return NULL;
}

static pthread_barrier_t reading;

static void *reader(void *unused)
{
	(void)unused;
	CHECK(pthread_rwlock_rdlock(&table_lock) == 0);
	pthread_barrier_wait(&reading);
	wait_until_blocked(getpid(), getpid(), &table_lock, sizeof(table_lock));
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
	return NULL;
}

static void table_use(void)
{
	pthread_t thread;

	table_lock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
	CHECK(pthread_barrier_init(&reading, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, reader, NULL) == 0);
	pthread_barrier_wait(&reading);
	table_write();
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
