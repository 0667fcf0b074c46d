/* The program may not open a single file more (RLIMIT_NOFILE 0) before it has started a thread: the trace's
 * file cannot be made. The program runs on unharmed, and one line says that nothing is recorded.
 *
 * expect: nothing
 * notice: unrecorded
 * stderr: nothing is recorded of this process
 * exit: 0
 */
#include "case.h"
#include <sys/resource.h>

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

static struct rlimit limit;

static void limit_descriptors(rlim_t count)
{
	const struct rlimit changed = {.rlim_cur = count, .rlim_max = limit.rlim_max};

	CHECK(setrlimit(RLIMIT_NOFILE, &changed) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit_descriptors(0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	limit_descriptors(limit.rlim_cur);
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
