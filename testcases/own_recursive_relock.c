/* main itself holds a mutex of type recursive while it forks, and its child locks it again. In the parent
 * that would only count; in the child the owner recorded is a thread id of the parent, so the child
 * waits for itself for ever.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex recursive state_mutex
 *   holder: acquired_at=state_enter<main start_routine=-
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=state_enter_again<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t state_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void state_enter(void)
{
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
}

static void state_enter_again(void)
{
	pthread_mutex_lock(&state_mutex);
}

int main(void)
{
	pid_t pid;

	state_enter();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		state_enter_again();
		_exit(0);
	}
	child_reap(pid);
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
	return 0;
}
