/* A worker is to signal the end of its start, by a condition variable that nobody has used before the fork.
 */
#ifndef AFTERFORK_CASE_START_SIGNAL_H
#define AFTERFORK_CASE_START_SIGNAL_H

#include "case.h"

static pthread_mutex_t start_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t started = PTHREAD_COND_INITIALIZER;
static int is_started;

static void wait_for_start(void)
{
	CHECK(pthread_mutex_lock(&start_mutex) == 0);
	while (!is_started)
		CHECK(pthread_cond_wait(&started, &start_mutex) == 0);
	CHECK(pthread_mutex_unlock(&start_mutex) == 0);
}

static void *worker(void *unused)
{
	worker_stay();
	CHECK(pthread_mutex_lock(&start_mutex) == 0);
	is_started = 1;
	CHECK(pthread_cond_signal(&started) == 0);
	CHECK(pthread_mutex_unlock(&start_mutex) == 0);
	return unused;
}

#endif
