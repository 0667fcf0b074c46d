/* The child of a process without other threads waits on a futex until it is ended: strange, but nothing that
 * a fork took away.
 *
 * expect: nothing
 * exit: 0
 */
#include "futex_lock.h"
#include "watch_patience.h"

static int word;

static void child(void)
{
	for (;;)
		futex_wait(&word, 0);
}

int main(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	CHECK(wait_until_blocked(pid, pid, &word, sizeof(word)));
	outlast_the_watch();
	CHECK(kill(pid, SIGKILL) == 0);
	child_reap(pid);
	return 0;
}
