/* fork, _exit in the child, waitpid: one operation. Beside the forking thread live --threads=N others, each
 * of which holds --locks=N mutexes; the fork is called --depth=N frames down; --heap-mib=N of memory is there
 * to be copied.
 * --meet=1 lets the child try one of those mutexes: it meets a stale lock, which the library records.
 * --forks=N does exactly so many, without a measurement of time: for the size of the trace. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

static uint64_t locks_each, children_meet;
static pthread_mutex_t *_Atomic held_by_last;
static pthread_barrier_t ready;

static void *hold(void *nothing)
{
	pthread_mutex_t *mutexes = calloc(locks_each ? locks_each : 1, sizeof *mutexes);
	for (uint64_t i = 0; i < locks_each; i++)
		pthread_mutex_lock(&mutexes[i]);
	held_by_last = mutexes;
	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return nothing;
}

static void start_holders(uint64_t threads)
{
	measure_check(pthread_barrier_init(&ready, NULL, (unsigned)threads + 1), "pthread_barrier_init");
	for (uint64_t i = 0; i < threads; i++) {
		pthread_t thread;
		measure_check(pthread_create(&thread, NULL, hold, NULL), "pthread_create");
	}
	pthread_barrier_wait(&ready);
}

static void fork_once(void)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0)
		_exit(children_meet && pthread_mutex_trylock(held_by_last) != EBUSY);
	measure_check(child < 0 ? errno : 0, "fork");
	measure_check(waitpid(child, &status, 0) == child && status == 0 ? 0 : ECHILD, "waitpid");
}

static __attribute__((noinline)) void descend(uint64_t count, uint64_t depth)
{
	if (depth > 0)
		descend(count, depth - 1);
	for (uint64_t i = 0; depth == 0 && i < count; i++)
		fork_once();
	__asm__ volatile("" ::: "memory");
}

static void run(void *context, uint64_t count)
{
	descend(count, *(uint64_t *)context);
}

/* Small pages, as a heap that grew has them. */
static void fill_heap(uint64_t size_bytes)
{
	if (!size_bytes)
		return;
	volatile char *memory =
	    mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	measure_check(memory == MAP_FAILED ? errno : 0, "mmap");
	madvise((void *)memory, size_bytes, MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < size_bytes; i += 4096)
		memory[i] = 1;
}

int main(int argc, char *argv[])
{
	(void)argc;
	measure_init(MEASURE_PINNED);
	locks_each = measure_option(argv, "locks", 4);
	children_meet = measure_option(argv, "meet", 0);
	uint64_t depth = measure_option(argv, "depth", 0);
	uint64_t forks = measure_option(argv, "forks", 0);
	fill_heap(measure_option(argv, "heap-mib", 0) << 20);
	start_holders(measure_option(argv, "threads", 8));
	if (!forks) {
		measure_run(run, &depth, 1);
		return 0;
	}
	run(&depth, forks);
	measure_print_process();
	return 0;
}
