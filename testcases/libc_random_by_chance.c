/* No barrier can stand inside random(), so the program forks until it is hit: a worker calls random() all
 * through each fork, and the child calls it once. Children that come back are no finding, however often the
 * worker was inside.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "random numbers lock (random)"
 *   holder: acquired_at=draw<worker start_routine=worker
 *   fork: call=fork function=fork_once<main
 *   victim: call=random function=draw<fork_once<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

enum { FORKS_MAX = 20000 };
static volatile int has_forked, is_over;

static void draw(void)
{
	CHECK(random() >= 0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	for (;;) {
		pthread_barrier_wait(&worker_ready);
		if (is_over)
			return NULL;
		while (!has_forked)
			draw();
		pthread_barrier_wait(&worker_done);
	}
}

/* 1: the child came to a good end. */
static int fork_once(void)
{
	pid_t pid;

	has_forked = 0;
	pthread_barrier_wait(&worker_ready);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		draw();
		_exit(0);
	}
	has_forked = 1;
	pthread_barrier_wait(&worker_done);
	return child_reap(pid) == 0;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	int forks = 1;

	pthread_barrier_wait(&worker_done);
	while (fork_once())
		CHECK(forks++ < FORKS_MAX);
	is_over = 1;
	pthread_barrier_wait(&worker_ready);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
