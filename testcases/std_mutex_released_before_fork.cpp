/* The same class, used by a thread that has left its method before main forks: parent and child both find the
 * lock free. Nobody saw how this lock came to be at its address: that another
 * thread used this very object cannot be told for certain, and is not told at all.
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

static Cache *cache;

static void *worker(void *)
{
	cache->fill();
	worker_stay();
	return nullptr;
}

int main()
{
	cache = new Cache;
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	CHECK(cache->get() == 7);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	delete cache;
	return 0;
}
