/* The twin of shared_rwlock_written: the worker only ever reads, which keeps no other reader waiting. The
 * child reads.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

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
		table_read();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
