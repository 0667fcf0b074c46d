/* As cond_never_signalled, in a program with the Boehm collector's two signal handlers. Its threads stop each
 * other by them; a thread that is alone is sent none, and no CPU time goes by while it waits.
 *
 * expect: likely waker-vanished
 *   lock: condvar - started
 *   fork: call=fork function=main
 *   victim: call=pthread_cond_wait function=wait_for_start<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include "start_signal.h"

static void handler(int number)
{
	(void)number;
}

int main(void)
{
	CHECK(signal(SIGPWR, handler) != SIG_ERR);
	CHECK(signal(SIGXCPU, handler) != SIG_ERR);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		wait_for_start();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
