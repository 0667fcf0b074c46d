// abseil's Mutex keeps its waiters in a queue, each asleep on a word of its thread. A thread holds one while
// main forks; the child takes it, or, with an argument, waits for a Notification that the thread was to give.
#include <atomic>
#include <thread>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <unistd.h>
#include "child.h"

static absl::Mutex cache_mutex;
static absl::Notification cache_filled;
static std::atomic<int> state{0};

static void cache_fill()
{
	absl::MutexLock holder(&cache_mutex);

	state = 1;
	state.notify_all();
	state.wait(1);
	cache_filled.Notify();
}

static void __attribute__((noinline)) cache_read()
{
	absl::MutexLock holder(&cache_mutex);
}

static void __attribute__((noinline)) cache_await()
{
	cache_filled.WaitForNotification();
}

int main(int count, char **)
{
	std::thread filler(cache_fill);

	state.wait(0);
	pid_t pid = fork();
	if (pid == 0) {
		if (count > 1)
			cache_await();
		else
			cache_read();
		_exit(0);
	}
	child_say_end(pid);
	state = 2;
	state.notify_all();
	filler.join();
}
