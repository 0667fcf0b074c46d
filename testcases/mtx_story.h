/* A thread of C11 holds cache_mutex while main forks, and the child wants it. What type it has is the case's.
 */
#ifndef AFTERFORK_CASE_MTX_STORY_H
#define AFTERFORK_CASE_MTX_STORY_H

#include "case.h"
#include <threads.h>

static mtx_t cache_mutex;

static void cache_init(int type)
{
	CHECK(mtx_init(&cache_mutex, type) == thrd_success);
}

static void cache_fill(void)
{
	CHECK(mtx_lock(&cache_mutex) == thrd_success);
	worker_stay();
	CHECK(mtx_unlock(&cache_mutex) == thrd_success);
}

static void cache_get(void)
{
	CHECK(mtx_lock(&cache_mutex) == thrd_success);
	CHECK(mtx_unlock(&cache_mutex) == thrd_success);
}

static int worker(void *unused)
{
	(void)unused;
	cache_fill();
	return 0;
}

static void cache_play(void)
{
	thrd_t thread;
	pid_t pid;

	CHECK(pthread_barrier_init(&worker_ready, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&worker_done, NULL, 2) == 0);
	CHECK(thrd_create(&thread, worker, NULL) == thrd_success);
	pthread_barrier_wait(&worker_ready);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		cache_get();
		_exit(0);
	}
	child_reap(pid);
	pthread_barrier_wait(&worker_done);
	CHECK(thrd_join(thread, NULL) == thrd_success);
}

#endif
