/* Children that give a job to the pool whose workers stayed in the parent, do not wait for it, and then stay
 * in read(), poll() or epoll_wait() for what somebody else may well do: the parent, which has the other end
 * of a pipe, or was sent it, the same eventfd or the same epoll set; a clock, in a set of a set, too; who
 * connects; who sends the signal that the program has a handler of. The parent lets them stay for longer than
 * the watch from outside needs, and ends them then. Only the mutex, free by luck, is told.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#include "pool.h"

enum { PATIENCE_S = 18 };

static int inherited_pipe[2], inherited_event, inherited_set, inherited_pair[2], own_pipe[2];

static void set_add(int set, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void stay_with(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	poll(&one, 1, -1);
}

static void stay_with_inherited_pipe(void)
{
	char byte;

	CHECK(read(inherited_pipe[0], &byte, 1) >= 0);
}

static void stay_with_inherited_event(void)
{
	stay_with(inherited_event);
}

static void stay_with_inherited_set(void)
{
	struct epoll_event event;

	epoll_wait(inherited_set, &event, 1, -1);
}

static void stay_with_inherited_event_in_own_set(void)
{
	struct epoll_event event;
	int set = epoll_create1(0);

	set_add(set, inherited_event);
	epoll_wait(set, &event, 1, -1);
}

static void stay_with_clock(void)
{
	const struct itimerspec in_an_hour = {.it_value = {3600, 0}};
	int clock = timerfd_create(CLOCK_MONOTONIC, 0);

	CHECK(timerfd_settime(clock, 0, &in_an_hour, NULL) == 0);
	stay_with(clock);
}

static void stay_as_server(void)
{
	const struct sockaddr_un somewhere = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(bind(server, (const struct sockaddr *)&somewhere, sizeof(sa_family_t)) == 0);
	CHECK(listen(server, 1) == 0);
	stay_with(server);
}

static void on_signal(int number)
{
	(void)number;
	CHECK(write(own_pipe[1], "", 1) == 1);
}

static void stay_until_signal(void)
{
	CHECK(pipe(own_pipe) == 0);
	CHECK(signal(SIGTERM, on_signal) != SIG_ERR);
	stay_with(own_pipe[0]);
}

static void stay_with_nothing(void)
{
	poll(NULL, 0, -1);
}

static void stay_with_child(void)
{
	int end[2];
	char byte;

	CHECK(pipe(own_pipe) == 0);
	CHECK(pipe(end) == 0);
	if (fork() == 0) {
		close(end[1]);
		CHECK(read(end[0], &byte, 1) == 0);
		_exit(0);
	}
	stay_with(own_pipe[0]);
}

static void stay_with_clock_in_set_in_set(void)
{
	const struct itimerspec in_an_hour = {.it_value = {3600, 0}};
	int clock = timerfd_create(CLOCK_MONOTONIC, 0), set = epoll_create1(0);

	CHECK(timerfd_settime(clock, 0, &in_an_hour, NULL) == 0);
	set_add(set, clock);
	stay_with(set);
}

/* The parent has not taken it yet. */
static void stay_with_pipe_that_was_sent(void)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec bytes = {&byte, 1};
	struct msghdr message = {
	    .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	CHECK(pipe(own_pipe) == 0);
	*rights = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(rights), &own_pipe[1], sizeof(int));
	CHECK(sendmsg(inherited_pair[1], &message, 0) == 1);
	close(inherited_pair[0]);
	close(own_pipe[1]);
	stay_with(own_pipe[0]);
}

static void stay_until_interrupted(void)
{
	CHECK(pipe(own_pipe) == 0);
	CHECK(signal(SIGINT, on_signal) != SIG_ERR);
	stay_with(own_pipe[0]);
}

static void (*const stays[])(void) = {
    stay_with_inherited_pipe, stay_with_inherited_event,
    stay_with_inherited_set,  stay_with_inherited_event_in_own_set,
    stay_with_clock,          stay_with_clock_in_set_in_set,
    stay_as_server,           stay_until_signal,
    stay_until_interrupted,   stay_with_nothing,
    stay_with_child,          stay_with_pipe_that_was_sent,
};
enum { STAYS = sizeof(stays) / sizeof(*stays) };

static void give_job(void)
{
	static struct job job;

	job_init(&job);
	pool_post(&job);
}

static pid_t begin(void (*stay)(void))
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return pid;
	give_job();
	stay();
	_exit(CASE_CHECK_FAILED);
}

int main(void)
{
	struct timespec span = {PATIENCE_S, 0};
	pid_t children[STAYS];

	CHECK(pipe(inherited_pipe) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, inherited_pair) == 0);
	inherited_event = eventfd(0, 0);
	inherited_set = epoll_create1(0);
	set_add(inherited_set, inherited_event);
	pool_start();
	for (size_t i = 0; i < STAYS; i++)
		children[i] = begin(stays[i]);
	while (nanosleep(&span, &span) != 0)
		CHECK(errno == EINTR);
	for (size_t i = 0; i < STAYS; i++) {
		CHECK(child_has_ended(children[i]) == 0);
		CHECK(kill(children[i], SIGKILL) == 0);
		child_reap(children[i]);
	}
	_exit(0);
}
