/* The twin of libc_exit_during_atexit: the worker is inside exit(), in a handler that the program registered,
 * while main forks. libc lets its lock go while a handler runs, so the child may call exit() too; the other
 * handler, which runs there, must not hide that exit() got its lock.
 *
 * expect: nothing
 * exit: 0
 * needs: glibc < 2.41
 */
#include "case.h"

static void first_registered(void) {}

static void last_registered(void)
{
	worker_stay();
}

static void *worker(void *unused)
{
	(void)unused;
	exit(0);
}

int main(void)
{
	pid_t pid;

	CHECK(atexit(first_registered) == 0);
	CHECK(atexit(last_registered) == 0);
	worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		exit(0);
	child_succeed(pid);
	pthread_barrier_wait(&worker_done);
	for (;;)
		pause();
}
