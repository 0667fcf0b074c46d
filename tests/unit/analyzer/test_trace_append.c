#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_append.h"
#include "trace_builder.h"
#include "trace_reader.h"

static char folder[] = "/tmp/afterfork-test-append-XXXXXX";
static int folder_fd;

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
}

static void remove_folder(void)
{
	char shell[128];

	snprintf(shell, sizeof(shell), "rm -rf %s", folder);
	cr_assert_eq(system(shell), 0);
}

TestSuite(trace_append, .init = make_folder, .fini = remove_folder);

enum { ROOM_BYTES = 16 * 1024 };

/* A file with one incident of the library and room behind it. */
static void write_image(void)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	char path[128];
	size_t size_bytes;

	trace_builder_add_incident(builder, &story);
	trace_builder_data(builder, &size_bytes);
	trace_builder_image(builder)->file.file_size_bytes = size_bytes + ROOM_BYTES;
	trace_builder_image(builder)->file.tail_bytes = size_bytes;
	snprintf(path, sizeof(path), "%s/image-1-0", folder);
	cr_assert(trace_builder_write(builder, path));
	cr_assert_eq(truncate(path, (off_t)(size_bytes + ROOM_BYTES)), 0);
	trace_builder_free(builder);
}

static void write_run(uint64_t run_id, uint64_t limit_bytes)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_RUN);
	char path[128];

	trace_builder_run(builder)->file.run_id = run_id;
	trace_builder_run(builder)->size_limit_bytes = limit_bytes;
	snprintf(path, sizeof(path), "%s/run", folder);
	cr_assert(trace_builder_write(builder, path));
	trace_builder_free(builder);
}

/* Into the file of that name; NULL: into one that is made for process 77. */
static bool append(const char *name, const struct trace_incident *incident, bool *ret_is_repeat)
{
	const struct trace_append_image image = {name, 77, 70, "/opt/shop"};
	struct trace_append trace;

	if (!trace_append_open(folder_fd, &image, &trace))
		return false;
	bool done = trace_append_incident(&trace, incident, ret_is_repeat);
	trace_append_close(&trace);
	return done;
}

/* The shortest record there is: one empty string behind the fixed part. */
struct record {
	struct trace_incident incident;
	char strings[8];
};

static struct record make_record(uint64_t fault_hash)
{
	struct record record = {0};

	record.incident = (struct trace_incident){
	    .record = {.type = TRACE_RECORD_INCIDENT,
	               .size_bytes = sizeof(struct record),
	               .pid = 77,
	               .tid = 78,
	               .time_ns = 9},
	    .observed = TRACE_STUCK_ON_VANISHED,
	    .fault_hash = fault_hash,
	    .stack_count = 5,
	    .lock = {.address = 0x1234, .kind = TRACE_LOCK_FUTEX, .module = TRACE_MODULE_UNKNOWN},
	    .holder = {.start_module = TRACE_MODULE_UNKNOWN},
	    .tables.frames_offset = sizeof(struct trace_incident),
	    .tables.modules_offset = sizeof(struct trace_incident),
	    .tables.strings_offset = sizeof(struct trace_incident),
	    .tables.strings_size_bytes = 1,
	};
	return record;
}

struct seen {
	unsigned count;
	uint64_t repeats;
	struct trace_reader_result result;
};

static int see(void *context, const struct trace_incident *incident, const struct trace_tables *tables)
{
	struct seen *seen = context;

	(void)tables;
	if (incident->record.pid != 77)
		return 0;
	seen->count++;
	seen->repeats += incident->repeats;
	cr_assert_eq(incident->record.tid, 78);
	cr_assert_eq(incident->record.time_ns, 9);
	cr_assert_eq(incident->lock.address, 0x1234);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_PENDING);
	return 0;
}

static struct seen read_back(const char *name)
{
	static const struct trace_reader_sink sink = {.incident = see};
	struct seen seen = {0};
	char bytes[256 * 1024];
	int fd = openat(folder_fd, name, O_RDONLY);
	ssize_t size = read(fd, bytes, sizeof(bytes));

	close(fd);
	trace_reader_scan(bytes, (size_t)size, &sink, &seen, &seen.result);
	cr_assert_eq(seen.result.status, TRACE_STATUS_OK);
	cr_assert_eq(seen.result.damaged_records, 0);
	return seen;
}

Test(trace_append, adds_a_record_that_the_reader_takes)
{
	struct record record = make_record(1);
	bool is_repeat = false;

	write_image();
	write_run(TRACE_BUILDER_RUN_ID, 0);
	cr_assert(append("image-1-0", &record.incident, &is_repeat));
	cr_assert_not(is_repeat);
	struct seen seen = read_back("image-1-0");
	cr_assert_eq(seen.count, 1);
	cr_assert_eq(seen.result.good_records, 2);
}

Test(trace_append, counts_repeats_of_one_fault)
{
	struct record record = make_record(1);
	bool is_repeat = false;

	write_image();
	write_run(TRACE_BUILDER_RUN_ID, 0);
	for (int i = 0; i < TRACE_APPEND_RECORDS_MAX + 5; i++)
		cr_assert(append("image-1-0", &record.incident, &is_repeat));
	cr_assert(is_repeat);
	struct seen seen = read_back("image-1-0");
	cr_assert_eq(seen.count, TRACE_APPEND_RECORDS_MAX);
	cr_assert_eq(seen.repeats, 5);
}

Test(trace_append, drops_and_counts_what_finds_no_room)
{
	unsigned written = 0;

	write_image();
	write_run(TRACE_BUILDER_RUN_ID, 0);
	for (uint64_t hash = 1; hash < 100; hash++) {
		struct record record = make_record(hash);
		bool is_repeat;

		written += append("image-1-0", &record.incident, &is_repeat);
	}
	struct seen seen = read_back("image-1-0");
	cr_assert_eq(seen.count, written);
	cr_assert_eq(seen.count, ROOM_BYTES / (2 * TRACE_GRANULE_BYTES));
	cr_assert_eq(seen.result.dropped_records, 99 - written);
}

Test(trace_append, refuses_what_is_no_file_of_the_run)
{
	struct record record = make_record(1);
	bool is_repeat = false;

	write_image();
	write_run(TRACE_BUILDER_RUN_ID + 1, 0);
	cr_assert_not(append("image-1-0", &record.incident, &is_repeat));
	write_run(TRACE_BUILDER_RUN_ID, 0);
	cr_assert_not(append("image-2-0", &record.incident, &is_repeat));
	cr_assert_eq(symlinkat("image-1-0", folder_fd, "image-3-0"), 0);
	cr_assert_not(append("image-3-0", &record.incident, &is_repeat));
	int fd = openat(folder_fd, "image-4-0", O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(ftruncate(fd, 64 * 1024), 0);
	close(fd);
	cr_assert_not(append("image-4-0", &record.incident, &is_repeat));
	cr_assert_eq(read_back("image-1-0").count, 0);
	cr_assert_eq(unlinkat(folder_fd, "run", 0), 0);
	cr_assert_not(append("image-1-0", &record.incident, &is_repeat));
}

Test(trace_append, makes_a_file_for_a_process_that_has_none)
{
	struct record record = make_record(1);
	bool is_repeat;

	write_run(TRACE_BUILDER_RUN_ID, 0);
	cr_assert(append(NULL, &record.incident, &is_repeat));
	cr_assert(append(NULL, &record.incident, &is_repeat));
	cr_assert_not(is_repeat);
	cr_assert_eq(read_back("image-77-0").count, 1);
	cr_assert_eq(read_back("image-77-1").count, 1);
}

Test(trace_append, makes_no_file_beyond_the_limit_of_the_run)
{
	struct record record = make_record(1);
	bool is_repeat;

	write_run(TRACE_BUILDER_RUN_ID, 64 * 1024);
	cr_assert_not(append(NULL, &record.incident, &is_repeat));
	cr_assert_neq(faccessat(folder_fd, "image-77-0", F_OK, 0), 0);
}
