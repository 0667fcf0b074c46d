/* A lock that sleeps on its word with a time limit and then tries anew, as spin locks of some libraries do: a
 * worker holds it while main forks. Each wait of the child ends, the loop around it does not.
 *
 * expect: likely waker-vanished
 *   lock: futex - arena_lock
 *   fork: call=fork function=play<main
 *   victim: function=arena_enter<child<play<main
 *   count: 1
 * exit: 0
 * native: loops
 */
#include "home_spin.h"

enum { TAKEN = 1, WAIT_PRIVATE = 128, PAUSE_NS = 100000 };

static int arena_lock;

/* Inline, so that no symbol shows it. */
static inline void sleep_on(int *word, int value, const struct timespec *limit)
{
	long result = SYS_futex;
	register const struct timespec *fourth __asm__("r10") = limit;

	__asm__ volatile("syscall"
	                 : "+a"(result)
	                 : "D"(word), "S"((long)WAIT_PRIVATE), "d"((long)value), "r"(fourth)
	                 : "rcx", "r11", "memory");
}

__attribute__((noinline)) static void arena_enter(void)
{
	static unsigned seed = 1;

	while (__atomic_exchange_n(&arena_lock, TAKEN, __ATOMIC_ACQUIRE)) {
		seed = seed * 1103515245 + 12345;
		const struct timespec limit = {.tv_nsec = PAUSE_NS + seed % PAUSE_NS};
		sleep_on(&arena_lock, TAKEN, &limit);
	}
}

static void *worker(void *unused)
{
	(void)unused;
	arena_enter();
	worker_stay();
	__atomic_store_n(&arena_lock, 0, __ATOMIC_RELEASE);
	return NULL;
}

__attribute__((noinline)) static void child(void)
{
	arena_enter();
	__asm__ volatile("");
}

int main(void)
{
	play(worker, child);
	return 0;
}
