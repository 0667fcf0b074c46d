/* The child spins on a flag that its own signal handler sets.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

static volatile sig_atomic_t go_on;

static void on_signal(int number)
{
	(void)number;
	go_on = 1;
}

static void child(void)
{
	while (!go_on)
		sched_yield();
}

static void let_go(pid_t pid)
{
	CHECK(kill(pid, SIGUSR1) == 0);
}

int main(void)
{
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	play_patiently(child, let_go);
	return 0;
}
