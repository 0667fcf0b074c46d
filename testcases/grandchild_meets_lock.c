/* The child never touches the lock, and forks again; the grandchild meets it. The fork that left the holder
 * behind is the first one.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=first_fork<main
 *   victim: call=pthread_mutex_lock function=table_read<second_fork<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static pid_t first_fork(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	return pid;
}

static void second_fork(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_reap(pid);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = first_fork();

	if (pid == 0) {
		second_fork();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
