/* The prepare handlers take b_mutex, then wait to write under a_rwlock, under which a worker reads for a
 * while: it ends, and fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "handlers_in_order.h"

static pthread_rwlock_t a_rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *use_a(void *unused)
{
	CHECK(pthread_rwlock_rdlock(&a_rwlock) == 0);
	b_await_taken();
	wait_until_blocked(getpid(), getpid(), &a_rwlock, sizeof(a_rwlock));
	CHECK(pthread_rwlock_unlock(&a_rwlock) == 0);
	return unused;
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

	handlers_register(a_lock, a_unlock, a_renew);
	thread = worker_start(use_a);
	pid = fork();
	handlers_finish(pid, thread);
	return 0;
}
