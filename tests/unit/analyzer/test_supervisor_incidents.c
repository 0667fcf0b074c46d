/* What the supervisor reads from a live trace. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor_incidents.h"
#include "trace_builder.h"

static char folder[] = "/tmp/afterfork-test-supervisor-XXXXXX";

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
	char shell[128];

	snprintf(shell, sizeof(shell), "rm -rf %s", folder);
	cr_assert_eq(system(shell), 0);
}

TestSuite(supervisor_incidents, .init = make_folder, .fini = remove_folder);

struct found {
	struct pending_incident items[8];
	unsigned count;
};

static void collect(void *context, const struct pending_incident *incident)
{
	struct found *found = context;

	cr_assert_lt(found->count, 8);
	found->items[found->count++] = *incident;
}

static void write_image(struct trace_builder *builder, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert(trace_builder_write(builder, path));
	trace_builder_free(builder);
}

static struct found read_folder(void)
{
	struct found found = {0};
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	supervisor_incidents_read(fd, collect, &found);
	close(fd);
	return found;
}

Test(supervisor_incidents, finds_a_call_that_has_not_returned)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	trace_builder_add_incident(builder, &story);
	write_image(builder, "image-1-0");
	struct found found = read_folder();
	cr_assert_eq(found.count, 1);
	cr_assert_eq(found.items[0].pid, story.pid);
	cr_assert_eq(found.items[0].tid, story.tid);
	cr_assert_eq(found.items[0].time_ns, story.time_ns);
	cr_assert_eq(found.items[0].lock_address, story.lock.address);
	cr_assert_eq(found.items[0].lock_kind, TRACE_LOCK_MUTEX);
	cr_assert_eq(found.items[0].holder_tid, 4201);
	cr_assert(found.items[0].own_pending);
	cr_assert_eq(found.items[0].repeats_pending, 0);
}

Test(supervisor_incidents, leaves_out_what_returned_or_has_a_limit)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	story.outcome = TRACE_OUTCOME_RETURNED;
	trace_builder_add_incident(builder, &story);
	story = trace_builder_story();
	story.observed = TRACE_TIMED_WAIT_ON_VANISHED;
	trace_builder_add_incident(builder, &story);
	story.observed = TRACE_HELD_AT_FORK;
	trace_builder_add_incident(builder, &story);
	write_image(builder, "image-1-0");
	cr_assert_eq(read_folder().count, 0);
}

Test(supervisor_incidents, tells_hangs_that_no_fork_explains)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_BLOCKS_IN_CYCLE;
	trace_builder_add_incident(builder, &story);
	story.observed = TRACE_STUCK_ON_VANISHED;
	trace_builder_add_incident(builder, &story);
	write_image(builder, "image-1-0");
	struct found found = read_folder();
	cr_assert_eq(found.count, 2);
	cr_assert_not(found.items[0].is_by_fork);
	cr_assert(found.items[1].is_by_fork);
}

Test(supervisor_incidents, acts_on_a_wait_of_who_is_alone)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_WAITS_FOR_VANISHED;
	story.proof = TRACE_PROOF_PRIVATE_MAPPING;
	trace_builder_add_incident(builder, &story);
	story.proof |= TRACE_PROOF_ONLY_THREAD;
	trace_builder_add_incident(builder, &story);
	write_image(builder, "image-1-0");
	struct found found = read_folder();
	cr_assert_eq(found.count, 2);
	cr_assert_not(found.items[0].is_by_fork);
	cr_assert(found.items[1].is_by_fork);
}

Test(supervisor_incidents, marks_one_record_as_returned)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_STUCK_ON_VANISHED;
	story.proof = TRACE_PROOF_STANDSTILL;
	trace_builder_add_incident(builder, &story);
	story.time_ns++;
	trace_builder_add_incident(builder, &story);
	write_image(builder, "image-1-0");
	struct found found = read_folder();
	cr_assert_eq(found.count, 2);
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	supervisor_incidents_mark_returned(fd, &found.items[0]);
	close(fd);
	struct found left = read_folder();
	cr_assert_eq(left.count, 1);
	cr_assert_eq(left.items[0].time_ns, found.items[1].time_ns);
}

Test(supervisor_incidents, counts_repeats_that_have_no_record_of_their_own)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	story.outcome = TRACE_OUTCOME_RETURNED;
	story.repeats = 7;
	story.repeats_returned = 4;
	trace_builder_add_incident(builder, &story);
	write_image(builder, "image-1-0");
	struct found found = read_folder();
	cr_assert_eq(found.count, 1);
	cr_assert_not(found.items[0].own_pending);
	cr_assert_eq(found.items[0].repeats_pending, 3);
}

Test(supervisor_incidents, reads_every_image_and_survives_broken_ones)
{
	struct built_incident story = trace_builder_story();

	for (int i = 0; i < 3; i++) {
		struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
		char name[32];

		snprintf(name, sizeof(name), "image-%d-0", i);
		story.pid = 100 + i;
		trace_builder_add_claimed(builder, 2);
		trace_builder_add_incident(builder, &story);
		write_image(builder, name);
	}
	char path[128];
	snprintf(path, sizeof(path), "%s/image-1-0", folder);
	cr_assert_eq(truncate(path, TRACE_HEADER_SIZE_BYTES + 700), 0);
	snprintf(path, sizeof(path), "%s/image-9-0", folder);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(read_folder().count, 2);
}

static struct built_incident libc_story(enum trace_outcome outcome)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_ENTERS_LIBC_LEFT_LOCKED;
	story.outcome = outcome;
	story.lock.kind = TRACE_LOCK_LIBC;
	return story;
}

static unsigned count_outcomes(const char *name, enum trace_outcome outcome)
{
	char path[128];
	struct trace_incident incident;
	unsigned count = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_RDONLY);
	for (off_t at = TRACE_HEADER_SIZE_BYTES;
	     pread(fd, &incident, sizeof(incident), at) == sizeof(incident); at += TRACE_GRANULE_BYTES)
		count += incident.record.magic == TRACE_RECORD_MAGIC && incident.outcome == outcome;
	close(fd);
	return count;
}

typedef void marker(int folder_fd, const struct pending_incident *incident);

/* Marks the second of two that differ in their time only, and in what came of it. */
static void mark(enum trace_outcome outcome, marker *mark_it)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = libc_story(TRACE_OUTCOME_PENDING);

	trace_builder_add_incident(builder, &story);
	struct pending_incident wanted = {.recorded_pid = story.pid,
	                                  .recorded_tid = story.tid,
	                                  .time_ns = story.time_ns + 1,
	                                  .lock_address = story.lock.address};
	story.time_ns++;
	story.outcome = outcome;
	trace_builder_add_incident(builder, &story);
	write_image(builder, "image-1-0");
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	mark_it(fd, &wanted);
	close(fd);
}

Test(supervisor_incidents, marks_the_very_call_that_was_seen_blocked)
{
	mark(TRACE_OUTCOME_PENDING, supervisor_incidents_mark_blocked);
	cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_SEEN_BLOCKED), 1);
	struct found found = read_folder();
	cr_assert_eq(found.count, 2, "it is pending still");
	cr_assert(found.items[1].own_pending);
}

Test(supervisor_incidents, marks_the_very_call_that_a_handler_could_end)
{
	mark(TRACE_OUTCOME_PENDING, supervisor_incidents_mark_waiting);
	cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_SEEN_WAITING), 1);
	cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_PENDING), 1);
	struct found found = read_folder();
	cr_assert_eq(found.count, 2, "it is pending still");
	cr_assert(found.items[1].own_pending);
}

Test(supervisor_incidents, marks_a_wait_that_no_handler_can_end_any_more)
{
	mark(TRACE_OUTCOME_SEEN_WAITING, supervisor_incidents_mark_blocked);
	cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_SEEN_BLOCKED), 1);
}

Test(supervisor_incidents, does_not_take_back_that_no_handler_could_end_it)
{
	mark(TRACE_OUTCOME_SEEN_BLOCKED, supervisor_incidents_mark_waiting);
	cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_SEEN_BLOCKED), 1);
	cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_SEEN_WAITING), 0);
}

Test(supervisor_incidents, does_not_mark_a_call_that_returned_meanwhile)
{
	static marker *const markers[] = {supervisor_incidents_mark_blocked,
	                                  supervisor_incidents_mark_waiting};

	for (size_t i = 0; i < sizeof(markers) / sizeof(*markers); i++) {
		mark(TRACE_OUTCOME_RETURNED, markers[i]);
		cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_RETURNED), 1);
		cr_assert_eq(count_outcomes("image-1-0", TRACE_OUTCOME_PENDING), 1);
	}
}
