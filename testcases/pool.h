/* A thread pool as many programs have one: a queue of jobs, a condition variable that says there are some,
 * workers that sleep on it. Who gives a job waits for its end on a condition variable of his own, which he
 * has just made. */
#ifndef AFTERFORK_CASE_POOL_H
#define AFTERFORK_CASE_POOL_H

#include "case.h"

enum { POOL_WORKERS = 2 };

struct job {
	struct job *next;
	void (*run)(void); /* NULL: nothing is to be done */
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	int has_ended;
};

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pool_filled = PTHREAD_COND_INITIALIZER;
static struct job *pool_jobs;
static volatile pid_t pool_tids[POOL_WORKERS];

static void job_init(struct job *job)
{
	job->has_ended = 0;
	job->run = NULL;
	CHECK(pthread_mutex_init(&job->mutex, NULL) == 0);
	CHECK(pthread_cond_init(&job->ended, NULL) == 0);
}

static void job_end(struct job *job)
{
	CHECK(pthread_mutex_lock(&job->mutex) == 0);
	job->has_ended = 1;
	CHECK(pthread_cond_signal(&job->ended) == 0);
	CHECK(pthread_mutex_unlock(&job->mutex) == 0);
}

__attribute__((noinline, unused)) static void job_wait(struct job *job)
{
	CHECK(pthread_mutex_lock(&job->mutex) == 0);
	while (!job->has_ended)
		CHECK(pthread_cond_wait(&job->ended, &job->mutex) == 0);
	CHECK(pthread_mutex_unlock(&job->mutex) == 0);
}

__attribute__((noinline, unused)) static void pool_post(struct job *job)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	job->next = pool_jobs;
	pool_jobs = job;
	CHECK(pthread_cond_signal(&pool_filled) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

__attribute__((noinline)) static struct job *pool_take(void)
{
	struct job *job;

	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	while (!pool_jobs)
		CHECK(pthread_cond_wait(&pool_filled, &pool_mutex) == 0);
	job = pool_jobs;
	pool_jobs = job->next;
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
	return job;
}

__attribute__((noreturn)) static void *pool_worker(void *tid)
{
	*(volatile pid_t *)tid = (pid_t)syscall(SYS_gettid);
	for (;;) {
		struct job *job = pool_take();

		if (job->run)
			job->run();
		job_end(job);
	}
}

/* Returns once the workers sleep. */
static void pool_settle(void)
{
	for (int i = 0; i < POOL_WORKERS; i++) {
		while (!pool_tids[i])
			sched_yield();
		CHECK(wait_until_blocked(getpid(), pool_tids[i], &pool_filled, sizeof(pool_filled)));
	}
}

__attribute__((unused)) static void pool_start(void)
{
	pthread_t thread;

	for (int i = 0; i < POOL_WORKERS; i++)
		CHECK(pthread_create(&thread, NULL, pool_worker, (void *)&pool_tids[i]) == 0);
	pool_settle();
}

/* The end of the program, whatever the workers do. */
__attribute__((unused, noreturn)) static void pool_leave(pid_t child)
{
	child_reap(child);
	_exit(0);
}

#endif
