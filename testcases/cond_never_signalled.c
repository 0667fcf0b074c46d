/* A worker is to signal the end of its start, and vanishes before it does. Nobody has used the condition
 * variable so far: it is there since the program began, and the child's only thread waits on it for ever.
 * That a vanished thread would have signalled it cannot be proven.
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

int main(void)
{
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
