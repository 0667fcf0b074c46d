/* main itself holds a mutex of type errorcheck while it forks. The mutex names main's old thread id as its
 * owner; the child's thread has a new id, so the child's unlock is refused with EPERM and the
 * mutex stays locked for good.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex errorcheck state_mutex
 *   holder: acquired_at=state_enter<main start_routine=-
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_unlock function=state_leave<main
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_mutex_t state_mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static void state_enter(void)
{
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
}

static int state_leave(void)
{
	return pthread_mutex_unlock(&state_mutex);
}

int main(void)
{
	pid_t pid;

	state_enter();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(state_leave() == EPERM ? 0 : 1);
	child_succeed(pid);
	CHECK(state_leave() == 0);
	return 0;
}
