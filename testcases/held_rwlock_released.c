/* The twin of held_rwlock_written: the worker has let go of the rwlock before main forks.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void table_change(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
	worker_stay();
}

static void *worker(void *unused)
{
	(void)unused;
	table_change();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		other_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
