#include "stored_traces.h"

#include <errno.h>
#include <string.h>

/* A worker holds a lock of the program at the fork; children wait. A plug-in has fork handlers, the program
 * none. */
static struct trace_builder *build_vanished_image(void)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	trace_builder_add_atfork(image, BUILT_PLUGIN);
	story.atfork_handlers = 1;
	trace_builder_add_incident(image, &story);
	story.pid = story.tid = 4243;
	story.time_ns += 1000000;
	trace_builder_add_incident(image, &story);
	return image;
}

static struct trace_builder *build_vanished_run(void)
{
	struct trace_builder *run = trace_builder_new(TRACE_FILE_RUN);

	trace_builder_run(run)->exit_code = 66;
	trace_builder_run(run)->processes = 3;
	trace_builder_run(run)->forks = 2;
	return run;
}

static void add_observed(struct trace_builder *image, enum trace_observed observed,
                         enum trace_outcome outcome, int32_t result, uint32_t call)
{
	struct built_incident story = trace_builder_story();

	story.observed = observed;
	story.outcome = outcome;
	story.result = result;
	story.victim.call = call;
	story.pid = story.tid = 4300 + (int32_t)observed;
	story.time_ns += observed * 1000;
	story.left_ns = outcome == TRACE_OUTCOME_RETURNED ? story.time_ns + 250000000 : 0;
	story.lock.address += observed * 64;
	trace_builder_add_incident(image, &story);
}

static void add_recursive(struct trace_builder *image)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_UNLOCK_REFUSED;
	story.outcome = TRACE_OUTCOME_RETURNED;
	story.result = EPERM;
	story.victim.call = 5;
	story.lock.type = TRACE_MUTEX_RECURSIVE;
	story.lock.module = BUILT_NONE;
	story.lock.address = 0x7f4000001000;
	story.lock.initialised_at = story.holder.created_at;
	story.holder.tid = 4200;
	story.holder.name = "story";
	story.repeats = story.repeats_returned = 9;
	trace_builder_add_incident(image, &story);
}

/* Something for every rule that an incident can prove, and things of which little is known. */
static struct trace_builder *build_every_image(void)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident bare = {
	    .pid = 4290, .tid = 4291, .time_ns = 1, .observed = TRACE_BLOCKS_ON_VANISHED};

	add_observed(image, TRACE_BLOCKS_ON_VANISHED, TRACE_OUTCOME_PENDING, 0, 1);
	add_observed(image, TRACE_TIMED_WAIT_ON_VANISHED, TRACE_OUTCOME_RETURNED, ETIMEDOUT, 3);
	add_observed(image, TRACE_TRY_FAILED_ON_VANISHED, TRACE_OUTCOME_RETURNED, EBUSY, 2);
	add_observed(image, TRACE_BLOCKS_ON_PARENT_OWNER, TRACE_OUTCOME_PENDING, 0, 1);
	add_recursive(image);
	add_observed(image, TRACE_FOREIGN_UNLOCK, TRACE_OUTCOME_RETURNED, 0, 5);
	add_observed(image, TRACE_BLOCKS_ON_SELF, TRACE_OUTCOME_PENDING, 0, 1);
	add_observed(image, TRACE_BLOCKS_ON_ENDED_THREAD, TRACE_OUTCOME_PENDING, 0, 1);
	add_observed(image, TRACE_BLOCKS_IN_CYCLE, TRACE_OUTCOME_PENDING, 0, 1);
	add_observed(image, TRACE_RELOCK_REFUSED, TRACE_OUTCOME_RETURNED, EBUSY, 2);
	bare.lock.module = BUILT_NONE;
	bare.lock.kind = TRACE_LOCK_MUTEX;
	trace_builder_add_incident(image, &bare);
	trace_builder_add_unknown(image, 4000);
	return image;
}

static struct trace_builder *build_every_run(void)
{
	struct trace_builder *run = trace_builder_new(TRACE_FILE_RUN);
	struct trace_run *header = trace_builder_run(run);

	header->exit_code = -1;
	header->exit_signal = 6;
	header->file.dropped_records = 3;
	header->cut_stacks = 4;
	header->lost_held = 5;
	header->execs_uncovered = 1;
	header->images_unrecorded = 1;
	trace_builder_command(run, (const char *const[]){"story", "a b", "it's", "", NULL});
	trace_builder_add_notice(run, TRACE_NOTICE_EXEC_STATIC, 0, "/opt/story/bin/busybox");
	trace_builder_add_notice(run, TRACE_NOTICE_EXEC_WITHOUT_LIBRARY, 0, "/opt/story/bin/cleaner");
	trace_builder_add_notice(run, TRACE_NOTICE_EXEC_PRIVILEGED, 0, "/opt/story/bin/sudo");
	trace_builder_add_notice(run, TRACE_NOTICE_EXEC_FOREIGN, 0, "/opt/story/bin/arm");
	trace_builder_add_notice(run, TRACE_NOTICE_UNRECORDED, ENOSPC, NULL);
	trace_builder_add_notice(run, TRACE_NOTICE_FORK_BEFORE_INIT, 0, "/opt/story/bin/early");
	return run;
}

static struct trace_builder *build_quiet_run(void)
{
	return trace_builder_new(TRACE_FILE_RUN);
}

static struct trace_builder *build_quiet_image(void)
{
	return trace_builder_new(TRACE_FILE_IMAGE);
}

/* The run's file is lost, a writer was killed between claim and commit, one record is damaged. */
static struct trace_builder *build_damaged_image(void)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	size_t size_bytes, offset = trace_builder_add_incident(image, &story);

	trace_builder_add_claimed(image, 6);
	trace_builder_add_incident(image, &story);
	trace_builder_data(image, &size_bytes)[offset + sizeof(struct trace_incident) + 4] ^= 1;
	return image;
}

const struct stored_trace stored_traces[] = {
    {"vanished", "run", build_vanished_run},
    {"vanished", "image-4200-0", build_vanished_image},
    {"every", "run", build_every_run},
    {"every", "image-4200-0", build_every_image},
    {"quiet", "run", build_quiet_run},
    {"quiet", "image-4200-0", build_quiet_image},
    {"damaged", "image-4200-0", build_damaged_image},
};
const size_t stored_traces_count = sizeof stored_traces / sizeof stored_traces[0];
