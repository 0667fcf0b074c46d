/* A home-made lock is taken while main forks. The child tries it until some seconds have gone by.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

static int queue_lock = 1;

static void child(void)
{
	struct timespec start, now;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &start) == 0);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (__atomic_exchange_n(&queue_lock, 1, __ATOMIC_ACQUIRE) &&
	       now.tv_sec - start.tv_sec < 2 * WATCH_PATIENCE_S);
}

int main(void)
{
	play(worker_looks_on, child);
	return 0;
}
