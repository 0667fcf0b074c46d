/* A home-made lock that yields between its tries: a worker holds it while main forks, and the child tries for
 * ever. No call of it can be intercepted; its code shows from outside that it never ends.
 *
 * expect: likely waker-vanished
 *   lock: spinlock - queue_lock
 *   fork: call=fork function=play<main
 *   victim: function=queue_enter<child<play<main
 *   count: 1
 * exit: 0
 * native: loops
 */
#include "home_spin.h"

static int queue_lock;

__attribute__((noinline)) static void queue_enter(void)
{
	while (__atomic_exchange_n(&queue_lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void *worker(void *unused)
{
	(void)unused;
	queue_enter();
	worker_stay();
	__atomic_store_n(&queue_lock, 0, __ATOMIC_RELEASE);
	return NULL;
}

__attribute__((noinline)) static void child(void)
{
	queue_enter();
	__asm__ volatile("");
}

int main(void)
{
	play(worker, child);
	return 0;
}
