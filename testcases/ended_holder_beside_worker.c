/* A thread ended without unlocking, long before the fork; another worker lives at the fork and holds nothing.
 * The child waits for ever, but not for that worker: with or without the fork no one could have unlocked.
 *
 * expect: note other-deadlock
 *   lock: mutex normal table_mutex
 *   victim: call=pthread_mutex_lock function=table_read<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *careless(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	return NULL;
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, careless, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
