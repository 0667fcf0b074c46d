/* main itself holds a normal mutex while it forks. A normal mutex does not check who unlocks it: the
 * child's unlock works, and parent and child each go on with a copy of their own.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t state_mutex = PTHREAD_MUTEX_INITIALIZER;

static void state_enter(void)
{
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
}

static void state_leave(void)
{
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
}

int main(void)
{
	pid_t pid;

	state_enter();
	pid = fork();
	CHECK(pid >= 0);
	state_leave();
	state_enter();
	state_leave();
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
