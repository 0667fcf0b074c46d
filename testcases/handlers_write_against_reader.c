/* The prepare handlers take b_mutex, then want to write under a_rwlock; a worker that reads under it waits
 * for b_mutex. fork never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: rwlock - a_rwlock
 *   holder: acquired_at=a_then_b start_routine=a_then_b
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_wrlock function=a_lock
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "handlers_in_order.h"

static pthread_rwlock_t a_rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *a_then_b(void *unused)
{
	CHECK(pthread_rwlock_rdlock(&a_rwlock) == 0);
	b_await_taken();
	b_use();
	CHECK(pthread_rwlock_unlock(&a_rwlock) == 0);
	return unused;
}

static void a_lock(void)
{
	b_await_waiter();
	CHECK(pthread_rwlock_wrlock(&a_rwlock) == 0);
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
	handlers_register(a_lock, a_unlock, a_unlock);
	thread = worker_start(a_then_b);
	pid = fork();
	handlers_finish(pid, thread);
	return 0;
}
