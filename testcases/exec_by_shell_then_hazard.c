/* The child execs a shell, the shell runs this program again, and that image makes the fault: it is one
 * of a whole tree of processes, three execs away from what was started.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=hazard<main
 *   victim: call=pthread_mutex_lock function=hazard<main
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

static int hazard(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_lock(&table_mutex) == 0);
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}

int main(int argc, char **argv)
{
	char script[4200], path[4096];
	ssize_t size;
	pid_t pid;

	(void)argv;
	if (argc > 1)
		return hazard();
	size = readlink("/proc/self/exe", path, sizeof(path) - 1);
	CHECK(size > 0);
	path[size] = '\0';
	snprintf(script, sizeof(script), "true; ('%s' again); true", path);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	child_succeed(pid);
	return 0;
}
