/* One thread of a parallel region forks, and its child comes to the end of the region, where it waits for the
 * three others for ever.
 *
 * expect: certain waker-vanished
 *   lock: futex - -
 *   fork: call=fork
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

enum { THREADS = 4 };

static pid_t child_pid;
static pthread_barrier_t all_there, forked;

int main(void)
{
	CHECK(pthread_barrier_init(&all_there, NULL, THREADS) == 0);
	CHECK(pthread_barrier_init(&forked, NULL, THREADS) == 0);
#pragma omp parallel num_threads(THREADS)
	{
		pthread_barrier_wait(&all_there);
#pragma omp master
		child_pid = fork();
		if (child_pid || syscall(SYS_gettid) != getpid())
			pthread_barrier_wait(&forked);
	}
	if (child_pid == 0)
		_exit(0);
	child_reap(child_pid);
	return 0;
}
