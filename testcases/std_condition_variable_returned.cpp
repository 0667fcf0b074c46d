/* The worker's std::condition_variable::wait has returned with the lock in hand, taken inside the wait. main
 * forks then, and the child waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal inbox_mutex
 *   holder: acquired_at=inbox_take<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=inbox_put<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <condition_variable>
#include <mutex>
#include <thread>

static std::mutex inbox_mutex;
static std::condition_variable inbox_filled;
static int inbox_count;

static void inbox_put()
{
	std::lock_guard<std::mutex> guard(inbox_mutex);

	inbox_count++;
	inbox_filled.notify_one();
}

static void inbox_take(std::unique_lock<std::mutex> &lock)
{
	while (!inbox_count)
		inbox_filled.wait(lock);
	inbox_count--;
}

static void *worker(void *)
{
	std::unique_lock<std::mutex> lock(inbox_mutex);
	std::jthread sender(inbox_put);

	inbox_take(lock);
	worker_stay();
	lock.unlock();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		inbox_put();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
