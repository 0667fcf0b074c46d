/* Threads have come and gone, each with the lock in hand for a while; all are joined when main forks. The
 * process has one thread again.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void table_use(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	for (int i = 0; i < 1000; i++)
		table_use();
	return NULL;
}

int main(void)
{
	pthread_t threads[8];
	pid_t pid;

	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&threads[i], NULL, worker, NULL) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	pid = fork();
	CHECK(pid >= 0);
	table_use();
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
