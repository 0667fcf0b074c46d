/* A class with a std::mutex inside, made with new: the lock has no name and no init call. A worker is inside
 * a method, under a lock_guard, while main forks; the child calls another method and waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal - initialised_at=-
 *   holder: acquired_at=Cache::fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=Cache::get<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <mutex>

class Cache
{
      public:
	void fill()
	{
		std::lock_guard<std::mutex> guard(mutex);
		value = 7;
		worker_stay();
	}
	int get()
	{
		std::lock_guard<std::mutex> guard(mutex);
		return value;
	}

      private:
	int value = 0;
	std::mutex mutex;
};

static Cache *cache;

static void *worker(void *)
{
	cache->fill();
	return nullptr;
}

int main()
{
	cache = new Cache;
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(cache->get() == 7 ? 0 : 1);
	child_reap(pid);
	worker_finish(thread);
	delete cache;
	return 0;
}
