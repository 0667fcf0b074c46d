/* The child makes a loop of events as libuv and asyncio have one (an epoll set with an eventfd and one of a
 * pair of sockets), gives a job to the pool whose workers stayed in the parent, and waits for the event that
 * the job was to make. No other process has any of the three.
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
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "pool.h"

static int done, pair[2], events;

static void write_answer(void)
{
	CHECK(eventfd_write(done, 1) == 0);
}

static void loop_add(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	CHECK(epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void loop_make(void)
{
	events = epoll_create1(EPOLL_CLOEXEC);
	done = eventfd(0, EFD_CLOEXEC);
	CHECK(events >= 0);
	CHECK(done >= 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	loop_add(done);
	loop_add(pair[0]);
}

__attribute__((noinline)) static void child_run(void)
{
	struct job job;
	struct epoll_event event;

	loop_make();
	job_init(&job);
	job.run = write_answer;
	pool_post(&job);
	CHECK(epoll_wait(events, &event, 1, -1) == 1);
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
