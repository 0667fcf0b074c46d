/* main itself holds a priority-inheriting mutex while it forks. The child initialises it anew, takes it and
 * lets it go.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t state_mutex;

static void state_init(void)
{
	pthread_mutexattr_t attributes;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
	CHECK(pthread_mutex_init(&state_mutex, &attributes) == 0);
}

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

	state_init();
	state_enter();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		state_init();
		state_enter();
		_exit(state_leave() == 0 ? 0 : 1);
	}
	child_succeed(pid);
	CHECK(state_leave() == 0);
	return 0;
}
