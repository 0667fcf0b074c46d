/* A lock that looks before it tries, spins for a while and then sleeps: it uses next to no CPU, and never
 * ends all the same, since the worker that holds it is not in the child.
 *
 * expect: likely waker-vanished
 *   lock: spinlock - cache.word
 *   fork: call=fork function=play<main
 *   victim: function=cache_lock<child<play<main
 *   count: 1
 * exit: 0
 * native: loops
 */
#include "home_spin.h"

enum { SPINS = 64, PAUSE_US = 500 };

static struct {
	long uses;
	int word;
} cache;

__attribute__((noinline)) static void cache_lock(void)
{
	for (unsigned i = 1;; i++) {
		if (!__atomic_load_n(&cache.word, __ATOMIC_RELAXED) &&
		    !__atomic_exchange_n(&cache.word, 1, __ATOMIC_ACQUIRE))
			return;
		if (i % SPINS == 0)
			usleep(PAUSE_US);
		else
			__builtin_ia32_pause();
	}
}

static void *worker(void *unused)
{
	(void)unused;
	cache_lock();
	worker_stay();
	__atomic_store_n(&cache.word, 0, __ATOMIC_RELEASE);
	return NULL;
}

__attribute__((noinline)) static void child(void)
{
	cache_lock();
	cache.uses++;
}

int main(void)
{
	play(worker, child);
	return 0;
}
