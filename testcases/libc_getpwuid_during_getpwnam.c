/* The twin of libc_getpwnam: each of these functions has a lock of its own, so the child may look up by
 * number what a worker was looking up by name. That it did not look one up by name is luck.
 *
 * expect: possible lock-held-at-fork
 *   lock: libc - "getpwnam lock"
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=getpwuid function=main
 *   count: 1
 * exit: 0
 */
#include <pwd.h>
#include "malloc_gate.h"

static void *worker(void *unused)
{
	(void)unused;
	gate_armed = 1;
	CHECK(getpwnam("root") != NULL);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(getpwuid(0) != NULL);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
