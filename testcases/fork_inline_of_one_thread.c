/* A process with one thread forks by a system call of its own, and its child waits on a word of its own for
 * ever: no thread vanished, nothing is said.
 *
 * expect: nothing
 * exit: 0
 */
#include "futex_lock.h"
#include "inline_fork.h"
#include "watch_patience.h"

static int word;

int main(void)
{
	pid_t pid = inline_fork();

	CHECK(pid >= 0);
	if (pid == 0)
		for (;;)
			futex_wait(&word, 0);
	CHECK(wait_until_blocked(pid, pid, &word, sizeof(word)));
	outlast_the_watch();
	CHECK(kill(pid, SIGKILL) == 0);
	child_reap(pid);
	return 0;
}
