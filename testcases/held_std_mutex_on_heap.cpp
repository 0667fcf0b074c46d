/* A class with a std::mutex inside, made with new: the lock has no name and no init call. A worker is inside
 * a method while main forks; the child runs on and uses another object of the class.
 *
 * expect: possible lock-held-at-fork
 *   lock: mutex normal - initialised_at=-
 *   holder: acquired_at=Cache::fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=Cache::get<main
 *   count: 1
 * exit: 0
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

static Cache *cache, *other_cache;

static void *worker(void *)
{
	cache->fill();
	return nullptr;
}

int main()
{
	cache = new Cache;
	other_cache = new Cache;
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(other_cache->get() == 0);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
