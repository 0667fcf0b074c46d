/* The prepare handlers take b_mutex, then wait for a_mutex; only then the worker that holds a_mutex asks for
 * b_mutex, and the circle is closed. fork never returns.
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
	wait_until_blocked(getpid(), getpid(), &a_mutex, sizeof(a_mutex));
	b_use();
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
