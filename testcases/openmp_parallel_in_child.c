/* libgomp keeps its threads between parallel regions and reaches them by system calls of its own. The child
 * inherits the pool without its threads: its first parallel region waits for them for ever.
 *
 * expect: certain waker-vanished
 *   lock: futex - -
 *   fork: call=fork function=main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

enum { THREADS = 4 };

static int sum_parallel(void)
{
	int sum = 0;

#pragma omp parallel num_threads(THREADS) reduction(+ : sum)
	sum += 1;
	return sum;
}

static void child(void)
{
	sum_parallel();
	_exit(0);
}

int main(void)
{
	CHECK(sum_parallel() == THREADS);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	return 0;
}
