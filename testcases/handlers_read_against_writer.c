/* The prepare handlers take b_mutex, then want to read under a_rwlock; a worker that writes under it waits
 * for b_mutex. fork never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: rwlock - a_rwlock
 *   holder: acquired_at=a_then_b start_routine=a_then_b
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_rdlock function=a_lock
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_rwlock_t a_rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t b_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t b_taken;

static void *a_then_b(void *unused)
{
	CHECK(pthread_rwlock_wrlock(&a_rwlock) == 0);
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	pthread_barrier_wait(&b_taken);
	CHECK(pthread_mutex_lock(&b_mutex) == 0);
	CHECK(pthread_mutex_unlock(&b_mutex) == 0);
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
	wait_until_blocked(getpid(), worker_tid, &b_mutex, sizeof(b_mutex));
	CHECK(pthread_rwlock_rdlock(&a_rwlock) == 0);
}

static void a_unlock(void)
{
	CHECK(pthread_rwlock_unlock(&a_rwlock) == 0);
}

int main(int argc, char *argv[])
{
	pthread_t thread;
	pid_t pid;

	(void)argv;
	if (argc == 1) {
		story_play();
		return 0;
	}
	CHECK(pthread_barrier_init(&b_taken, NULL, 2) == 0);
	CHECK(pthread_atfork(a_lock, a_unlock, a_unlock) == 0);
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
