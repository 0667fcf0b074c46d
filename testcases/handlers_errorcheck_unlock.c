/* The handlers look right, but the mutex is error-checking: it names main's old thread id, so the child
 * handler's unlock is refused with EPERM and the lock stays locked in the child. No one looks at
 * what the unlock returned.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex errorcheck pool_mutex
 *   holder: acquired_at=pool_prepare
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_unlock function=pool_release
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static void pool_prepare(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
}

static void pool_release(void)
{
	pthread_mutex_unlock(&pool_mutex);
}

int main(void)
{
	pid_t pid;

	CHECK(pthread_atfork(pool_prepare, pool_release, pool_release) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_mutex_trylock(&pool_mutex) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
	return 0;
}
