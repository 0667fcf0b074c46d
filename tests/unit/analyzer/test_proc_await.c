/* Waits for descriptors: which of them nobody can end. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc_await.h"
#include "proc_socket.h"
#include "proc_stat.h"

/* Made before the fork: the test's process has them, too. */
static int shared_pipe[2], shared_event, shared_set, shared_pair[2];

static void set_add(int set, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	cr_assert_eq(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
}

static void set_up(void)
{
	cr_assert_eq(pipe(shared_pipe), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, shared_pair), 0);
	shared_event = eventfd(0, 0);
	shared_set = epoll_create1(0);
	set_add(shared_set, shared_event);
}

TestSuite(proc_await, .init = set_up, .timeout = 60);

static void stay_with(int fd)
{
	struct pollfd polled[] = {{.fd = -1}, {.fd = fd, .events = POLLIN}};

	poll(polled, 2, -1);
}

static void stay_in(int set)
{
	struct epoll_event event;

	epoll_wait(set, &event, 1, -1);
}

static void read_own_pipe(void)
{
	char byte;
	int own[2];

	if (pipe(own) == 0 && read(own[0], &byte, 1) == 1)
		_exit(1);
}

static void poll_own_event(void)
{
	stay_with(eventfd(0, EFD_CLOEXEC));
}

static int make_set(void)
{
	int set = epoll_create1(EPOLL_CLOEXEC), pair[2];

	set_add(set, eventfd(0, 0));
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	set_add(set, pair[0]);
	return set;
}

static void stay_in_own_set(void)
{
	stay_in(make_set());
}

static void read_shared_pipe(void)
{
	char byte;

	if (read(shared_pipe[0], &byte, 1) == 1)
		_exit(1);
}

static void poll_shared_event(void)
{
	stay_with(shared_event);
}

static void poll_shared_event_without_inheritance(void)
{
	fcntl(shared_event, F_SETFD, FD_CLOEXEC);
	stay_with(shared_event);
}

static void stay_in_set_with_shared_event(void)
{
	int set = make_set();

	set_add(set, shared_event);
	stay_in(set);
}

static void stay_in_shared_set(void)
{
	epoll_ctl(shared_set, EPOLL_CTL_DEL, shared_event, NULL);
	set_add(shared_set, eventfd(0, 0));
	stay_in(shared_set);
}

static void poll_pair_of_which_another_has_an_end(void)
{
	close(shared_pair[1]);
	stay_with(shared_pair[0]);
}

static void poll_pipe_that_a_child_has(void)
{
	int own[2];

	if (pipe(own) == 0 && fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		poll(NULL, 0, -1);
	}
	stay_with(own[0]);
}

static void send_to_nobody_yet(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = {0};
	struct iovec bytes = {&byte, 1};
	struct msghdr message = {
	    .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	*rights = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	cr_assert_eq(sendmsg(shared_pair[1], &message, 0), 1);
	close(shared_pair[0]);
	close(shared_pair[1]);
}

static void poll_event_on_its_way(void)
{
	int event = eventfd(0, 0);

	send_to_nobody_yet(event);
	stay_with(event);
}

static void poll_pipe_on_its_way(void)
{
	int own[2];

	cr_assert_eq(pipe(own), 0);
	send_to_nobody_yet(own[1]);
	close(own[1]);
	stay_with(own[0]);
}

static void *wait_for_the_end(void *unused)
{
	poll(NULL, 0, -1);
	return unused;
}

static void poll_pipe_of_one_without_initial_thread(void)
{
	int own[2];
	struct proc_stat stat = {0};
	pthread_t thread;

	cr_assert_eq(pipe(own), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, wait_for_the_end, NULL);
		pthread_exit(NULL);
	}
	while (proc_stat_read(pid, 0, &stat) && stat.state != 'Z')
		usleep(1000);
	stay_with(own[0]);
}

static void stay_in_set_of_sets(int fd)
{
	int set = epoll_create1(0), outer = epoll_create1(0);

	set_add(set, fd);
	set_add(outer, set);
	stay_in(outer);
}

static void stay_in_set_of_own_sets(void)
{
	stay_in_set_of_sets(eventfd(0, 0));
}

static void stay_in_set_with_clock_in_a_set(void)
{
	stay_in_set_of_sets(timerfd_create(CLOCK_MONOTONIC, 0));
}

static void stay_in_set_with_clock_that_was_renamed(void)
{
	int set = epoll_create1(0), clock = timerfd_create(CLOCK_MONOTONIC, 0);

	set_add(set, clock);
	cr_assert_geq(dup(clock), 0);
	cr_assert_eq(dup2(eventfd(0, 0), clock), clock);
	stay_in(set);
}

static void poll_clock(void)
{
	stay_with(timerfd_create(CLOCK_MONOTONIC, 0));
}

static void poll_server(void)
{
	const struct sockaddr somewhere = {.sa_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert_eq(bind(server, &somewhere, sizeof(sa_family_t)), 0);
	cr_assert_eq(listen(server, 1), 0);
	stay_with(server);
}

static void poll_nothing(void)
{
	poll(NULL, 0, -1);
}

static void stay_in_empty_set(void)
{
	stay_in(epoll_create1(0));
}

static pid_t begin(void (*stay)(void))
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stay();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool is_hopeless(void (*stay)(void))
{
	struct proc_standstill standstill;
	pid_t pid = begin(stay);

	while (!proc_await_read(pid, &standstill))
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0);
	cr_assert_eq(standstill.wait.state, PROC_WAIT_DESCRIPTORS);
	cr_assert_eq(standstill.tid, pid);
	bool hopeless = proc_await_is_hopeless(pid, &standstill.wait);
	end(pid);
	return hopeless;
}

Test(proc_await, is_hopeless_where_nobody_else_has_what_is_waited_for)
{
	cr_assert(is_hopeless(read_own_pipe));
	cr_assert(is_hopeless(poll_own_event));
	cr_assert(is_hopeless(stay_in_own_set));
	cr_assert(is_hopeless(stay_in_set_of_own_sets));
}

Test(proc_await, is_not_where_another_process_has_it)
{
	cr_assert_not(is_hopeless(read_shared_pipe));
	cr_assert_not(is_hopeless(poll_shared_event));
	cr_assert_not(is_hopeless(poll_shared_event_without_inheritance));
	cr_assert_not(is_hopeless(stay_in_set_with_shared_event));
	cr_assert_not(is_hopeless(stay_in_shared_set));
	cr_assert_not(is_hopeless(poll_pair_of_which_another_has_an_end));
	cr_assert_not(is_hopeless(poll_pipe_that_a_child_has));
	cr_assert_not(is_hopeless(poll_pipe_of_one_without_initial_thread));
}

/* The pair of sockets stays open in the test's process: what a child sends is to be taken from there. */
Test(proc_await, is_not_where_what_was_sent_was_not_taken_yet)
{
	cr_assert_not(is_hopeless(poll_pipe_on_its_way));
	cr_assert_not(is_hopeless(poll_event_on_its_way));
}

Test(proc_await, is_not_where_a_set_has_a_clock_under_another_name)
{
	cr_assert_not(is_hopeless(stay_in_set_with_clock_in_a_set));
	cr_assert_not(is_hopeless(stay_in_set_with_clock_that_was_renamed));
}

Test(proc_await, is_not_for_what_the_kernel_or_strangers_make_ready)
{
	cr_assert_not(is_hopeless(poll_clock));
	cr_assert_not(is_hopeless(poll_server));
	cr_assert_not(is_hopeless(poll_nothing));
	cr_assert_not(is_hopeless(stay_in_empty_set));
}

static void poll_for_an_hour(void)
{
	struct pollfd one = {.fd = eventfd(0, 0), .events = POLLIN};

	poll(&one, 1, 3600 * 1000);
}

static void wait_for_an_hour(void)
{
	struct epoll_event event;

	epoll_wait(make_set(), &event, 1, 3600 * 1000);
}

static bool is_await(void (*stay)(void), long call)
{
	struct proc_standstill standstill;
	struct proc_wait wait;
	pid_t pid = begin(stay);

	do
		proc_wait_read(pid, pid, &wait);
	while (wait.call != call);
	bool is = proc_await_read(pid, &standstill);
	end(pid);
	return is;
}

Test(proc_await, is_none_with_a_time_limit)
{
	cr_assert(is_await(poll_nothing, SYS_poll));
	cr_assert_not(is_await(poll_for_an_hour, SYS_poll));
	cr_assert_not(is_await(wait_for_an_hour, SYS_epoll_wait));
}

static uint32_t inode_of(int fd)
{
	char path[64], link[64] = "";
	unsigned inode = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_gt(readlink(path, link, sizeof(link) - 1), 0);
	cr_assert_eq(sscanf(link, "socket:[%u]", &inode), 1);
	return inode;
}

Test(proc_await, knows_both_ends_of_a_pair_of_sockets)
{
	int datagrams[2];

	cr_assert_eq(proc_socket_peer(getpid(), inode_of(shared_pair[0])), inode_of(shared_pair[1]));
	cr_assert_eq(proc_socket_peer(getpid(), inode_of(shared_pair[1])), inode_of(shared_pair[0]));
	cr_assert_eq(proc_socket_peer(getpid(), 1), 0);
	/* To those anybody could send. */
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
	cr_assert_eq(proc_socket_peer(getpid(), inode_of(datagrams[0])), 0);
	cr_assert_eq(proc_socket_peer(getpid(), inode_of(socket(AF_INET, SOCK_STREAM, 0))), 0);
}
