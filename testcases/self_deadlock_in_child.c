/* The child locks a normal mutex twice. No other thread was ever in play: the child would have hung without
 * any fork.
 *
 * expect: note other-deadlock
 *   lock: mutex normal table_mutex
 *   victim: call=pthread_mutex_lock function=table_read<table_write<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

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
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_write();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	return 0;
}
