/* The prepare handlers take b_mutex, then a_mutex; a worker that holds a_mutex waits for b_mutex. fork never
 * returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: mutex normal a_mutex
 *   holder: acquired_at=a_then_b start_routine=a_then_b
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=a_lock
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "handlers_in_order.h"

static pthread_mutex_t a_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *a_then_b(void *unused)
{
	CHECK(pthread_mutex_lock(&a_mutex) == 0);
	b_await_taken();
	b_use();
	CHECK(pthread_mutex_unlock(&a_mutex) == 0);
	return unused;
}

static void a_lock(void)
{
	b_await_waiter();
	CHECK(pthread_mutex_lock(&a_mutex) == 0);
}

static void a_unlock(void)
{
	CHECK(pthread_mutex_unlock(&a_mutex) == 0);
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
