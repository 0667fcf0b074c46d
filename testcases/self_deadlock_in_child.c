/* The child locks a normal mutex twice. No other thread was ever in play: the child would have hung without
 * any fork, and a child of a process with one thread is not looked into, so that nothing is said at all.
 * self_deadlock_beside_worker is the same with a thread that vanished.
 *
 * expect: nothing
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
