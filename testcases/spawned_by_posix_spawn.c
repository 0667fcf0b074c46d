/* A worker holds a lock while main starts a program by posix_spawn, which uses CLONE_VM and runs none of
 * the program's code in the child.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <spawn.h>

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void program_run(void)
{
	char *arguments[] = {"true", NULL};
	pid_t pid;

	CHECK(posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) == 0);
	child_succeed(pid);
}

int main(void)
{
	pthread_t thread = worker_start(worker);

	program_run();
	worker_finish(thread);
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return 0;
}
