/* The child makes a pipe, gives a job to the pool whose workers stayed in the parent, and reads from the
 * pipe: the job was to write to it. No other process has either end.
 *
 * expect: likely waker-vanished
 *   lock: - - -
 *   holder: acquired_at=pool_take<pool_worker start_routine=pool_worker created_at=pool_start<main
 *   fork: call=fork function=main
 *   handed_over: kind=condvar name=pool_filled call=pthread_cond_signal waiting_threads=2 function=pool_post
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 * native: loops
 * stderr: waits for ever, on descriptors that no other process has
 */
#include "pool.h"

static int answer[2];

static void write_answer(void)
{
	CHECK(write(answer[1], "", 1) == 1);
}

__attribute__((noinline)) static void child_run(void)
{
	struct job job;
	char byte;

	CHECK(pipe(answer) == 0);
	job_init(&job);
	job.run = write_answer;
	pool_post(&job);
	CHECK(read(answer[0], &byte, 1) == 1);
}

int main(void)
{
	pid_t pid;

	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	pool_leave(pid);
}
