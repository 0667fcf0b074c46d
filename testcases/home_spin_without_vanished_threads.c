/* A child of a process with one thread spins for ever on its own lock: no thread vanished.
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

int main(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		queue_enter();
		queue_enter();
		_exit(0);
	}
	outlast_the_looks();
	CHECK(kill(pid, SIGKILL) == 0);
	child_reap(pid);
	return 0;
}
