/* As handler_locks_what_caller_holds, but the prepare handler ends in the lock call, which an optimizing
 * compiler makes a jump. Which handler runs shows by its turn among them.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: mutex normal pool_mutex
 *   holder: acquired_at=pool_use<main start_routine=-
 *   fork: call=fork function=pool_use<main
 *   victim: call=pthread_mutex_lock function=pool_lock
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include "ends_in_jump.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void nothing(void) {}

ENDS_IN_A_JUMP static void pool_lock(void)
{
	pthread_mutex_lock(&pool_mutex);
}

static void pool_unlock(void)
{
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

static pid_t pool_use(void)
{
	pid_t pid;

	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	pid = fork();
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
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
	CHECK(pthread_atfork(pool_lock, pool_unlock, pool_unlock) == 0);
	CHECK(pthread_atfork(nothing, nothing, nothing) == 0);
	pid = pool_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
