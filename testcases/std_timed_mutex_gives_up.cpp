/* The child waits for a std::timed_mutex with a time limit that has passed already, gets false and goes on.
 * The worker that holds the lock stayed in the parent.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal gate_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_clocklock function=gate_try<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <chrono>
#include <mutex>

static std::timed_mutex gate_mutex;

static bool gate_try()
{
	return gate_mutex.try_lock_until(std::chrono::steady_clock::time_point{});
}

static void *worker(void *)
{
	gate_mutex.lock();
	worker_stay();
	gate_mutex.unlock();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(gate_try() ? 1 : 0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
