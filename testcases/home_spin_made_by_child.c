/* The child spins on a word of memory that it made after the fork: for ever, but no vanished thread ever knew
 * of it.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"
#include <sys/mman.h>

static void child(void)
{
	int *word = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(word != MAP_FAILED);
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		sched_yield();
}

int main(void)
{
	play_patiently(child, NULL);
	return 0;
}
