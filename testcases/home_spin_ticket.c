/* A ticket lock: the child draws a number that will never be called, since the worker whose turn it is
 * vanished.
 *
 * expect: likely waker-vanished
 *   lock: spinlock - counter.serving
 *   fork: call=fork function=play<main
 *   victim: function=counter_enter<child<play<main
 *   count: 1
 * exit: 0
 * native: loops
 */
#include "home_spin.h"

static struct {
	unsigned next, serving;
} counter;

__attribute__((noinline)) static void counter_enter(void)
{
	unsigned mine = __atomic_fetch_add(&counter.next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&counter.serving, __ATOMIC_ACQUIRE) != mine)
		__builtin_ia32_pause();
}

static void counter_leave(void)
{
	__atomic_fetch_add(&counter.serving, 1, __ATOMIC_RELEASE);
}

static void *worker(void *unused)
{
	(void)unused;
	counter_enter();
	worker_stay();
	counter_leave();
	return NULL;
}

__attribute__((noinline)) static void child(void)
{
	counter_enter();
	counter_leave();
}

int main(void)
{
	play(worker, child);
	return 0;
}
