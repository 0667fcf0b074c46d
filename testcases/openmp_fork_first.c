/* The child starts its own pool of libgomp's threads, since the parent had none when it forked.
 *
 * expect: nothing
 * exit: 0
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

int main(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(sum_parallel() == THREADS);
		_exit(0);
	}
	CHECK(sum_parallel() == THREADS);
	child_succeed(pid);
	return 0;
}
