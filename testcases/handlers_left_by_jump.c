/* Three pairs of handlers end in the lock call, which an optimizing compiler makes a jump: libc's own frame
 * is then the first on the stack. Only the mutex of the middle pair is error-checking, and refuses the
 * child's unlock.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex errorcheck pool_mutex
 *   holder: acquired_at=pool_take
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_unlock function=pool_give
 *   count: 1
 * exit: 66
 */
#include "case.h"
#include "ends_in_jump.h"

static pthread_mutex_t first_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t pool_mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t last_mutex = PTHREAD_MUTEX_INITIALIZER;

#define PAIR(name)                                                                                           \
	ENDS_IN_A_JUMP static void name##_take(void)                                                         \
	{                                                                                                    \
		pthread_mutex_lock(&name##_mutex);                                                           \
	}                                                                                                    \
	ENDS_IN_A_JUMP static void name##_give(void)                                                         \
	{                                                                                                    \
		pthread_mutex_unlock(&name##_mutex);                                                         \
	}

PAIR(first)
PAIR(pool)
PAIR(last)

int main(void)
{
	pid_t pid;

	CHECK(pthread_atfork(first_take, first_give, first_give) == 0);
	CHECK(pthread_atfork(pool_take, pool_give, pool_give) == 0);
	CHECK(pthread_atfork(last_take, last_give, last_give) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
