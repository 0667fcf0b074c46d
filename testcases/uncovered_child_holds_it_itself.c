/* A program without the library: its worker holds a mutex itself, forks, and the child takes it again. That
 * hangs without a fork, too.
 *
 * expect: note other-deadlock
 *   lock: mutex normal cache_mutex
 *   victim: function=cache_get<forker
 * exit: 0
 * notice: exec-without-library
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <time.h>

#include "uncovered_story.h"
#include "watch_patience.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;
static pid_t child_pid;

static void cache_get(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
}

static void *forker(void *unused)
{
	(void)unused;
	cache_get();
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
	pthread_t thread = worker_start(forker);
	child_kill_when_told(child_pid, &cache_mutex, sizeof(cache_mutex));
	worker_finish(thread);
	return 0;
}
