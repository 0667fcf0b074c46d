/* A worker is inside the routine of pthread_once() while main forks. libc knows by a count of forks that the
 * routine was left unfinished, and the child runs it again: nothing to report.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_once_t table_once = PTHREAD_ONCE_INIT;
static int is_child;

static void table_build(void)
{
	if (!is_child)
		worker_stay();
}

static void table_get(void)
{
	CHECK(pthread_once(&table_once, table_build) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_get();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		is_child = 1;
		table_get();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
