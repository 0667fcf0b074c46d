/* A queue of std::packaged_task and a std::thread that runs them. The child asks the thread that stayed in
 * the parent, and waits for the std::future, whose futex it made itself.
 *
 * expect: likely waker-vanished
 *   lock: futex - -
 *   holder: acquired_at=Pool::run start_routine=Pool::run
 *   fork: call=fork function=main
 *   handed_over: kind=condvar call=pthread_cond_signal waiting_threads=1 function=Pool::ask<main
 *   victim: function=main
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal -
 *   victim: call=pthread_mutex_lock function=Pool::ask
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

	__attribute__((noinline)) std::future<int> ask()
	{
		std::packaged_task<int()> task([] { return 42; });
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
			tasks_.front()();
			tasks_.pop_front();
		}
	}

	std::mutex mutex_;
	std::condition_variable filled_;
	std::deque<std::packaged_task<int()>> tasks_;
	volatile pid_t tid_ = 0;
	std::thread thread_;
};

int main()
{
	Pool *pool = new Pool;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pool->ask().get() == 42);
		_exit(0);
	}
	child_reap(pid);
	_exit(0);
}
