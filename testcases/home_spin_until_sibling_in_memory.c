/* The child spins on a flag that a process in its own memory sets, which is no child of it: clone() made it
 * one of the parent's.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

static _Atomic int go_on;

static int sibling(void *unused)
{
	(void)unused;
	outlast_the_looks();
	go_on = 1;
	_exit(0);
}

static void child(void)
{
	static _Alignas(16) char stack[64 * 1024];

	CHECK(clone(sibling, stack + sizeof(stack), CLONE_VM | CLONE_PARENT | SIGCHLD, NULL) > 0);
	while (!go_on)
		sched_yield();
}

static void let_go(pid_t pid)
{
	(void)pid;
}

int main(void)
{
	play_patiently(child, let_go);
	CHECK(waitpid(-1, NULL, 0) > 0);
	return 0;
}
