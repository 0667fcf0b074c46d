/* main holds an rwlock for writing while it forks. In the child its thread has another id than the writer
 * recorded: it is not told that it deadlocks with itself (EDEADLK), but waits for ever.
 *
 * expect: certain owner-is-parent-thread
 *   lock: rwlock - table_lock
 *   holder: acquired_at=table_open<main start_routine=-
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_wrlock function=table_open<main
 *   count: 1
 * exit: 66
 * native: hangs
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
		table_open();
		_exit(0);
	}
	child_reap(pid);
	table_close();

	return 0;
}
