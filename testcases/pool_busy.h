/* Jobs that have no end, one for each worker of the pool. */
#ifndef AFTERFORK_CASE_POOL_BUSY_H
#define AFTERFORK_CASE_POOL_BUSY_H

#include "pool.h"

static pthread_barrier_t all_are_busy, never;

static void stay(void)
{
	pthread_barrier_wait(&all_are_busy);
	pthread_barrier_wait(&never);
}

static void pool_keep_busy(void)
{
	static struct job endless[POOL_WORKERS];

	CHECK(pthread_barrier_init(&all_are_busy, NULL, POOL_WORKERS + 1) == 0);
	CHECK(pthread_barrier_init(&never, NULL, POOL_WORKERS + 1) == 0);
	for (int i = 0; i < POOL_WORKERS; i++) {
		job_init(&endless[i]);
		endless[i].run = stay;
		pool_post(&endless[i]);
	}
	pthread_barrier_wait(&all_are_busy);
}

#endif
