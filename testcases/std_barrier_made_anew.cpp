/* A std::barrier for main and its worker was made before the fork. The child makes it anew for itself alone.
 *
 * expect: nothing
 * exit: 0
 */
#include <barrier>
#include <new>

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
		new (&phase) std::barrier<>(1);
		phase_end();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
