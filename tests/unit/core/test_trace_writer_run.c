/* The writer beside a supervisor, at its limits, and once nothing can be opened any more. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace_writer_fixture.h"

static struct trace_run *supervise(void)
{
	struct trace_run *run;

	core_start();
	cr_assert_eq(trace_file_make_folder(core_trace_folder()), 0);
	cr_assert_eq(trace_file_create_run(core_trace_folder(), 128 << 10, &run), 0);
	run->supervised = 1;
	config.trace_folder = core_trace_folder();
	return run;
}

Test(trace_writer, joins_the_run_of_a_supervisor)
{
	struct trace_run *run = supervise();

	trace_writer_add(&trace_writer_run()->threads, 5);
	trace_writer_init();
	cr_assert(trace_writer_is_supervised());
	cr_assert_eq(run->threads, 5);
	cr_assert_eq(run->images, 1);
	trace_writer_open_image();
	cr_assert_not_null(trace_writer_image());
	cr_assert_eq(trace_writer_image()->file.run_id, run->file.run_id);
	cr_assert_eq(run->size_reserved_bytes, (128 << 10) + IMAGE_SIZE_BYTES);
}

Test(trace_writer, makes_no_folder_of_its_own_where_a_supervisor_s_is_gone)
{
	core_start();
	config.trace_folder = "/nowhere/at/all";
	trace_writer_init();
	trace_writer_open_run();
	trace_writer_open_image();
	cr_assert_null(trace_writer_image());
	cr_assert_neq(access(core_trace_folder(), F_OK), 0, "a folder was made");
	trace_writer_add(&trace_writer_run()->forks, 1);
	cr_assert_eq(trace_writer_run()->forks, 1);
}

static const struct trace_notice *first_notice(const struct trace_run *run)
{
	return (const struct trace_notice *)((const char *)run + TRACE_HEADER_SIZE_BYTES);
}

Test(trace_writer, keeps_to_the_limit_of_the_run)
{
	struct trace_run *run = supervise();

	run->size_limit_bytes = run->size_reserved_bytes + IMAGE_SIZE_BYTES - 1;
	uint64_t reserved_bytes = run->size_reserved_bytes;
	trace_writer_init();
	trace_writer_open_image();
	cr_assert_null(trace_writer_image());
	cr_assert_eq(run->size_reserved_bytes, reserved_bytes);
	cr_assert_eq(run->images_unrecorded, 1);
	const struct trace_notice *notice = first_notice(run);
	cr_assert_eq(notice->record.state, TRACE_RECORD_COMMITTED);
	cr_assert_eq(notice->record.type, TRACE_RECORD_NOTICE);
	cr_assert_eq(notice->kind, TRACE_NOTICE_UNRECORDED);
	cr_assert_eq(notice->error, EDQUOT);
	trace_writer_open_image();
	cr_assert_eq(run->images_unrecorded, 1, "counted again");
}

/* Made before the program drops its rights; hundreds of small programs do that and never fork. */
Test(trace_writer, opens_early_images_small_and_leaves_half_of_the_room)
{
	struct trace_run *run = supervise();

	run->size_limit_bytes = 4 * IMAGE_SIZE_BYTES;
	run->size_reserved_bytes = 2 * IMAGE_SIZE_BYTES - EARLY_IMAGE_SIZE_BYTES + 1;
	uint64_t reserved_bytes = run->size_reserved_bytes;
	trace_writer_init();
	trace_writer_open_image_early();
	cr_assert_null(trace_writer_image());
	cr_assert_eq(run->size_reserved_bytes, reserved_bytes);
	cr_assert_eq(run->images_unrecorded, 0);
	run->size_reserved_bytes--;
	trace_writer_open_image_early();
	cr_assert_not_null(trace_writer_image());
	cr_assert_eq(run->size_reserved_bytes, 2 * IMAGE_SIZE_BYTES);
	cr_assert_eq(trace_writer_image()->file.file_size_bytes, EARLY_IMAGE_SIZE_BYTES);
}

Test(trace_writer, opens_an_image_where_an_early_one_found_no_room)
{
	struct trace_run *run = supervise();

	run->size_limit_bytes = 4 * IMAGE_SIZE_BYTES;
	run->size_reserved_bytes = 2 * IMAGE_SIZE_BYTES;
	trace_writer_init();
	trace_writer_open_image_early();
	trace_writer_open_image();
	cr_assert_not_null(trace_writer_image());
	cr_assert_eq(trace_writer_image()->file.file_size_bytes, IMAGE_SIZE_BYTES);
}

Test(trace_writer, says_once_that_nothing_is_recorded)
{
	char said[1024] = "", expected[1024];
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	snprintf(config.output, sizeof config.output, "/nowhere/at/all");
	core_start();
	trace_writer_open_run();
	trace_writer_open_image();
	trace_writer_open_run();
	snprintf(expected, sizeof expected,
	         "afterfork: nothing is recorded: cannot make the trace folder /nowhere/at/all: %s\n",
	         strerrordesc_np(ENOENT));
	cr_assert_geq(read(ends[0], said, sizeof said - 1), 0);
	cr_assert_str_eq(said, expected);
	cr_assert_null(append(1));
}

/* Number 2 may be the program's own file by then. */
Test(trace_writer, says_nothing_into_a_reused_descriptor)
{
	char said[16];
	int ends[2];

	snprintf(config.output, sizeof config.output, "/nowhere/at/all");
	core_start();
	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	trace_writer_open_run();
	cr_assert_eq(read(ends[0], said, sizeof said), -1);
	cr_assert_eq(errno, EAGAIN);
}

Test(trace_writer, wakes_the_supervisor, .timeout = 30)
{
	struct trace_run *run = supervise();

	trace_writer_init();
	pid_t child = fork();
	if (child == 0) {
		while (__atomic_load_n(&run->notice_count, __ATOMIC_ACQUIRE) == 0)
			syscall(SYS_futex, &run->notice_count, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(0);
	}
	trace_writer_notify();
	cr_assert_eq(core_wait(child), 0);
	cr_assert_eq(run->notice_count, 1);
}

Test(trace_writer, opens_nothing_once_sealed)
{
	core_start();
	trace_writer_seal(true);
	cr_assert(trace_writer_is_sealed());
	trace_writer_open_run();
	trace_writer_open_image();
	cr_assert_null(trace_writer_image());
	cr_assert_neq(access(core_trace_folder(), F_OK), 0, "a folder was made");
}

Test(trace_writer, still_writes_to_its_file_once_sealed)
{
	open_image();
	trace_writer_seal(true);
	struct trace_incident *found = append(1);
	cr_assert_not_null(found);
	expect_sound(found);
	cr_assert_eq(found->record.time_ns, 0, "the clock was asked");
}

Test(trace_writer, lets_a_child_open_what_its_parent_was_opening, .timeout = 30)
{
	core_start();
	pid_t child = fork();
	if (child == 0) {
		process.pid = getpid();
		trace_writer_child(getpid());
		trace_writer_open_image();
		_exit(trace_writer_image() && trace_writer_image()->pid == getpid() ? 0 : 1);
	}
	cr_assert_eq(core_wait(child), 0);
}
