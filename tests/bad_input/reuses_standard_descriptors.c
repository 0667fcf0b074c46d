/* The program closes all its descriptors and then opens a data file, which gets number 2: whatever is written
 * to "standard error" from there on lands in its data. Nothing may, even while its child is stuck.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <sys/stat.h>

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

int main(void)
{
	struct stat status;
	pthread_t thread;
	pid_t pid;

	CHECK(close_range(0, ~0U, 0) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(open("data", O_RDWR | O_CREAT | O_APPEND, 0600) == i);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_lock(&table_mutex) == 0);
		_exit(0);
	}
	child_reap(pid);
	CHECK(fstat(2, &status) == 0);
	CHECK(status.st_size == 0);
	worker_finish(thread);
	return 0;
}
