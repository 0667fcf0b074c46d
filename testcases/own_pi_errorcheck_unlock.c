/* main itself holds an error-checking, priority-inheriting mutex while it forks. The child's thread has
 * another id than the owner recorded: its unlock is refused with EPERM.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex errorcheck state_mutex initialised_at=state_init<main
 *   holder: acquired_at=state_enter<main start_routine=-
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_unlock function=state_leave<main
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_mutex_t state_mutex;

static void state_init(void)
{
	pthread_mutexattr_t attributes;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
	CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0);
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
	if (pid == 0)
		_exit(state_leave() == EPERM ? 0 : 1);
	child_succeed(pid);
	CHECK(state_leave() == 0);
	return 0;
}
