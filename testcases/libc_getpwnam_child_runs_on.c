/* A worker looks a user up by getpwnam() while main forks; the child runs on and does not happen to look one
 * up.
 *
 * expect: possible lock-held-at-fork
 *   lock: libc - "getpwnam lock"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=other_use<main
 *   count: 1
 * exit: 0
 */
#include <pwd.h>
#include "malloc_gate.h"

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(getpwnam("root") != NULL);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

int main(void)
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
	gate_check();
	return 0;
}
