/* The child locks a normal mutex twice, while a worker of the parent, which held nothing, vanished at the
 * fork. The holder that the child waits for is the child itself.
 *
 * expect: note other-deadlock
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<main
 *   victim: call=pthread_mutex_lock function=table_read<table_write<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

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

static void table_write(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	table_read();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_write();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
