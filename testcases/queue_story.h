/* A worker holds queue_mutex while main forks, and the child wants it. What mutex it is, is the case's. */
#ifndef AFTERFORK_CASE_QUEUE_STORY_H
#define AFTERFORK_CASE_QUEUE_STORY_H

#include "case.h"

static pthread_mutex_t queue_mutex;

static void queue_drain(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void queue_push(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void *worker(void *unused)
{
	queue_drain();
	return unused;
}

/* Once the case has initialised the mutex. */
static void queue_play(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		queue_push();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
}

#endif
