/* A program without the library: its worker forks while main holds a mutex, and the child waits for it for
 * ever. From outside the mutex names main, which is a thread of the parent and not the one that forked: whose
 * descriptor the child runs on shows which that was.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=- start_routine=- name=holder
 *   fork: call=- function=-
 *   victim: function=cache_get<forker
 *   count: 1
 * exit: 66
 * notice: exec-without-library
 * native: hangs
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <time.h>

#include "uncovered_story.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;
static pid_t child_pid;

static void cache_get(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
}

static void *forker(void *unused)
{
	(void)unused;
	uncovered_story_next_tick();
	child_pid = fork();
	CHECK(child_pid >= 0);
	if (child_pid == 0) {
		cache_get();
		_exit(0);
	}
	worker_stay();
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (!uncovered_story_begin(argc))
		return 0;
	CHECK(pthread_setname_np(pthread_self(), "holder") == 0);
	cache_get();
	pthread_t thread = worker_start(forker);
	child_reap(child_pid);
	worker_finish(thread);
	return 0;
}
