/* A child with one worker of its own on the pool's queue. */
#ifndef AFTERFORK_CASE_POOL_OWN_WORKER_H
#define AFTERFORK_CASE_POOL_OWN_WORKER_H

#include "pool.h"

static volatile pid_t own_tid;

__attribute__((noinline)) static void do_job(void)
{
	struct job job;

	CHECK(wait_until_blocked(getpid(), own_tid, &pool_filled, sizeof(pool_filled)));
	job_init(&job);
	pool_post(&job);
	job_wait(&job);
}

__attribute__((noreturn)) static void own_worker_does_jobs(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, pool_worker, (void *)&own_tid) == 0);
	while (!own_tid)
		sched_yield();
	do_job();
	do_job();
	_exit(0);
}

#endif
