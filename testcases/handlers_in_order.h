/* Fork handlers for two locks, in the order in which POSIX runs them: the prepare handlers take b_mutex, then
 * the case's own lock A, which a worker holds by then. What the worker does next is the case's story. */
#ifndef AFTERFORK_CASE_HANDLERS_IN_ORDER_H
#define AFTERFORK_CASE_HANDLERS_IN_ORDER_H

#include "case.h"

static pthread_mutex_t b_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t b_taken;

/* In the worker, which holds A: returns once the first prepare handler has taken b_mutex. */
static inline void b_await_taken(void)
{
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	pthread_barrier_wait(&b_taken);
}

static inline void b_use(void)
{
	CHECK(pthread_mutex_lock(&b_mutex) == 0);
	CHECK(pthread_mutex_unlock(&b_mutex) == 0);
}

/* In A's prepare handler: returns once the worker waits for b_mutex. */
static inline void b_await_waiter(void)
{
	wait_until_blocked(getpid(), worker_tid, &b_mutex, sizeof(b_mutex));
}

static void b_lock(void)
{
	CHECK(pthread_mutex_lock(&b_mutex) == 0);
	pthread_barrier_wait(&b_taken);
}

static void b_unlock(void)
{
	CHECK(pthread_mutex_unlock(&b_mutex) == 0);
}

/* A's handlers, then those of b_mutex: what is registered last is prepared first. */
static inline void handlers_register(void (*a_prepare)(void), void (*a_parent)(void), void (*a_child)(void))
{
	CHECK(pthread_barrier_init(&b_taken, NULL, 2) == 0);
	CHECK(pthread_atfork(a_prepare, a_parent, a_child) == 0);
	CHECK(pthread_atfork(b_lock, b_unlock, b_unlock) == 0);
}

/* Behind fork: the child has nothing to do, the worker comes to its end. */
static inline void handlers_finish(pid_t pid, pthread_t thread)
{
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
}

#endif
