/* A child with one worker of its own on the pool's queue. */
#ifndef AFTERFORK_CASE_POOL_OWN_WORKER_H
#define AFTERFORK_CASE_POOL_OWN_WORKER_H

#include "pool.h"

static volatile pid_t own_tid;

/* Once the worker sleeps. */
__attribute__((noinline)) static void do_job(void (*post)(struct job *))
{
	struct job job;

	CHECK(wait_until_blocked(getpid(), own_tid, &pool_filled, sizeof(pool_filled)));
	job_init(&job);
	post(&job);
	job_wait(&job);
}

__attribute__((noinline, unused)) static void pool_post_to_all(struct job *job)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	job->next = pool_jobs;
	pool_jobs = job;
	CHECK(pthread_cond_broadcast(&pool_filled) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

__attribute__((noreturn)) static void own_worker_does_jobs(void (*post)(struct job *))
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, pool_worker, (void *)&own_tid) == 0);
	while (!own_tid)
		sched_yield();
	for (int i = 0; i < 3; i++)
		do_job(post);
	_exit(0);
}

#endif
