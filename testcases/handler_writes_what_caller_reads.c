/* main forks while it reads under pool_rwlock, and the prepare handler wants to write: fork never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: rwlock - pool_rwlock
 *   holder: acquired_at=pool_use<main start_routine=-
 *   fork: call=fork function=pool_use<main
 *   victim: call=pthread_rwlock_wrlock function=pool_write
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_rwlock_t pool_rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void pool_write(void)
{
	CHECK(pthread_rwlock_wrlock(&pool_rwlock) == 0);
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

int main(int argc, char *argv[])
{
	pid_t pid;

	(void)argv;
	if (argc == 1) {
		story_play();
		return 0;
	}
	CHECK(pthread_atfork(pool_write, pool_end, pool_end) == 0);
	pid = pool_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
