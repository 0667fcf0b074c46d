/* main holds a recursive mutex of C11 while it forks: mtx_unlock in the child is refused and says thrd_error,
 * as the owner recorded is a thread of the parent.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex recursive state_mutex initialised_at=main
 *   holder: acquired_at=main start_routine=-
 *   fork: call=fork function=main
 *   victim: call=mtx_unlock function=state_leave<main
 *   count: 1
 * exit: 66
 */
#include "case.h"
#include <threads.h>

static mtx_t state_mutex;

static int state_leave(void)
{
	return mtx_unlock(&state_mutex);
}

int main(void)
{
	pid_t pid;

	CHECK(mtx_init(&state_mutex, mtx_plain | mtx_recursive) == thrd_success);
	CHECK(mtx_lock(&state_mutex) == thrd_success);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(state_leave() == thrd_error ? 0 : 1);
	child_succeed(pid);
	CHECK(state_leave() == thrd_success);
	return 0;
}
