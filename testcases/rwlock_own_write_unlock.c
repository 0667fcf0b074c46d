/* main holds an rwlock for writing while it forks. The lock names its writer by main's old thread id, so the
 * child's unlock takes itself for that of a reader: it returns 0 and leaves the lock to the writer.
 *
 * expect: certain owner-is-parent-thread
 *   lock: rwlock - table_lock
 *   holder: acquired_at=table_open<main start_routine=-
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_unlock function=table_close<main
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void table_open(void)
{
	CHECK(pthread_rwlock_wrlock(&table_lock) == 0);
}

static void table_close(void)
{
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
		CHECK(pthread_rwlock_tryrdlock(&table_lock) == EBUSY);
		_exit(0);
	}
	child_succeed(pid);
	table_close();

	return 0;
}
