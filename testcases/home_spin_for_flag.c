/* The child waits, burning CPU, for a flag that a worker was to set: it vanished at the fork.
 *
 * expect: likely waker-vanished
 *   lock: spinlock - is_loaded
 *   fork: call=fork function=play<main
 *   victim: function=await_data<child<play<main
 *   count: 1
 * exit: 0
 * native: loops
 */
#include "home_spin.h"

static volatile int is_loaded;

__attribute__((noinline)) static void await_data(void)
{
	while (!is_loaded)
		;
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	is_loaded = 1;
	return NULL;
}

__attribute__((noinline)) static void child(void)
{
	await_data();
	__asm__ volatile("");
}

int main(void)
{
	play(worker, child);
	return 0;
}
