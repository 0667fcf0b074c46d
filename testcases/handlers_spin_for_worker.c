/* The prepare handlers take b_mutex, then spin on a_spinlock; the worker that has it needs nothing of main's
 * and lets it go: fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "handlers_in_order.h"

static pthread_spinlock_t a_spinlock;

static void *use_a(void *unused)
{
	CHECK(pthread_spin_lock(&a_spinlock) == 0);
	b_await_taken();
	CHECK(pthread_spin_unlock(&a_spinlock) == 0);
	return unused;
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
	handlers_register(a_lock, a_unlock, a_unlock);
	thread = worker_start(use_a);
	pid = fork();
	handlers_finish(pid, thread);
	return 0;
}
