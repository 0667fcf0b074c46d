/* The child spins on a flag in memory that it shares with its parent, which sets it in the end.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"
#include <sys/mman.h>

static int *flag;

static void child(void)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void let_go(pid_t pid)
{
	(void)pid;
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

int main(void)
{
	flag = mmap(NULL, sizeof(*flag), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(flag != MAP_FAILED);
	play_patiently(child, let_go);
	return 0;
}
