/* The prepare handlers take b_mutex, then spin on a_spinlock; the worker that has it needs nothing of main's
 * and lets it go: fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_spinlock_t a_spinlock;
static pthread_mutex_t b_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t b_taken;

static void *use_a(void *unused)
{
	CHECK(pthread_spin_lock(&a_spinlock) == 0);
	pthread_barrier_wait(&worker_ready);
	pthread_barrier_wait(&b_taken);
	CHECK(pthread_spin_unlock(&a_spinlock) == 0);
	return unused;
}

/* Registered last, so it runs first. */
static void b_lock(void)
{
	CHECK(pthread_mutex_lock(&b_mutex) == 0);
	CHECK(pthread_spin_trylock(&a_spinlock) == EBUSY);
	pthread_barrier_wait(&b_taken);
}

static void b_unlock(void)
{
	CHECK(pthread_mutex_unlock(&b_mutex) == 0);
}

static void a_lock(void)
{
	CHECK(pthread_spin_lock(&a_spinlock) == 0);
}

static void a_unlock(void)
{
	CHECK(pthread_spin_unlock(&a_spinlock) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_spin_init(&a_spinlock, PTHREAD_PROCESS_PRIVATE) == 0);
	CHECK(pthread_barrier_init(&b_taken, NULL, 2) == 0);
	CHECK(pthread_atfork(a_lock, a_unlock, a_unlock) == 0);
	CHECK(pthread_atfork(b_lock, b_unlock, b_unlock) == 0);
	thread = worker_start(use_a);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
