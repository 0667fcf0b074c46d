/* A worker holds a std::mutex while main forks. The child tries it and yields, again and again.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=cache_enter<main
 *   count: 1
 * exit: 66
 * native: loops
 */
#include "case.h"
#include <mutex>
#include <thread>

static std::mutex cache_mutex;

static void cache_fill()
{
	const std::lock_guard<std::mutex> lock(cache_mutex);
	worker_stay();
}

static void *worker(void *)
{
	cache_fill();
	return nullptr;
}

static void cache_enter()
{
	while (!cache_mutex.try_lock())
		std::this_thread::yield();
}

int main()
{
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
