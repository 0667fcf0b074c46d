/* main itself holds a priority-inheriting mutex while it forks, and the child takes it again. Another mutex
 * would wait for itself; of this one the kernel finds that the owner recorded is a thread of the parent, and
 * libc ends the child.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex normal state_mutex initialised_at=state_init<main
 *   holder: acquired_at=state_enter<main start_routine=-
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=state_enter<main
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
	CHECK(pthread_mutex_init(&state_mutex, &attributes) == 0);
}

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

	state_init();
	state_enter();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		state_enter();
		_exit(0);
	}
	child_reap(pid);
	state_leave();
	return 0;
}
