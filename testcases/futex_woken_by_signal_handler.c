/* The child waits on a futex of its own, and its signal handler ends the wait: legal, since waking is a plain
 * system call.
 *
 * expect: nothing
 * exit: 0
 */
#include "futex_lock.h"
#include "watch_patience.h"

static int go_ahead;

static void on_signal(int number)
{
	(void)number;
	__atomic_store_n(&go_ahead, 1, __ATOMIC_RELEASE);
	futex_call(&go_ahead, FUTEX_LOCK_WAKE_PRIVATE, 1);
}

static void child(void)
{
	while (__atomic_load_n(&go_ahead, __ATOMIC_ACQUIRE) == 0)
		futex_wait(&go_ahead, 0);
	_exit(0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	CHECK(wait_until_blocked(pid, pid, &go_ahead, sizeof(go_ahead)));
	outlast_the_watch();
	CHECK(kill(pid, SIGUSR1) == 0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
