/* A worker is inside the initialisation of a function's static variable while main forks; the child runs on
 * and does not happen to come to it.
 *
 * expect: possible lock-held-at-fork
 *   lock: static-init - table_get()::table
 *   holder: acquired_at=table_get<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=other_use<main
 *   count: 1
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
	worker_stay();
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
