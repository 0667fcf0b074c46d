/* The child spins on a home-made lock that a thread of its own holds, and lets go in the end.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

static int queue_lock;

static void queue_enter(void)
{
	while (__atomic_exchange_n(&queue_lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void *helper(void *unused)
{
	outlast_the_looks();
	__atomic_store_n(&queue_lock, 0, __ATOMIC_RELEASE);
	return unused;
}

static void child(void)
{
	pthread_t thread;

	queue_enter();
	CHECK(pthread_create(&thread, NULL, helper, NULL) == 0);
	queue_enter();
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	play(worker_looks_on, child);
	return 0;
}
