/* A worker is two calls deep in a monitor guarded by a std::recursive_mutex while main forks. The child is
 * another thread than the owner, and waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex recursive -
 *   holder: acquired_at=Monitor::inner<Monitor::outer<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=Monitor::inner<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <memory>
#include <mutex>

class Monitor
{
      public:
	void inner(bool stay)
	{
		std::lock_guard<std::recursive_mutex> guard(mutex);
		if (stay)
			worker_stay();
	}
	void outer()
	{
		std::lock_guard<std::recursive_mutex> guard(mutex);
		inner(true);
	}

      private:
	std::recursive_mutex mutex;
};

static std::unique_ptr<Monitor> monitor;

static void *worker(void *)
{
	monitor->outer();
	return nullptr;
}

int main()
{
	monitor = std::make_unique<Monitor>();
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		monitor->inner(false);
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
