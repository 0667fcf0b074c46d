/* As pool_child_stays_until_sigterm, with what C++20 has for it: the main thread stays on a static
 * std::atomic, which the handler of SIGTERM changes and notifies.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 */
#include <atomic>

#include "pool.h"
#include "watch_patience.h"

static std::atomic<int> stopped;

static void on_signal(int)
{
	stopped = 1;
	stopped.notify_all();
}

static void child_run()
{
	struct job job;

	CHECK(signal(SIGTERM, on_signal) != SIG_ERR);
	job_init(&job);
	pool_post(&job);
	while (!stopped)
		stopped.wait(0);
}

int main()
{
	pool_start();
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	CHECK(wait_until_blocked(pid, pid, &stopped, sizeof(stopped)));
	outlast_the_watch();
	CHECK(kill(pid, SIGTERM) == 0);
	child_succeed(pid);
	_exit(0);
}
