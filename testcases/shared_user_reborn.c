/* A thread uses cache_mutex and ends; another one after it, with the same code on the same stack, uses it too
 * and is alive at the fork.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_use<second start_routine=second
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=cache_use<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_use(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static int stays;

static void *second(void *unused)
{
	cache_use();
	if (stays)
		worker_stay();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, second, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	stays = 1;
	thread = worker_start(second);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		cache_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
