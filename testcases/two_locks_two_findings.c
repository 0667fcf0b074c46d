/* Two workers hold two locks, and two children meet one each: two faults, each with a holder of its own.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal read_mutex
 *   holder: acquired_at=read_begin<reader start_routine=reader
 *   fork: call=fork function=child_run<main
 *   victim: call=pthread_mutex_lock function=read_begin
 *   count: 1
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal write_mutex
 *   holder: acquired_at=write_begin<writer start_routine=writer
 *   fork: call=fork function=child_run<main
 *   victim: call=pthread_mutex_lock function=write_begin
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t read_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t write_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_ready, all_done;

static void read_begin(void)
{
	CHECK(pthread_mutex_lock(&read_mutex) == 0);
}

static void write_begin(void)
{
	CHECK(pthread_mutex_lock(&write_mutex) == 0);
}

static void *reader(void *unused)
{
	(void)unused;
	read_begin();
	pthread_barrier_wait(&all_ready);
	pthread_barrier_wait(&all_done);
	CHECK(pthread_mutex_unlock(&read_mutex) == 0);
	return NULL;
}

static void *writer(void *unused)
{
	(void)unused;
	write_begin();
	pthread_barrier_wait(&all_ready);
	pthread_barrier_wait(&all_done);
	CHECK(pthread_mutex_unlock(&write_mutex) == 0);
	return NULL;
}

static pid_t child_run(void (*body)(void))
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	return pid;
}

int main(void)
{
	pthread_t threads[2];
	pid_t pids[2];

	CHECK(pthread_barrier_init(&all_ready, NULL, 3) == 0);
	CHECK(pthread_barrier_init(&all_done, NULL, 3) == 0);
	CHECK(pthread_create(&threads[0], NULL, reader, NULL) == 0);
	CHECK(pthread_create(&threads[1], NULL, writer, NULL) == 0);
	pthread_barrier_wait(&all_ready);
	pids[0] = child_run(read_begin);
	pids[1] = child_run(write_begin);
	child_reap(pids[0]);
	child_reap(pids[1]);
	pthread_barrier_wait(&all_done);
	CHECK(pthread_join(threads[0], NULL) == 0);
	CHECK(pthread_join(threads[1], NULL) == 0);
	return 0;
}
