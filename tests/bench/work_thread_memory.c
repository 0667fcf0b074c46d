/* Resident memory that each of --threads=N live threads costs, after each took and let go of locks at
 * --sites=N different stack depths, which fills its record's cache. */
#include <pthread.h>
#include <stdlib.h>

#include "measure.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t done, leave;
static uint64_t sites;

static __attribute__((noinline)) void lock_at(uint64_t depth)
{
	if (depth > 0)
		lock_at(depth - 1);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	__asm__ volatile("" ::: "memory");
}

static void *work(void *nothing)
{
	lock_at(sites);
	pthread_barrier_wait(&done);
	pthread_barrier_wait(&leave);
	return nothing;
}

int main(int argc, char *argv[])
{
	(void)argc;
	uint64_t threads = measure_option(argv, "threads", 100);
	sites = measure_option(argv, "sites", 8);
	measure_check(pthread_barrier_init(&done, NULL, (unsigned)threads + 1), "pthread_barrier_init");
	measure_check(pthread_barrier_init(&leave, NULL, (unsigned)threads + 1), "pthread_barrier_init");
	lock_at(sites);
	uint64_t before_bytes = measure_rss_bytes();
	for (uint64_t i = 0; i < threads; i++) {
		pthread_t thread;
		measure_check(pthread_create(&thread, NULL, work, NULL), "pthread_create");
	}
	pthread_barrier_wait(&done);
	uint64_t after_bytes = measure_rss_bytes();
	measure_print("bytes_per_thread", (double)(after_bytes - before_bytes) / (double)threads);
	measure_print_process();
	exit(0);
}
