/* main forks while it reads under pool_rwlock, and the prepare handler reads, too: nobody waits.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_rwlock_t pool_rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void pool_read(void)
{
	CHECK(pthread_rwlock_rdlock(&pool_rwlock) == 0);
}

static void pool_end(void)
{
	CHECK(pthread_rwlock_unlock(&pool_rwlock) == 0);
}

static pid_t pool_use(void)
{
	pid_t pid;

	CHECK(pthread_rwlock_rdlock(&pool_rwlock) == 0);
	pid = fork();
	CHECK(pthread_rwlock_unlock(&pool_rwlock) == 0);
	return pid;
}

int main(void)
{
	pid_t pid;

	CHECK(pthread_atfork(pool_read, pool_end, pool_end) == 0);
	pid = pool_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
