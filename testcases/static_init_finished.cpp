/* A worker has initialised a function's static variable before main forks: the child uses it.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static int table_build()
{
	return 7;
}

static int table_get()
{
	static int table = table_build();

	return table;
}

static void *worker(void *)
{
	CHECK(table_get() == 7);
	worker_stay();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(table_get() == 7);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
