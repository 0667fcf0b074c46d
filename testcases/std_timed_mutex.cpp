/* The worker got a std::timed_mutex by try_lock_for, within its time limit; the child locks it without a
 * limit and waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal gate_mutex
 *   holder: acquired_at=gate_close<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=gate_open<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <chrono>
#include <mutex>

static std::timed_mutex gate_mutex;

static void gate_close()
{
	CHECK(gate_mutex.try_lock_for(std::chrono::hours(24)));
}

static void gate_open()
{
	gate_mutex.lock();
	gate_mutex.unlock();
}

static void *worker(void *)
{
	gate_close();
	worker_stay();
	gate_mutex.unlock();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		gate_open();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
