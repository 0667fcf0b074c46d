/* main holds a normal mutex while it forks and its child locks it again. That hangs, but the very same code
 * would hang in the parent: a normal mutex does not let its own holder in. No fork is to blame.
 *
 * expect: note other-deadlock
 *   lock: mutex normal state_mutex
 *   victim: call=pthread_mutex_lock function=state_enter_again<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t state_mutex = PTHREAD_MUTEX_INITIALIZER;

static void state_enter_again(void)
{
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
}

int main(void)
{
	pid_t pid;

	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		state_enter_again();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
	return 0;
}
