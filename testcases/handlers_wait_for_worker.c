/* The prepare handlers take b_mutex, then wait for a_mutex, which a worker holds for a while: it releases it,
 * and fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "handlers_in_order.h"

static pthread_mutex_t a_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *use_a(void *unused)
{
	CHECK(pthread_mutex_lock(&a_mutex) == 0);
	b_await_taken();
	wait_until_blocked(getpid(), getpid(), &a_mutex, sizeof(a_mutex));
	CHECK(pthread_mutex_unlock(&a_mutex) == 0);
	return unused;
}

static void a_lock(void)
{
	CHECK(pthread_mutex_lock(&a_mutex) == 0);
}

static void a_unlock(void)
{
	CHECK(pthread_mutex_unlock(&a_mutex) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	handlers_register(a_lock, a_unlock, a_unlock);
	thread = worker_start(use_a);
	pid = fork();
	handlers_finish(pid, thread);
	return 0;
}
