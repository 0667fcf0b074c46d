/* The twin of held_std_mutex_on_heap: the worker has left the method before main forks.
 *
 * expect: nothing
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
	worker_stay();
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
