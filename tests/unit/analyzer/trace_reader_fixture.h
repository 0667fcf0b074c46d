/* What the tests of the trace reader share: a sink that touches all it is given, and traces to read. */
#ifndef AFTERFORK_TESTS_TRACE_READER_FIXTURE_H
#define AFTERFORK_TESTS_TRACE_READER_FIXTURE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "trace_builder.h"
#include "trace_reader.h"

struct seen {
	unsigned runs, images, incidents, notices, atforks, vanished, handovers;
	int32_t last_pid;
	char last_path[256];
	unsigned stop_after; /* incidents; 0: never */
};

static inline int see_run(void *context, const struct trace_run *run)
{
	struct seen *seen = context;

	(void)run;
	seen->runs++;
	return 0;
}

static inline int see_image(void *context, const struct trace_image *image)
{
	struct seen *seen = context;

	(void)image;
	seen->images++;
	return 0;
}

/* Touches every byte that the reader promised: under ASan a broken promise ends the test. */
static inline uint64_t touch(const struct trace_tables *tables, const struct trace_stack *stack)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < stack->count; i++) {
		const struct trace_frame *frame = &tables->frames[stack->first + i];

		sum += frame->pc;
		if (frame->module != TRACE_MODULE_UNKNOWN)
			sum += strlen(tables->strings + tables->modules[frame->module].path);
	}
	return sum;
}

static inline int see_incident(void *context, const struct trace_incident *incident,
                               const struct trace_tables *tables)
{
	struct seen *seen = context;
	volatile uint64_t sum = touch(tables, &incident->victim.stack) +
	                        touch(tables, &incident->fork.stack) +
	                        touch(tables, &incident->holder.acquired_at);

	(void)sum;
	seen->incidents++;
	seen->last_pid = incident->record.pid;
	return seen->stop_after && seen->incidents == seen->stop_after ? -1 : 0;
}

static inline int see_notice(void *context, const struct trace_notice *notice, const char *path)
{
	struct seen *seen = context;

	(void)notice;
	seen->notices++;
	strncpy(seen->last_path, path, sizeof seen->last_path - 1);
	return 0;
}

static inline int see_atfork(void *context, const struct trace_atfork *atfork,
                             const struct trace_tables *tables)
{
	struct seen *seen = context;
	volatile uint64_t sum = touch(tables, &atfork->handlers) + touch(tables, &atfork->registered_at);

	(void)sum;
	seen->atforks++;
	return 0;
}

static inline int see_vanished(void *context, const struct trace_vanished *vanished,
                               const struct trace_tables *tables)
{
	struct seen *seen = context;
	volatile uint64_t sum =
	    touch(tables, &vanished->thread.created_at) + touch(tables, &vanished->thread.acquired_at);

	(void)sum;
	cr_assert_lt(strlen(vanished->thread.name), sizeof vanished->thread.name);
	seen->vanished++;
	return 0;
}

static inline int see_handover(void *context, const struct trace_handover *handover,
                               const struct trace_tables *tables)
{
	struct seen *seen = context;
	volatile uint64_t sum = touch(tables, &handover->stack);

	(void)sum;
	seen->handovers++;
	return 0;
}

static const struct trace_reader_sink sink = {see_run,    see_image,    see_incident, see_notice,
                                              see_atfork, see_vanished, see_handover};

/* Scans a copy in a block of exactly that size, so that ASan sees a read one byte behind it. */
static inline struct trace_reader_result scan_bytes(const void *bytes, size_t size_bytes,
                                                    struct seen *ret_seen)
{
	struct trace_reader_result result;
	unsigned char *copy = calloc(1, size_bytes ? size_bytes : 1);

	memcpy(copy, bytes, size_bytes);
	*ret_seen = (struct seen){.stop_after = ret_seen->stop_after};
	trace_reader_scan(copy, size_bytes, &sink, ret_seen, &result);
	free(copy);
	return result;
}

static inline struct trace_reader_result scan(struct trace_builder *builder, struct seen *ret_seen)
{
	size_t size_bytes;
	const unsigned char *data = trace_builder_data(builder, &size_bytes);

	return scan_bytes(data, size_bytes, ret_seen);
}

static inline struct trace_builder *image_with(unsigned incidents)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	for (unsigned i = 0; i < incidents; i++) {
		story.pid = story.tid = 5000 + (int32_t)i;
		trace_builder_add_incident(builder, &story);
	}
	return builder;
}

static inline struct trace_record *record_at(struct trace_builder *builder, size_t offset)
{
	size_t size_bytes;

	return (struct trace_record *)(trace_builder_data(builder, &size_bytes) + offset);
}

static inline struct trace_file_header *header_of(struct trace_builder *builder)
{
	return &trace_builder_run(builder)->file;
}

#endif
