/* The one thread of a queue of tasks is at work when main forks. The child gives it a task, and waits for the
 * std::future, whose futex it made itself.
 *
 * expect: likely waker-vanished
 *   lock: futex - -
 *   holder: created_at=Pool::Pool<main
 *   fork: call=fork function=main
 *   handed_over: kind=condvar call=pthread_cond_signal waiting_threads=0 function=Pool::ask<main
 *   victim: function=main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "case.h"

class Pool
{
      public:
	Pool() : thread_(&Pool::run, this)
	{
		while (!tid_)
			sched_yield();
		CHECK(wait_until_blocked(getpid(), tid_, &filled_, sizeof(filled_)));
	}

	__attribute__((noinline)) std::future<int> ask(int (*run)())
	{
		std::packaged_task<int()> task(run);
		std::future<int> answer = task.get_future();
		std::lock_guard<std::mutex> guard(mutex_);
		tasks_.push_back(std::move(task));
		filled_.notify_one();
		return answer;
	}

      private:
	__attribute__((noinline)) void run()
	{
		tid_ = (pid_t)syscall(SYS_gettid);
		std::unique_lock<std::mutex> lock(mutex_);
		for (;;) {
			while (tasks_.empty())
				filled_.wait(lock);
			std::packaged_task<int()> task = std::move(tasks_.front());

			tasks_.pop_front();
			lock.unlock();
			task();
			lock.lock();
		}
	}

	std::mutex mutex_;
	std::condition_variable filled_;
	std::deque<std::packaged_task<int()>> tasks_;
	volatile pid_t tid_ = 0;
	std::thread thread_;
};

static pthread_barrier_t is_busy, never;

static int stay()
{
	pthread_barrier_wait(&is_busy);
	pthread_barrier_wait(&never);
	return 0;
}

static int answer()
{
	return 42;
}

int main()
{
	Pool *pool = new Pool;
	pid_t pid;

	CHECK(pthread_barrier_init(&is_busy, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&never, NULL, 2) == 0);
	std::future<int> busy = pool->ask(stay);
	pthread_barrier_wait(&is_busy);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pool->ask(answer).get() == 42);
		_exit(0);
	}
	child_reap(pid);
	_exit(0);
}
