/* Two threads that the child itself started lock a and b in opposite orders, each holding what the other
 * wants. All of them live in the child, and the worker that vanished held nothing: an ordinary deadlock,
 * which no fork explains.
 *
 * expect: note other-deadlock
 *   lock: mutex normal a_mutex
 *   holder: acquired_at=a_then_b start_routine=a_then_b
 *   victim: call=pthread_mutex_lock function=b_then_a
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t a_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both_hold, close_cycle;
static volatile pid_t first_tid, second_tid;

static void *a_then_b(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&a_mutex) == 0);
	first_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&both_hold);
	CHECK(pthread_mutex_lock(&b_mutex) == 0);
	return NULL;
}

static void *b_then_a(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&b_mutex) == 0);
	second_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&both_hold);
	pthread_barrier_wait(&close_cycle);
	CHECK(pthread_mutex_lock(&a_mutex) == 0);
	return NULL;
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

static void child_main(void)
{
	pthread_t first, second;

	CHECK(pthread_barrier_init(&both_hold, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&close_cycle, NULL, 2) == 0);
	CHECK(pthread_create(&first, NULL, a_then_b, NULL) == 0);
	CHECK(pthread_create(&second, NULL, b_then_a, NULL) == 0);
	while (!first_tid)
		sched_yield();
	wait_until_blocked(getpid(), first_tid, &b_mutex, sizeof(b_mutex));
	pthread_barrier_wait(&close_cycle);
	wait_until_blocked(getpid(), second_tid, &a_mutex, sizeof(a_mutex));
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child_main();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
