/* A home-made lock is taken while main forks. The child tries it again and again, and looks between two
 * tries for a word from its parent that ends it.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

static int queue_lock = 1, pipe_ends[2];

static void child(void)
{
	char byte;

	while (__atomic_exchange_n(&queue_lock, 1, __ATOMIC_ACQUIRE)) {
		if (read(pipe_ends[0], &byte, 1) == 1)
			return;
		usleep(100);
	}
}

static void let_go(pid_t pid)
{
	(void)pid;
	CHECK(write(pipe_ends[1], "", 1) == 1);
}

int main(void)
{
	CHECK(pipe2(pipe_ends, O_NONBLOCK) == 0);
	play_patiently(child, let_go);
	return 0;
}
