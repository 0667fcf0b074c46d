/* The worker let go of its home-made lock before the fork: the child takes it.
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

static void *worker(void *unused)
{
	(void)unused;
	queue_enter();
	__atomic_store_n(&queue_lock, 0, __ATOMIC_RELEASE);
	worker_stay();
	return NULL;
}

int main(void)
{
	play(worker, queue_enter);
	return 0;
}
