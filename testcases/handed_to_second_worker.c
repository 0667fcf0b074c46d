/* The first worker locks, main unlocks in its place, and a second worker locks then. Both workers live at the
 * fork, and neither has unlocked; the holder is the second.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal baton_mutex
 *   holder: acquired_at=second_take<second start_routine=second
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=baton_wait<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t baton_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t first_ready, first_done;

static void *first(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&baton_mutex) == 0);
	pthread_barrier_wait(&first_ready);
	pthread_barrier_wait(&first_done);
	return NULL;
}

static void second_take(void)
{
	CHECK(pthread_mutex_lock(&baton_mutex) == 0);
}

static void *second(void *unused)
{
	(void)unused;
	second_take();
	worker_stay();
	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
	return NULL;
}

static void baton_wait(void)
{
	CHECK(pthread_mutex_lock(&baton_mutex) == 0);
}

int main(void)
{
	pthread_t threads[2];
	pid_t pid;

	CHECK(pthread_barrier_init(&first_ready, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&first_done, NULL, 2) == 0);
	CHECK(pthread_create(&threads[0], NULL, first, NULL) == 0);
	pthread_barrier_wait(&first_ready);
	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
	threads[1] = worker_start(second);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		baton_wait();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(threads[1]);
	pthread_barrier_wait(&first_done);
	CHECK(pthread_join(threads[0], NULL) == 0);
	return 0;
}
