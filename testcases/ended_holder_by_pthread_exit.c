/* As ended_holder, but the thread ends by pthread_exit, deep inside, past a cleanup handler. The child waits
 * for ever, but so would the parent: the fork took no thread away that could have helped.
 *
 * expect: note other-deadlock
 *   lock: mutex normal table_mutex
 *   victim: call=pthread_mutex_lock function=table_read<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static int cleanups;

static void count_cleanup(void *unused)
{
	(void)unused;
	cleanups++;
}

static void table_take(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	pthread_exit(&cleanups);
}

static void *worker(void *unused)
{
	(void)unused;
	pthread_cleanup_push(count_cleanup, NULL);
	table_take();
	pthread_cleanup_pop(0);
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
	void *result;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	CHECK(result == &cleanups && cleanups == 1);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	return 0;
}
