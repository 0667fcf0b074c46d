/* The program may not write a single byte to any file (RLIMIT_FSIZE 0): the trace finds no room. The program
 * runs on unharmed: no SIGXFSZ ends it, not even by a line written to a standard error that is a file.
 *
 * expect: nothing
 * notice: unrecorded
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

static const struct rlimit none;

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
