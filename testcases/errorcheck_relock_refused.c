/* The child locks an error-checking mutex twice and is told EDEADLK: its owner is the child's own thread, and
 * the answer is what the mutex is for.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t state_mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

int main(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	CHECK(pthread_mutex_lock(&state_mutex) == EDEADLK);
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
	CHECK(pthread_mutex_unlock(&state_mutex) == EPERM);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
