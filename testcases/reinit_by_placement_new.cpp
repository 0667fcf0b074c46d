/* The child makes the object anew in place, lock and all, before it uses it. No call of the C library shows
 * it; the lock's own word does.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <mutex>
#include <new>

class Cache
{
      public:
	void fill()
	{
		std::lock_guard<std::mutex> guard(mutex);
		worker_stay();
	}
	void use() { std::lock_guard<std::mutex> guard(mutex); }

      private:
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
	if (pid == 0) {
		new (cache) Cache;
		cache->use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	delete cache;
	return 0;
}
