/* The worker took the lock at the bottom of a recursion of 40 calls and is still down there when main
 * forks: every one of the frames belongs to the stack of the acquisition.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal tree_mutex
 *   holder: acquired_at=leaf_lock<descend*40<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=leaf_lock<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t tree_mutex = PTHREAD_MUTEX_INITIALIZER;

static void leaf_lock(void)
{
	CHECK(pthread_mutex_lock(&tree_mutex) == 0);
}

static int descend(int depth)
{
	if (depth > 1)
		return descend(depth - 1) + 1;
	leaf_lock();
	worker_stay();
	CHECK(pthread_mutex_unlock(&tree_mutex) == 0);
	return 1;
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(descend(40) == 40);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		leaf_lock();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
