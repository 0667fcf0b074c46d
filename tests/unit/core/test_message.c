/* What the library says on standard error, and when it keeps silent. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core_fixture.h"
#include "message.h"

static int ends[2];
static char said[1024];

/* Standard error is a pipe that the test reads. */
static void start(void)
{
	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	message_init();
}

TestSuite(message, .init = start);

static const char *read_said(void)
{
	ssize_t size_bytes = read(ends[0], said, sizeof said - 1);

	said[size_bytes > 0 ? size_bytes : 0] = 0;
	return said;
}

Test(message, names_subject_and_reason)
{
	message_error("cannot open ", "/some/file", ENOENT);
	cr_assert_str_eq(read_said(), "afterfork: cannot open /some/file: No such file or directory\n");
}

Test(message, ends_after_the_subject_without_a_reason)
{
	message_error("unknown key ", "x", 0);
	cr_assert_str_eq(read_said(), "afterfork: unknown key x\n");
}

Test(message, is_cut_to_one_line_of_bounded_length)
{
	char subject[2000];

	memset(subject, 'x', sizeof subject);
	subject[sizeof subject - 1] = 0;
	message_error("cannot open ", subject, ENOENT);
	cr_assert_eq(strlen(read_said()), strcspn(said, "\n") + 1);
	cr_assert_leq(strlen(said), 512);
}

Test(message, is_not_written_into_what_the_program_put_in_place_of_standard_error)
{
	int other[2];

	cr_assert_eq(pipe2(other, O_NONBLOCK), 0);
	cr_assert_eq(dup2(other[1], STDERR_FILENO), STDERR_FILENO);
	message_error("cannot open ", "/some/file", ENOENT);
	cr_assert_str_eq(read_said(), "");
	cr_assert_eq(read(other[0], said, sizeof said), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	message_error("cannot open ", "/some/file", 0);
	cr_assert_str_eq(read_said(), "afterfork: cannot open /some/file\n", "it is back");
}

Test(message, is_dropped_where_standard_error_is_closed)
{
	cr_assert_eq(close(STDERR_FILENO), 0);
	message_error("cannot open ", "/some/file", ENOENT);
	message_init();
	message_error("cannot open ", "/some/file", ENOENT);
	cr_assert_str_eq(read_said(), "");
}

/* The program would be ended by a signal that it never asked for. */
Test(message, raises_no_signal_where_nobody_reads)
{
	sigset_t blocked, pending;

	cr_assert_eq(close(ends[0]), 0);
	signal(SIGPIPE, SIG_DFL);
	message_error("cannot open ", "/some/file", ENOENT);
	cr_assert_eq(sigpending(&pending), 0);
	cr_assert_not(sigismember(&pending, SIGPIPE));
	cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &blocked), 0);
	cr_assert_not(sigismember(&blocked, SIGPIPE));
}

Test(message, raises_no_signal_at_the_limit_of_a_file)
{
	char path[256];

	snprintf(path, sizeof path, "%s/said", core_folder());
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	message_init();
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, RLIM_INFINITY}), 0);
	signal(SIGXFSZ, SIG_DFL);
	message_error("cannot open ", "/some/file", ENOENT);
	cr_assert_eq(lseek(fd, 0, SEEK_END), 0);
}
