/* A worker holds a spinlock while main forks. The child tries it, without a pause.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: spinlock - cache_lock initialised_at=main
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_spin_trylock function=cache_enter<main
 *   count: 1
 * exit: 66
 * native: loops
 */
#include "case.h"

static pthread_spinlock_t cache_lock;

static void cache_fill(void)
{
	CHECK(pthread_spin_lock(&cache_lock) == 0);
	worker_stay();
	CHECK(pthread_spin_unlock(&cache_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	cache_fill();
	return NULL;
}

static void cache_enter(void)
{
	while (pthread_spin_trylock(&cache_lock) != 0)
		;
}

int main(void)
{
	CHECK(pthread_spin_init(&cache_lock, PTHREAD_PROCESS_PRIVATE) == 0);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		cache_enter();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
