// oneTBB's spin_mutex is one byte and no call. A thread holds one while main forks; the child tries and
// yields for ever.
#include <atomic>
#include <thread>
#include <tbb/spin_mutex.h>
#include <unistd.h>
#include "child.h"

static tbb::spin_mutex cache_mutex;
static std::atomic<int> state{0};

static void cache_fill()
{
	tbb::spin_mutex::scoped_lock lock(cache_mutex);

	state = 1;
	state.notify_all();
	state.wait(1);
}

static void __attribute__((noinline)) cache_read()
{
	tbb::spin_mutex::scoped_lock lock(cache_mutex);
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
