/* The twin of held_static_init: the worker is done with the initialisation before main forks.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

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
		other_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
