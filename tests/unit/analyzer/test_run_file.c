#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_file.h"
#include "trace_files.h"

static char base[] = "/tmp/afterfork-test-run-file-XXXXXX";
static char folder[64];
static char *command[] = {"prog", "an argument", NULL};

static struct run_file_settings settings(void)
{
	return (struct run_file_settings){
	    .folder = folder,
	    .command = command,
	    .on_deadlock = TRACE_ACTION_KILL,
	    .machine = 62,
	    .size_limit_bytes = 12345678,
	};
}

static void make_base(void)
{
	cr_assert_not_null(mkdtemp(base));
	snprintf(folder, sizeof(folder), "%s/trace", base);
}

static void remove_base(void)
{
	char shell[128];

	snprintf(shell, sizeof(shell), "rm -rf %s", base);
	cr_assert_eq(system(shell), 0);
}

TestSuite(run_file, .init = make_base, .fini = remove_base);

static void put_file(const char *name, const char *text)
{
	char path[128];

	mkdir(folder, 0700);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void expect_error(const struct run_file_settings *wanted, const char *format, const char *argument)
{
	struct run_file run_file;
	char *error = NULL, *expected = NULL;

	cr_assert_not(run_file_create(&run_file, wanted, &error));
	cr_assert_gt(asprintf(&expected, format, argument), 0);
	cr_assert_str_eq(error, expected);
	free(expected);
	free(error);
}

Test(run_file, makes_a_private_folder_and_file_whatever_the_umask)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	struct stat status;
	char *error = NULL;

	umask(0777);
	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	cr_assert_eq(fstat(run_file.folder_fd, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0700);
	cr_assert_eq(fstat(run_file.file_fd, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0600);
	/* Allocated, not sparse: a full disk shows here. */
	cr_assert_geq((uint64_t)status.st_blocks * 512, run_file.run->file.file_size_bytes);
	cr_assert_eq((uint64_t)status.st_size, run_file.run->file.file_size_bytes);
	cr_assert_eq(fcntl(run_file.file_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_assert_eq(fcntl(run_file.folder_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	run_file_release(&run_file);
}

Test(run_file, fills_the_header)
{
	static const char stored[] = "prog\0an argument";
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	char *error = NULL;

	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	const struct trace_run *run = run_file.run;
	cr_assert_arr_eq(run->file.magic, TRACE_MAGIC, 8);
	cr_assert_eq(run->file.version, TRACE_VERSION);
	cr_assert_eq(run->file.kind, TRACE_FILE_RUN);
	cr_assert_eq(run->file.machine, 62);
	cr_assert_eq(run->file.tail_bytes, TRACE_HEADER_SIZE_BYTES);
	cr_assert_neq(run->file.run_id, 0);
	cr_assert_eq(run->supervised, 1);
	cr_assert_eq(run->on_deadlock, TRACE_ACTION_KILL);
	cr_assert_eq(run->ended, 0);
	cr_assert_eq(run->exit_code, -1);
	cr_assert_eq(run->size_limit_bytes, 12345678);
	cr_assert_eq(run->size_reserved_bytes, run->file.file_size_bytes);
	cr_assert_eq(run->supervisor_pid, getpid());
	cr_assert_eq(run->command_size_bytes, sizeof(stored));
	cr_assert_arr_eq(run->command, stored, sizeof(stored));
	cr_assert_eq(run->command_truncated, 0);
	run_file_release(&run_file);
}

Test(run_file, cuts_a_command_that_is_too_long)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	char *error = NULL;
	char *argument = calloc(1, 20001);

	memset(argument, 'x', 20000);
	wanted.command = (char *[]){"prog", argument, "more", NULL};
	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	cr_assert_eq(run_file.run->command_size_bytes, TRACE_COMMAND_SIZE_BYTES);
	cr_assert_eq(run_file.run->command_truncated, 1);
	cr_assert_eq(run_file.run->command[TRACE_COMMAND_SIZE_BYTES - 2], 'x');
	cr_assert_eq(run_file.run->command[TRACE_COMMAND_SIZE_BYTES - 1], '\0');
	run_file_release(&run_file);
	free(argument);
}

Test(run_file, writes_down_how_the_command_ended)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	char *error = NULL;

	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	run_file_end(&run_file, -1, 9);
	cr_assert_eq(run_file.run->ended, 1);
	cr_assert_eq(run_file.run->exit_code, -1);
	cr_assert_eq(run_file.run->exit_signal, 9);
	cr_assert_geq(run_file.run->ended_ns, run_file.run->file.started_monotonic_ns);
	run_file_release(&run_file);
}

Test(run_file, takes_over_an_empty_folder)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	struct stat status;
	char *error = NULL;

	cr_assert_eq(mkdir(folder, 0755), 0);
	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	cr_assert_eq(stat(folder, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0700);
	run_file_release(&run_file);
}

Test(run_file, refuses_a_folder_with_other_files)
{
	struct run_file_settings wanted = settings();
	char path[128];

	put_file("notes", "mine");
	wanted.replace = true;
	expect_error(&wanted, "the folder %s holds files that are no trace; name another one with -o",
	             folder);
	snprintf(path, sizeof(path), "%s/notes", folder);
	cr_assert(exists(path));
}

Test(run_file, refuses_to_replace_files_that_only_look_like_a_trace)
{
	struct run_file_settings wanted = settings();

	put_file("report.txt", "mine");
	wanted.replace = true;
	expect_error(&wanted, "the folder %s holds files that are no trace; name another one with -o",
	             folder);
}

Test(run_file, replaces_an_earlier_trace_only_when_asked)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	char *error = NULL, path[128];

	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	uint64_t first_id = run_file.run->file.run_id;
	run_file_release(&run_file);
	put_file("image-17-0", "x");
	put_file("report.json", "x");
	put_file("report.json.new", "x");
	expect_error(
	    &wanted,
	    "%s holds the trace of an earlier run; name another folder with -o, or replace it with --force",
	    folder);
	wanted.replace = true;
	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	cr_assert_neq(run_file.run->file.run_id, first_id);
	snprintf(path, sizeof(path), "%s/image-17-0", folder);
	cr_assert_not(exists(path));
	snprintf(path, sizeof(path), "%s/report.json", folder);
	cr_assert_not(exists(path));
	snprintf(path, sizeof(path), "%s/report.json.new", folder);
	cr_assert_not(exists(path));
	run_file_release(&run_file);
}

Test(run_file, does_not_follow_a_link)
{
	struct run_file_settings wanted = settings();
	char target[128];

	snprintf(target, sizeof(target), "%s/elsewhere", base);
	cr_assert_eq(mkdir(target, 0700), 0);
	cr_assert_eq(symlink(target, folder), 0);
	expect_error(
	    &wanted,
	    "%s is there already and is no folder (links are not followed); name another folder with -o",
	    folder);
}

Test(run_file, says_when_the_parent_folder_is_missing)
{
	struct run_file_settings wanted = settings();

	snprintf(folder, sizeof(folder), "%s/no/trace", base);
	expect_error(
	    &wanted,
	    "the trace folder %s cannot be made: No such file or directory; name another place with -o, for "
	    "example -o /tmp/trace.%%p",
	    folder);
}

Test(run_file, leaves_nothing_behind_when_there_is_no_room)
{
	struct run_file_settings wanted = settings();
	struct rlimit limit = {1000, 1000};

	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	expect_error(&wanted,
	             "%s/run: no room for a trace: File too large; free some, or name another place with -o",
	             folder);
	cr_assert_not(exists(folder));
}

Test(run_file, discards_what_it_made)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	char *error = NULL;

	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	run_file_discard(&run_file);
	run_file_release(&run_file);
	cr_assert_not(exists(folder));
	run_file_release(&run_file);
}

Test(run_file, leaves_a_folder_that_was_there)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	char *error = NULL, path[128];

	cr_assert_eq(mkdir(folder, 0700), 0);
	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	run_file_discard(&run_file);
	run_file_release(&run_file);
	cr_assert(exists(folder));
	snprintf(path, sizeof(path), "%s/run", folder);
	cr_assert_not(exists(path));
}

Test(run_file, is_a_trace_that_the_reader_takes)
{
	struct run_file_settings wanted = settings();
	struct run_file run_file;
	struct message_list warnings = {0};
	struct trace_files_result result = {0};
	const struct trace_reader_sink sink = {0};
	char *error = NULL;

	cr_assert(run_file_create(&run_file, &wanted, &error), "%s", error);
	run_file_release(&run_file);
	cr_assert_eq(trace_files_read(folder, &sink, NULL, &warnings, &result), 0);
	cr_assert_eq(result.file_count, 1);
	cr_assert_eq(warnings.count, 0);
	trace_files_release(&result);
	message_list_release(&warnings);
}
