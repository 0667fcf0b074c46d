/* The child waits inside setenv() for libc's lock, which a worker had at the fork, and the handler of its
 * alarm leaves the call. The child is left alone until then, and nothing is told: what libc does there is
 * known only of a call that never ended.
 *
 * expect: nothing
 * exit: 0
 */
#include "malloc_gate.h"
#include "watch_patience.h"
#include <setjmp.h>

static sigjmp_buf way_out;

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(setenv("CASE_WORKER", "busy", 1) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void leave(int number)
{
	siglongjmp(way_out, number);
}

static void child_work(void)
{
	CHECK(signal(SIGALRM, leave) != SIG_ERR);
	if (sigsetjmp(way_out, 1) == 0) {
		alarm(WATCH_PATIENCE_S);
		setenv("CASE_CHILD", "1", 1);
		CHECK(!"the lock was free");
	}
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child_work();
		_exit(0);
	}
	await_end(pid);
	child_succeed(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
