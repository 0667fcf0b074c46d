/* The child starts a thread of its own, which takes a lock; the child's main waits for it and gets it once
 * the thread lets go. The holder is alive in the child.
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
	pthread_barrier_wait(&worker_ready);
	wait_until_blocked(getpid(), getpid(), &table_mutex, sizeof(table_mutex));
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void table_wait(void)
{
	pthread_t thread = worker_start(worker);

	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	pid_t pid;

	table_wait();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_wait();
		_exit(0);
	}
	child_succeed(pid);
	return 0;
}
