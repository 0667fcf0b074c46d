/* As ended_holder, but the thread is cancelled while it sleeps. The child waits for ever, but so
 * would the parent: the fork took no thread away that could have helped.
 *
 * expect: note other-deadlock
 *   lock: mutex normal table_mutex
 *   victim: call=pthread_mutex_lock function=table_read<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	for (;;)
		pause();
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

int main(void)
{
	pthread_t thread;
	void *result;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	CHECK(pthread_cancel(thread) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	CHECK(result == PTHREAD_CANCELED);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	return 0;
}
