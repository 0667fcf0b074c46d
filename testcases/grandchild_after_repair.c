/* The child makes the stale lock anew and forks again: what the grandchild has is a copy of a free lock.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void table_use(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void child_main(void)
{
	pid_t pid;

	CHECK(pthread_mutex_init(&table_mutex, NULL) == 0);
	pid = fork();
	CHECK(pid >= 0);
	table_use();
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child_main();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
