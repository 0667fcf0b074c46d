/* As cond_beside_collectors_signals, but the handler is of SIGUSR1: anybody may send that, and the handler
 * may leave the wait.
 *
 * expect: nothing
 * exit: 0
 */
#include "start_signal.h"

static void handler(int number)
{
	(void)number;
}

int main(void)
{
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		wait_for_start();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
