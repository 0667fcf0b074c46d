/* main forks inside a scope that holds a std::recursive_mutex. In the child the guard's destructor unlocks,
 * is refused with EPERM, and throws that away: nothing shows until the next lock.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex recursive state_mutex
 *   holder: acquired_at=child_run<main start_routine=-
 *   fork: call=fork function=child_run<main
 *   victim: call=pthread_mutex_unlock function=child_run<main
 *   count: 1
 * exit: 66
 */
#include "case.h"
#include <mutex>

static std::recursive_mutex state_mutex;

static pid_t child_run()
{
	std::lock_guard<std::recursive_mutex> guard(state_mutex);

	return fork();
}

int main()
{
	pid_t pid = child_run();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(state_mutex.try_lock());
	state_mutex.unlock();
	return 0;
}
