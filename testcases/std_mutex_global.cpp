/* The lock is a static member of a class in a namespace: its name is that of the class. The worker is a
 * std::jthread, whose start routine is the C++ library's own.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal shop::Registry::mutex
 *   holder: acquired_at=shop::Registry::add created_at=main
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=shop::Registry::count<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <mutex>
#include <thread>

namespace shop
{
class Registry
{
      public:
	static void add()
	{
		std::scoped_lock guard(mutex);
		entries++;
		worker_stay();
	}
	static int count()
	{
		std::scoped_lock guard(mutex);
		return entries;
	}

      private:
	static std::mutex mutex;
	static int entries;
};

std::mutex Registry::mutex;
int Registry::entries;
} // namespace shop

int main()
{
	CHECK(pthread_barrier_init(&worker_ready, nullptr, 2) == 0);
	CHECK(pthread_barrier_init(&worker_done, nullptr, 2) == 0);
	std::jthread thread(shop::Registry::add);
	pthread_barrier_wait(&worker_ready);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(shop::Registry::count() == 1 ? 0 : 1);
	child_reap(pid);
	pthread_barrier_wait(&worker_done);
	return 0;
}
