/* A worker is inside the initialisation of a function's static variable while main forks. The child comes to
 * the same variable, finds it being initialised, and waits for ever.
 *
 * expect: certain static-init-interrupted
 *   lock: static-init - table_get()::table
 *   holder: acquired_at=table_get<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=__cxa_guard_acquire function=table_get<main
 *   count: 1
 * exit: 66
 */
#include "case.h"

static int is_child;

static int table_build()
{
	if (!is_child)
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
		is_child = 1;
		CHECK(table_get() == 7);
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
