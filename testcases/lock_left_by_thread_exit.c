/* The child's own thread waits for slot_lock, and a handler of SIGUSR1 ends it by pthread_exit: the child
 * goes on without it.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal slot_lock
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=slot_take
 *   count: 1
 * exit: 0
 */
#include "leave_wait.h"
#include "watch_patience.h"

static volatile pid_t taker;

static void end_thread(int number)
{
	(void)number;
	pthread_exit(NULL);
}

static void *slot_take(void *unused)
{
	taker = (pid_t)syscall(SYS_gettid);
	pthread_mutex_lock(&slot_lock);
	CHECK(!"the lock was free");
	return unused;
}

static void child(void)
{
	pthread_t thread;

	CHECK(signal(SIGUSR1, end_thread) != SIG_ERR);
	CHECK(pthread_create(&thread, NULL, slot_take, NULL) == 0);
	while (!taker)
		sched_yield();
	CHECK(wait_until_blocked(getpid(), taker, &slot_lock, sizeof(slot_lock)));
	outlast_the_watch();
	CHECK(pthread_kill(thread, SIGUSR1) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
