/* A std::barrier for main and its worker was made before the fork. The child reaches it alone, and sleeps for
 * ever in a table of the C++ library's, whose slot is no name for it.
 *
 * expect: likely waker-vanished
 *   lock: futex - -
 *   fork: call=fork function=main
 *   victim: function=phase_end<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include <barrier>

#include "case.h"

static std::barrier<> phase(2);

static __attribute__((noinline)) void phase_end()
{
	phase.arrive_and_wait();
}

static void *worker(void *)
{
	worker_stay();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		phase_end();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
