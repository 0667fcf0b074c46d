/* main holds an rwlock for reading while it forks. Readers are only counted: the child's unlock takes its one
 * off, and the child can write.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void table_open(void)
{
	CHECK(pthread_rwlock_rdlock(&table_lock) == 0);
}

static void table_close(void)
{
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
}

static void table_write(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
	CHECK(pthread_rwlock_unlock(&table_lock) == 0);
}

int main(void)
{
	pid_t pid;

	table_open();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_close();
		table_write();
		_exit(0);
	}
	child_succeed(pid);
	table_close();

	return 0;
}
