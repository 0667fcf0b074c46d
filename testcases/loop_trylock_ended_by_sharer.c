/* The child makes a process that lives in its memory, by clone() with CLONE_VM, and tries a lock that a
 * worker of the parent holds, until that process has changed a variable on the child's stack. No thread of
 * the child could have.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=cache_enter<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

enum { TRIES = 5000 };

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int tries;
static _Alignas(16) char stack[1 << 16];

static void cache_fill(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	cache_fill();
	return NULL;
}

static int sharer(void *is_over)
{
	while (tries < TRIES)
		sched_yield();
	*(volatile int *)is_over = 1;
	return 0;
}

static void cache_enter(void)
{
	volatile int is_over = 0;

	CHECK(clone(sharer, stack + sizeof(stack), CLONE_VM | SIGCHLD, (void *)&is_over) > 0);
	while (!is_over && pthread_mutex_trylock(&cache_mutex) != 0)
		tries++;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		cache_enter();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
