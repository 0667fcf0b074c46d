/* Twenty children, one after another, meet the same lock in the same place: one fault, seen twenty times.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<worker start_routine=worker
 *   fork: call=fork function=child_run<main
 *   victim: call=pthread_mutex_lock function=table_read<child_run<main
 *   count: 20
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void table_write(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_write();
	return NULL;
}

static void child_run(void)
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

	for (int i = 0; i < 20; i++)
		child_run();
	worker_finish(thread);
	return 0;
}
