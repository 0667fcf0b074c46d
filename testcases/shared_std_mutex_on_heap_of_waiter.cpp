/* A queue made with new: its std::mutex has no init call, and what was used at an address may have been
 * another object. But a worker sleeps in the queue's condition variable with this very lock while main forks;
 * the child puts something into its copy, by luck, as the worker could just have had the lock.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal - initialised_at=-
 *   holder: start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=Queue::put<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <condition_variable>
#include <mutex>

class Queue
{
      public:
	void put()
	{
		std::lock_guard<std::mutex> guard(mutex);
		items++;
		ready.notify_one();
	}
	void take()
	{
		std::unique_lock<std::mutex> guard(mutex);

		pthread_barrier_wait(&worker_ready);
		while (items == 0)
			ready.wait(guard);
		items--;
	}

      private:
	int items = 0;
	std::mutex mutex;
	std::condition_variable ready;
};

static Queue *queue;

static void *worker(void *)
{
	worker_tid = (pid_t)syscall(SYS_gettid);
	queue->take();
	return nullptr;
}

int main()
{
	queue = new Queue;
	pthread_t thread = worker_start(worker);
	CHECK(wait_until_blocked(getpid(), worker_tid, queue, sizeof(Queue)));
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		queue->put();
		_exit(0);
	}
	child_succeed(pid);
	queue->put();
	CHECK(pthread_join(thread, nullptr) == 0);
	return 0;
}
