// abseil's SpinLock waits on its own word with a time limit, again and again. A thread holds one while main
// forks; the child takes it.
#include <atomic>
#include <thread>
#include <absl/base/internal/spinlock.h>
#include <unistd.h>
#include "child.h"

static absl::base_internal::SpinLock cache_mutex;
static std::atomic<int> state{0};

static void cache_fill()
{
	absl::base_internal::SpinLockHolder holder(&cache_mutex);

	state = 1;
	state.notify_all();
	state.wait(1);
}

static void __attribute__((noinline)) cache_read()
{
	absl::base_internal::SpinLockHolder holder(&cache_mutex);
}

int main()
{
	std::thread filler(cache_fill);

	state.wait(0);
	pid_t pid = fork();
	if (pid == 0) {
		cache_read();
		_exit(0);
	}
	child_say_end(pid);
	state = 2;
	state.notify_all();
	filler.join();
}
