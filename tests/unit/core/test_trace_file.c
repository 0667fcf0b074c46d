#include <criterion/criterion.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core_fixture.h"
#include "trace_file.h"

enum { SIZE_BYTES = 128 << 10 };

static char path[256];

static const char *path_of(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", core_trace_folder(), name);
	return path;
}

static struct stat status_of(const char *name)
{
	struct stat status;

	cr_assert_eq(lstat(*name ? path_of(name) : core_trace_folder(), &status), 0, "%s: %m", path);
	return status;
}

static unsigned count_files(const char *folder)
{
	DIR *open = opendir(folder);
	unsigned count = 0;

	cr_assert_not_null(open);
	while (readdir(open))
		count++;
	closedir(open);
	return count - 2;
}

static unsigned count_descriptors(void)
{
	return count_files("/proc/self/fd");
}

static void make_folder(void)
{
	process.pid = getpid();
	cr_assert_eq(trace_file_make_folder(core_trace_folder()), 0);
}

static struct trace_run *make_run(void)
{
	struct trace_run *run = NULL;

	make_folder();
	cr_assert_eq(trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run), 0);
	return run;
}

Test(trace_file, makes_a_folder_for_its_owner_alone)
{
	umask(0);
	make_folder();
	cr_assert_eq(status_of("").st_mode, S_IFDIR | 0700);
}

Test(trace_file, takes_no_folder_that_is_there_already)
{
	make_folder();
	cr_assert_eq(trace_file_make_folder(core_trace_folder()), EEXIST);
}

Test(trace_file, takes_no_link_for_a_folder)
{
	cr_assert_eq(symlink("/nowhere/else", core_trace_folder()), 0);
	cr_assert_eq(trace_file_make_folder(core_trace_folder()), EEXIST);
}

Test(trace_file, says_why_a_folder_cannot_be_made)
{
	cr_assert_eq(trace_file_make_folder("/nowhere/at/all"), ENOENT);
	cr_assert_eq(trace_file_make_folder("/proc/afterfork"), ENOENT);
}

Test(trace_file, makes_files_for_their_owner_alone)
{
	struct trace_image *image = NULL;
	char name[64];

	umask(0);
	struct trace_run *run = make_run();
	cr_assert_eq(trace_file_create_image(core_trace_folder(), SIZE_BYTES, run->file.run_id, &image), 0);
	cr_assert_eq(status_of(TRACE_RUN_FILE_NAME).st_mode, S_IFREG | 0600);
	snprintf(name, sizeof name, TRACE_IMAGE_FILE_PREFIX "%d-0", getpid());
	cr_assert_eq(status_of(name).st_mode, S_IFREG | 0600);
}

/* A hole written through a mapping on a full disk is a SIGBUS: every block is there from the start. */
Test(trace_file, allocates_every_block)
{
	make_run();
	struct stat status = status_of(TRACE_RUN_FILE_NAME);
	cr_assert_eq(status.st_size, SIZE_BYTES);
	cr_assert_geq(status.st_blocks * 512, SIZE_BYTES);
}

Test(trace_file, leaves_no_descriptor_open)
{
	struct trace_image *image;
	struct trace_run *run, *again;

	unsigned before = count_descriptors();
	run = make_run();
	cr_assert_eq(trace_file_create_image(core_trace_folder(), SIZE_BYTES, run->file.run_id, &image), 0);
	cr_assert_eq(trace_file_open_run(core_trace_folder(), &again), 0);
	cr_assert_eq(trace_file_create_run(core_trace_folder(), SIZE_BYTES, &again), EEXIST);
	cr_assert_eq(count_descriptors(), before);
}

Test(trace_file, fills_the_header_of_a_run)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t before_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	struct trace_run *run = make_run();
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t after_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;

	cr_assert_arr_eq(run->file.magic, TRACE_MAGIC, 8);
	cr_assert_eq(run->file.version, TRACE_VERSION);
	cr_assert_eq(run->file.byte_order, TRACE_BYTE_ORDER);
	cr_assert_eq(run->file.kind, TRACE_FILE_RUN);
	cr_assert_eq(run->file.machine, EM_X86_64);
	cr_assert_eq(run->file.header_size_bytes, TRACE_HEADER_SIZE_BYTES);
	cr_assert_eq(run->file.granule_bytes, TRACE_GRANULE_BYTES);
	cr_assert_eq(run->file.file_size_bytes, SIZE_BYTES);
	cr_assert_eq(run->file.tail_bytes, TRACE_HEADER_SIZE_BYTES);
	cr_assert_eq(run->file.dropped_records, 0);
	cr_assert_neq(run->file.run_id, 0);
	cr_assert(before_ns <= run->file.started_realtime_ns && run->file.started_realtime_ns <= after_ns);
	cr_assert_eq(run->supervised, 0);
	cr_assert_eq(run->exit_code, -1);
	cr_assert_eq(run->size_reserved_bytes, SIZE_BYTES);
	cr_assert_str_eq(run->library_version, AFTERFORK_VERSION);
}

static void expect_own_command(const char *command, uint32_t size_bytes)
{
	char own[TRACE_COMMAND_SIZE_BYTES];
	FILE *file = fopen("/proc/self/cmdline", "r");

	cr_assert_not_null(file);
	cr_assert_eq(fread(own, 1, sizeof own, file), size_bytes);
	cr_assert_arr_eq(command, own, size_bytes);
	fclose(file);
}

Test(trace_file, fills_the_header_of_an_image)
{
	struct trace_image *image;
	char exe[TRACE_PATH_SIZE_BYTES] = "", libc[64];

	make_folder();
	cr_assert_eq(trace_file_create_image(core_trace_folder(), SIZE_BYTES, 4711, &image), 0);
	cr_assert_neq(readlink("/proc/self/exe", exe, sizeof exe - 1), -1);
	snprintf(libc, sizeof libc, "glibc %s", gnu_get_libc_version());
	cr_assert_eq(image->file.kind, TRACE_FILE_IMAGE);
	cr_assert_eq(image->file.run_id, 4711);
	cr_assert_eq(image->pid, getpid());
	cr_assert_eq(image->ppid, getppid());
	cr_assert_str_eq(image->exe, exe);
	cr_assert_str_eq(image->libc_version, libc);
	cr_assert_eq(image->command_truncated, 0);
	expect_own_command(image->command, image->command_size_bytes);
}

Test(trace_file, numbers_the_images_of_one_process)
{
	struct trace_image *image;
	char name[64];

	make_folder();
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(trace_file_create_image(core_trace_folder(), SIZE_BYTES, 1, &image), 0);
		snprintf(name, sizeof name, TRACE_IMAGE_FILE_PREFIX "%d-%d", getpid(), i);
		cr_assert_eq(status_of(name).st_size, SIZE_BYTES);
	}
	cr_assert_eq(count_files(core_trace_folder()), 3);
}

Test(trace_file, overwrites_no_file)
{
	struct trace_run *run = NULL;

	make_folder();
	FILE *file = fopen(path_of(TRACE_RUN_FILE_NAME), "w");
	fputs("precious", file);
	fclose(file);
	cr_assert_eq(trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run), EEXIST);
	cr_assert_null(run);
	cr_assert_eq(status_of(TRACE_RUN_FILE_NAME).st_size, 8);
}

/* Somebody else may have laid a link where the trace goes, to a file that he cannot write but we can. */
Test(trace_file, follows_no_link)
{
	struct trace_run *run = NULL;
	char target[256];

	make_folder();
	snprintf(target, sizeof target, "%s/target", core_folder());
	cr_assert_eq(symlink(target, path_of(TRACE_RUN_FILE_NAME)), 0);
	cr_assert_eq(trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run), EEXIST);
	cr_assert_neq(access(target, F_OK), 0, "the link was followed");
	close(creat(target, 0600));
	cr_assert_eq(trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run), EEXIST);
	cr_assert_eq(trace_file_open_run(core_trace_folder(), &run), ELOOP);
	cr_assert_null(run);
}

static volatile sig_atomic_t too_large;
static void note_too_large(int number)
{
	too_large = number;
}

Test(trace_file, respects_the_limit_of_file_sizes)
{
	struct rlimit limit = {.rlim_cur = SIZE_BYTES - 1, .rlim_max = RLIM_INFINITY};
	struct trace_run *run = NULL;

	make_folder();
	signal(SIGXFSZ, note_too_large);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run), EFBIG);
	cr_assert_eq(count_files(core_trace_folder()), 0, "a file was left behind");
	cr_assert_eq(too_large, 0, "SIGXFSZ was raised");
	limit.rlim_cur = SIZE_BYTES;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run), 0);
	memset((char *)run + TRACE_HEADER_SIZE_BYTES, 1, SIZE_BYTES - TRACE_HEADER_SIZE_BYTES);
	cr_assert_eq(too_large, 0, "SIGXFSZ was raised");
}

/* The limit is lifted before anything is asserted: the test's runner needs descriptors too. */
Test(trace_file, says_why_no_file_can_be_made)
{
	struct rlimit before, none;
	struct trace_run *run = NULL;

	cr_assert_eq(trace_file_create_run("/nowhere", SIZE_BYTES, &run), ENOENT);
	make_folder();
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	int created = trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run);
	int opened = trace_file_open_run(core_trace_folder(), &run);
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert_eq(created, EMFILE);
	cr_assert_eq(opened, EMFILE);
	cr_assert_null(run);
}

Test(trace_file, says_that_a_name_is_too_long)
{
	struct trace_run *run = NULL;
	struct trace_image *image = NULL;
	char folder[TRACE_PATH_SIZE_BYTES + 1];

	memset(folder, 'x', sizeof folder - 1);
	folder[sizeof folder - 1] = 0;
	cr_assert_eq(trace_file_create_run(folder, SIZE_BYTES, &run), ENAMETOOLONG);
	cr_assert_eq(trace_file_open_run(folder, &run), ENAMETOOLONG);
	cr_assert_eq(trace_file_create_image(folder, SIZE_BYTES, 1, &image), ENAMETOOLONG);
}

/* Needs the right to mount; without it the test is skipped, not passed. */
Test(trace_file, leaves_nothing_behind_on_a_full_disk)
{
	struct trace_run *run = NULL;

	cr_assert_eq(mkdir(core_trace_folder(), 0700), 0);
	if (mount("none", core_trace_folder(), "tmpfs", 0, "size=64k") != 0)
		cr_skip_test("needs the right to mount a file system (root)");
	int made = trace_file_create_run(core_trace_folder(), SIZE_BYTES, &run);
	unsigned left = count_files(core_trace_folder());
	umount(core_trace_folder());
	cr_assert_eq(made, ENOSPC);
	cr_assert_eq(left, 0);
	cr_assert_null(run);
}

Test(trace_file, opens_the_run_of_a_supervisor)
{
	struct trace_run *made = make_run(), *opened = NULL;

	cr_assert_eq(trace_file_open_run(core_trace_folder(), &opened), 0);
	made->forks = 17;
	cr_assert_eq(opened->forks, 17, "the two mappings are of different memory");
}

static void expect_refused(const char *what)
{
	struct trace_run *run = NULL;

	cr_assert_eq(trace_file_open_run(core_trace_folder(), &run), EINVAL, "%s was taken", what);
	cr_assert_null(run);
}

Test(trace_file, opens_nothing_but_a_run_of_this_version)
{
	struct trace_run *run = make_run();

	run->file.version = TRACE_VERSION + 1;
	expect_refused("a newer version");
	run->file.version = TRACE_VERSION;
	run->file.kind = TRACE_FILE_IMAGE;
	expect_refused("an image");
	run->file.kind = TRACE_FILE_RUN;
	run->file.file_size_bytes = SIZE_BYTES + 1;
	expect_refused("a truncated file");
	run->file.file_size_bytes = SIZE_BYTES;
	run->file.magic[7] = 'X';
	expect_refused("a foreign file");
	run->file.magic[7] = 'K';
	cr_assert_eq(trace_file_open_run(core_trace_folder(), &run), 0);
}

Test(trace_file, opens_no_short_or_empty_file)
{
	struct trace_run *run = make_run();

	cr_assert_eq(truncate(path_of(TRACE_RUN_FILE_NAME), TRACE_HEADER_SIZE_BYTES - 1), 0);
	expect_refused("a file shorter than its header");
	cr_assert_eq(truncate(path_of(TRACE_RUN_FILE_NAME), 0), 0);
	run = NULL;
	cr_assert_eq(trace_file_open_run(core_trace_folder(), &run), EINVAL);
	cr_assert_eq(unlink(path_of(TRACE_RUN_FILE_NAME)), 0);
	cr_assert_eq(trace_file_open_run(core_trace_folder(), &run), ENOENT);
	cr_assert_eq(mkdir(path_of(TRACE_RUN_FILE_NAME), 0700), 0);
	cr_assert_eq(trace_file_open_run(core_trace_folder(), &run), EISDIR);
	cr_assert_null(run);
}
