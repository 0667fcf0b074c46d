/* The prepare handlers take b_mutex, then spin on a_spinlock; the worker that has it waits for b_mutex. fork
 * never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: spinlock - a_spinlock
 *   holder: acquired_at=a_then_b start_routine=a_then_b
 *   fork: call=fork function=main
 *   victim: call=pthread_spin_lock function=a_lock
 *   count: 1
 * exit: 66
 */
#include "handlers_in_order.h"

#include <sys/resource.h>

static pthread_spinlock_t a_spinlock;

/* A process that spins is ended by the kernel once it has used a second of CPU. */
static void limit_cpu(void)
{
	struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};

	CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
}

static void *a_then_b(void *unused)
{
	CHECK(pthread_spin_lock(&a_spinlock) == 0);
	b_await_taken();
	b_use();
	CHECK(pthread_spin_unlock(&a_spinlock) == 0);
	return unused;
}

static void a_lock(void)
{
	b_await_waiter();
	limit_cpu();
	CHECK(pthread_spin_lock(&a_spinlock) == 0);
}

static void a_unlock(void)
{
	CHECK(pthread_spin_unlock(&a_spinlock) == 0);
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
	CHECK(pthread_spin_init(&a_spinlock, PTHREAD_PROCESS_PRIVATE) == 0);
	handlers_register(a_lock, a_unlock, a_unlock);
	thread = worker_start(a_then_b);
	pid = fork();
	handlers_finish(pid, thread);
	return 0;
}
