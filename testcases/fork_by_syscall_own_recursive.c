/* main holds a recursive mutex while it makes a child by syscall(SYS_fork). glibc does not learn of it, so
 * the child's thread still has main's thread id in glibc's eyes: the relock counts and both unlocks
 * work, where after fork() they would be refused.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t state_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

int main(void)
{
	pid_t pid;

	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	pid = (pid_t)syscall(SYS_fork);
	CHECK(pid >= 0);
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
