/* The prepare handlers take b_mutex, then wait to write under a_rwlock, under which a worker reads for a
 * while: it ends, and fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_rwlock_t a_rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t b_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t b_taken;

static void *a_then_b(void *unused)
{
	CHECK(pthread_rwlock_rdlock(&a_rwlock) == 0);
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	pthread_barrier_wait(&b_taken);
	wait_until_blocked(getpid(), getpid(), &a_rwlock, sizeof(a_rwlock));
	CHECK(pthread_rwlock_unlock(&a_rwlock) == 0);
	return unused;
}

/* Registered last, so it runs first. */
static void b_lock(void)
{
	CHECK(pthread_mutex_lock(&b_mutex) == 0);
	pthread_barrier_wait(&b_taken);
}

static void b_unlock(void)
{
	CHECK(pthread_mutex_unlock(&b_mutex) == 0);
}

static void a_lock(void)
{
	CHECK(pthread_rwlock_wrlock(&a_rwlock) == 0);
}

static void a_unlock(void)
{
	CHECK(pthread_rwlock_unlock(&a_rwlock) == 0);
}

/* An unlock by the child's thread, which is another by its id, would have no effect. */
static void a_renew(void)
{
	CHECK(pthread_rwlock_init(&a_rwlock, NULL) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_barrier_init(&b_taken, NULL, 2) == 0);
	CHECK(pthread_atfork(a_lock, a_unlock, a_renew) == 0);
	CHECK(pthread_atfork(b_lock, b_unlock, b_unlock) == 0);
	thread = worker_start(a_then_b);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
