/* Records that tell whether they are whole. */
#ifndef AFTERFORK_TESTS_TRACE_WRITER_FIXTURE_H
#define AFTERFORK_TESTS_TRACE_WRITER_FIXTURE_H

#include <criterion/criterion.h>
#include <string.h>

#include "config.h"
#include "core_fixture.h"
#include "trace_checksum.h"
#include "trace_file.h"
#include "trace_writer.h"

enum {
	WRITERS = 4,
	RECORDS_EACH = 300,
	KILLED_WRITERS = 80,
	KILLED_RECORDS_MAX = 20,
	IMAGE_SIZE_BYTES = 1 << 20,
	EARLY_IMAGE_SIZE_BYTES = 128 << 10
};

/* A record as the writer takes it: an incident whose fields repeat a stamp. */
static inline struct trace_incident incident_of(uint64_t stamp)
{
	return (struct trace_incident){
	    .observed = TRACE_BLOCKS_ON_VANISHED,
	    .fault_hash = stamp,
	    .stack_count = 5,
	    .lock.address = stamp,
	    .victim.live_threads = (uint32_t)stamp,
	};
}

static inline struct trace_incident *append(uint64_t stamp)
{
	struct trace_incident incident = incident_of(stamp);
	return (struct trace_incident *)trace_writer_append(TRACE_RECORD_INCIDENT, &incident.record,
	                                                    sizeof incident,
	                                                    offsetof(struct trace_incident, observed));
}

static inline struct trace_image *open_image(void)
{
	core_start();
	trace_writer_open_image();
	cr_assert_not_null(trace_writer_image(), "no trace can be written to %s", core_trace_folder());
	return trace_writer_image();
}

static inline void expect_sound(const struct trace_incident *found)
{
	const struct trace_record *record = &found->record;

	cr_assert_eq(record->magic, TRACE_RECORD_MAGIC);
	cr_assert_eq(record->type, TRACE_RECORD_INCIDENT);
	cr_assert_eq(record->size_bytes, sizeof *found);
	cr_assert_eq(record->state, TRACE_RECORD_COMMITTED);
	cr_assert_eq(record->checksum_from, offsetof(struct trace_incident, observed));
	cr_assert_eq(record->checksum, trace_checksum((const char *)found + record->checksum_from,
	                                              record->size_bytes - record->checksum_from));
	cr_assert_eq(found->lock.address, found->fault_hash);
	cr_assert_eq(found->victim.live_threads, (uint32_t)found->fault_hash);
}

/* Counts the committed records of a file, each checked. */
static inline unsigned count_sound(const struct trace_image *image)
{
	unsigned count = 0;
	for (uint64_t at = TRACE_HEADER_SIZE_BYTES;
	     at < image->file.tail_bytes && at < image->file.file_size_bytes; at += TRACE_GRANULE_BYTES) {
		const struct trace_incident *found =
		    (const struct trace_incident *)((const char *)image + at);
		if (found->record.magic != TRACE_RECORD_MAGIC ||
		    found->record.state != TRACE_RECORD_COMMITTED)
			continue;
		expect_sound(found);
		count++;
	}
	return count;
}

#endif
