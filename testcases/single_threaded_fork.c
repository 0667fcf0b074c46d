/* A program with one thread forks, and parent and child both use their locks: nothing can vanish.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void table_use(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

int main(void)
{
	pid_t pid;

	table_use();
	pid = fork();
	CHECK(pid >= 0);
	table_use();
	if (pid == 0)
		exit(0);
	child_succeed(pid);
	return 0;
}
