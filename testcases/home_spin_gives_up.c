/* A home-made lock is taken while main forks. The child tries it a good many times, with a pause between two,
 * and would give up one day: it does not come to that, since the parent ends it.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

enum { TRIES = 1 << 30, PAUSE_NS = 50000 };

static int queue_lock = 1;

static void child(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (int i = 0; i < TRIES && __atomic_exchange_n(&queue_lock, 1, __ATOMIC_ACQUIRE); i++)
		nanosleep(&pause, NULL);
}

int main(void)
{
	play_patiently(child, NULL);
	return 0;
}
