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

static int see_run(void *context, const struct trace_run *run)
{
	struct seen *seen = context;

	(void)run;
	seen->runs++;
	return 0;
}

static int see_image(void *context, const struct trace_image *image)
{
	struct seen *seen = context;

	(void)image;
	seen->images++;
	return 0;
}

/* Touches every byte that the reader promised: under ASan a broken promise ends the test. */
static uint64_t touch(const struct trace_tables *tables, const struct trace_stack *stack)
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

static int see_incident(void *context, const struct trace_incident *incident,
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

static int see_notice(void *context, const struct trace_notice *notice, const char *path)
{
	struct seen *seen = context;

	(void)notice;
	seen->notices++;
	strncpy(seen->last_path, path, sizeof seen->last_path - 1);
	return 0;
}

static int see_atfork(void *context, const struct trace_atfork *atfork, const struct trace_tables *tables)
{
	struct seen *seen = context;
	volatile uint64_t sum = touch(tables, &atfork->handlers) + touch(tables, &atfork->registered_at);

	(void)sum;
	seen->atforks++;
	return 0;
}

static int see_vanished(void *context, const struct trace_vanished *vanished,
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

static int see_handover(void *context, const struct trace_handover *handover,
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
static struct trace_reader_result scan_bytes(const void *bytes, size_t size_bytes, struct seen *ret_seen)
{
	struct trace_reader_result result;
	unsigned char *copy = malloc(size_bytes ? size_bytes : 1);

	memcpy(copy, bytes, size_bytes);
	*ret_seen = (struct seen){.stop_after = ret_seen->stop_after};
	trace_reader_scan(copy, size_bytes, &sink, ret_seen, &result);
	free(copy);
	return result;
}

static struct trace_reader_result scan(struct trace_builder *builder, struct seen *ret_seen)
{
	size_t size_bytes;
	const unsigned char *data = trace_builder_data(builder, &size_bytes);

	return scan_bytes(data, size_bytes, ret_seen);
}

static struct trace_builder *image_with(unsigned incidents)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	for (unsigned i = 0; i < incidents; i++) {
		story.pid = story.tid = 5000 + (int32_t)i;
		trace_builder_add_incident(builder, &story);
	}
	return builder;
}

static struct trace_record *record_at(struct trace_builder *builder, size_t offset)
{
	size_t size_bytes;

	return (struct trace_record *)(trace_builder_data(builder, &size_bytes) + offset);
}

static struct trace_file_header *header_of(struct trace_builder *builder)
{
	return &trace_builder_run(builder)->file;
}

Test(trace_reader, hands_out_every_record_in_the_order_of_the_file)
{
	struct trace_builder *builder = image_with(3);
	struct built_incident story = trace_builder_story();
	struct seen seen = {0};
	struct trace_reader_result result;

	trace_builder_add_atfork(builder, BUILT_PLUGIN);
	trace_builder_add_vanished(builder, &story, TRACE_HOLD_HELD, TRACE_LOCK_MUTEX);
	trace_builder_add_handover(builder, &story, 48, 2);
	trace_builder_add_notice(builder, TRACE_NOTICE_EXEC_STATIC, 0, "/bin/busybox");
	header_of(builder)->dropped_records = 7;
	result = scan(builder, &seen);
	cr_assert_eq(result.status, TRACE_STATUS_OK);
	cr_assert_eq(result.kind, TRACE_FILE_IMAGE);
	cr_assert_eq(result.run_id, TRACE_BUILDER_RUN_ID);
	cr_assert_eq(result.good_records, 7);
	cr_assert_eq(result.unknown_records, 0);
	cr_assert_eq(result.damaged_records, 0);
	cr_assert_eq(result.dropped_records, 7);
	cr_assert_not(result.truncated);
	cr_assert_eq(seen.images, 1);
	cr_assert_eq(seen.runs, 0);
	cr_assert_eq(seen.incidents, 3);
	cr_assert_eq(seen.last_pid, 5002);
	cr_assert_eq(seen.atforks, 1);
	cr_assert_eq(seen.vanished, 1);
	cr_assert_eq(seen.handovers, 1);
	cr_assert_eq(seen.notices, 1);
	cr_assert_str_eq(seen.last_path, "/bin/busybox");
	trace_builder_free(builder);
}

Test(trace_reader, reads_from_any_address)
{
	struct trace_builder *builder = image_with(2);
	struct trace_reader_result result;
	struct seen seen;
	size_t size_bytes;
	const unsigned char *data = trace_builder_data(builder, &size_bytes);

	for (size_t shift = 1; shift < 8; shift++) {
		unsigned char *shifted = malloc(size_bytes + shift);

		memcpy(shifted + shift, data, size_bytes);
		seen = (struct seen){0};
		trace_reader_scan(shifted + shift, size_bytes, &sink, &seen, &result);
		cr_assert_eq(seen.incidents, 2);
		free(shifted);
	}
	trace_builder_free(builder);
}

Test(trace_reader, calls_a_file_without_content_empty)
{
	static const unsigned char zeros[TRACE_HEADER_SIZE_BYTES];
	struct seen seen = {0};

	cr_assert_eq(scan_bytes("", 0, &seen).status, TRACE_STATUS_EMPTY);
	cr_assert_eq(scan_bytes(zeros, 1, &seen).status, TRACE_STATUS_EMPTY);
	cr_assert_eq(scan_bytes(zeros, sizeof zeros, &seen).status, TRACE_STATUS_EMPTY);
}

Test(trace_reader, tells_foreign_files_apart)
{
	struct seen seen = {0};

	cr_assert_eq(scan_bytes("\177ELF\2\1\1", 8, &seen).status, TRACE_STATUS_FOREIGN);
	cr_assert_eq(scan_bytes("A", 1, &seen).status, TRACE_STATUS_SHORT);
	cr_assert_eq(scan_bytes("B", 1, &seen).status, TRACE_STATUS_FOREIGN);
}

Test(trace_reader, names_the_version_of_a_newer_trace)
{
	struct trace_builder *builder = image_with(1);
	struct trace_reader_result result;
	struct seen seen = {0};
	char text[256];

	header_of(builder)->version = TRACE_VERSION + 4;
	result = scan(builder, &seen);
	cr_assert_eq(result.status, TRACE_STATUS_NEWER);
	cr_assert_eq(seen.images + seen.incidents, 0);
	cr_assert_str_eq(
	    trace_reader_explain(&result, text, sizeof text),
	    "written by a newer afterfork (format 5, this one reads up to 1); read it with that version");
	trace_builder_free(builder);
}

Test(trace_reader, knows_the_other_byte_order)
{
	struct trace_builder *builder = image_with(1);
	struct seen seen = {0};

	header_of(builder)->byte_order = __builtin_bswap32(TRACE_BYTE_ORDER);
	header_of(builder)->version = __builtin_bswap32(TRACE_VERSION);
	cr_assert_eq(scan(builder, &seen).status, TRACE_STATUS_BYTE_ORDER);
	trace_builder_free(builder);
}

Test(trace_reader, refuses_a_header_that_makes_no_sense)
{
	struct {
		size_t offset;
		uint32_t value;
	} changes[] = {
	    {offsetof(struct trace_file_header, version), 0},
	    {offsetof(struct trace_file_header, byte_order), 77},
	    {offsetof(struct trace_file_header, kind), 9},
	    {offsetof(struct trace_file_header, header_size_bytes), 80},
	    {offsetof(struct trace_file_header, granule_bytes), 0},
	};

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct trace_builder *builder = image_with(1);
		struct seen seen = {0};

		memcpy((char *)header_of(builder) + changes[i].offset, &changes[i].value,
		       sizeof changes[i].value);
		cr_assert_eq(scan(builder, &seen).status, TRACE_STATUS_DAMAGED, "change %zu", i);
		cr_assert_eq(seen.incidents, 0);
		trace_builder_free(builder);
	}
}

Test(trace_reader, keeps_every_whole_record_of_every_prefix)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	size_t ends[3], size_bytes;
	const unsigned char *data;

	for (unsigned i = 0; i < 3; i++) {
		size_t offset = trace_builder_add_incident(builder, &story);

		ends[i] = offset + record_at(builder, offset)->size_bytes;
	}
	data = trace_builder_data(builder, &size_bytes);
	for (size_t length = 0; length <= size_bytes; length++) {
		struct seen seen = {0};
		struct trace_reader_result result = scan_bytes(data, length, &seen);
		unsigned whole = (length >= ends[0]) + (length >= ends[1]) + (length >= ends[2]);

		cr_assert_eq(seen.incidents, whole, "%u incidents in the first %zu bytes", seen.incidents,
		             length);
		cr_assert_eq(seen.images, length >= TRACE_HEADER_SIZE_BYTES);
		if (length == 0)
			cr_assert_eq(result.status, TRACE_STATUS_EMPTY);
		else if (length < TRACE_HEADER_SIZE_BYTES)
			cr_assert_eq(result.status, TRACE_STATUS_SHORT);
		else
			cr_assert_eq(result.status, TRACE_STATUS_OK);
		if (result.status == TRACE_STATUS_OK)
			cr_assert_eq(result.truncated, length < size_bytes);
	}
	trace_builder_free(builder);
}

Test(trace_reader, loses_at_most_the_record_in_which_a_byte_is_damaged)
{
	struct trace_builder *builder = image_with(2);
	size_t size_bytes;
	unsigned char *data = trace_builder_data(builder, &size_bytes);

	for (size_t at = TRACE_HEADER_SIZE_BYTES; at < size_bytes; at++) {
		struct seen seen = {0};
		struct trace_reader_result result;

		data[at] ^= 0x41;
		result = scan_bytes(data, size_bytes, &seen);
		data[at] ^= 0x41;
		cr_assert_eq(result.status, TRACE_STATUS_OK);
		cr_assert_geq(seen.incidents + result.unknown_records, 1, "byte %zu", at);
		cr_assert_leq(seen.incidents, 2);
		cr_assert_eq(result.good_records + result.damaged_records, 2,
		             "byte %zu: %llu good, %llu damaged", at, (unsigned long long)result.good_records,
		             (unsigned long long)result.damaged_records);
	}
	trace_builder_free(builder);
}

Test(trace_reader, survives_every_damaged_header_byte)
{
	struct trace_builder *builder = image_with(1);
	size_t size_bytes;
	unsigned char *data = trace_builder_data(builder, &size_bytes);

	for (size_t at = 0; at < TRACE_HEADER_SIZE_BYTES; at++) {
		struct seen seen = {0};

		data[at] ^= 0xff;
		scan_bytes(data, size_bytes, &seen);
		data[at] ^= 0xff;
		cr_assert_leq(seen.incidents, 1);
	}
	trace_builder_free(builder);
}

Test(trace_reader, steps_over_claimed_granules_and_counts_them_once)
{
	struct trace_builder *builder = image_with(1);
	struct built_incident story = trace_builder_story();
	struct seen seen = {0};
	struct trace_reader_result result;

	trace_builder_add_claimed(builder, 5);
	trace_builder_add_incident(builder, &story);
	result = scan(builder, &seen);
	cr_assert_eq(seen.incidents, 2);
	cr_assert_eq(result.damaged_records, 1);
	trace_builder_free(builder);
}

Test(trace_reader, counts_each_uncommitted_record_of_a_gap)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	size_t first = trace_builder_add_incident(builder, &story);
	size_t second = trace_builder_add_incident(builder, &story);
	struct seen seen = {0};
	struct trace_reader_result result;

	trace_builder_add_incident(builder, &story);
	record_at(builder, first)->state = TRACE_RECORD_CLAIMED;
	record_at(builder, second)->state = TRACE_RECORD_CLAIMED;
	result = scan(builder, &seen);
	cr_assert_eq(seen.incidents, 1);
	cr_assert_eq(result.damaged_records, 2);
	trace_builder_free(builder);
}

Test(trace_reader, does_not_count_room_that_nobody_claimed)
{
	struct trace_builder *builder = image_with(1);
	uint64_t tail = header_of(builder)->tail_bytes;
	struct seen seen = {0};
	struct trace_reader_result result;

	trace_builder_add_claimed(builder, 16);
	header_of(builder)->tail_bytes = tail;
	result = scan(builder, &seen);
	cr_assert_eq(seen.incidents, 1);
	cr_assert_eq(result.damaged_records, 0);
	trace_builder_free(builder);
}

Test(trace_reader, skips_types_that_it_does_not_know)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	struct seen seen = {0};
	struct trace_reader_result result;

	trace_builder_add_unknown(builder, 99);
	trace_builder_add_incident(builder, &story);
	result = scan(builder, &seen);
	cr_assert_eq(seen.incidents, 1);
	cr_assert_eq(result.unknown_records, 1);
	cr_assert_eq(result.damaged_records, 0);
	trace_builder_free(builder);
}

/* Bad places behind a good checksum: what a hostile or broken writer leaves. */
Test(trace_reader, refuses_records_that_point_outside_of_themselves)
{
	const size_t fields[] = {
	    offsetof(struct trace_incident, tables.frames_offset),
	    offsetof(struct trace_incident, tables.frame_count),
	    offsetof(struct trace_incident, tables.modules_offset),
	    offsetof(struct trace_incident, tables.module_count),
	    offsetof(struct trace_incident, tables.strings_offset),
	    offsetof(struct trace_incident, tables.strings_size_bytes),
	    offsetof(struct trace_incident, victim.exe),
	    offsetof(struct trace_incident, victim.stack.first),
	    offsetof(struct trace_incident, lock.module),
	    offsetof(struct trace_incident, holder.start_module),
	};
	const uint32_t values[] = {0xfffffff0u, 0x80000000u, 0x10000u, 0x7fffffffu};

	for (size_t field = 0; field < sizeof fields / sizeof fields[0]; field++) {
		for (size_t value = 0; value < sizeof values / sizeof values[0]; value++) {
			struct trace_builder *builder = image_with(0);
			struct built_incident story = trace_builder_story();
			size_t offset = trace_builder_add_incident(builder, &story);
			struct seen seen = {0};
			struct trace_reader_result result;

			memcpy((char *)record_at(builder, offset) + fields[field], &values[value],
			       sizeof values[value]);
			trace_builder_seal(builder, offset);
			result = scan(builder, &seen);
			cr_assert_eq(seen.incidents, 0, "field %zu, value %zu", field, value);
			cr_assert_eq(result.damaged_records, 1);
			trace_builder_free(builder);
		}
	}
}

Test(trace_reader, refuses_strings_without_an_end)
{
	struct trace_builder *builder = image_with(0);
	struct built_incident story = trace_builder_story();
	size_t offset = trace_builder_add_incident(builder, &story);
	struct trace_record *record = record_at(builder, offset);
	struct seen seen = {0};

	((char *)record)[record->size_bytes - 1] = 'x';
	trace_builder_seal(builder, offset);
	cr_assert_eq(scan(builder, &seen).damaged_records, 1);
	cr_assert_eq(seen.incidents, 0);
	trace_builder_free(builder);
}

Test(trace_reader, refuses_a_checksum_that_leaves_fields_out)
{
	struct trace_builder *builder = image_with(0);
	struct built_incident story = trace_builder_story();
	size_t offset = trace_builder_add_incident(builder, &story);
	struct seen seen = {0};

	record_at(builder, offset)->checksum_from = sizeof(struct trace_incident);
	trace_builder_seal(builder, offset);
	cr_assert_eq(scan(builder, &seen).damaged_records, 1);
	cr_assert_eq(seen.incidents, 0);
	trace_builder_free(builder);
}

Test(trace_reader, takes_outcomes_that_change_after_the_commit)
{
	struct trace_builder *builder = image_with(0);
	struct built_incident story = trace_builder_story();
	struct trace_incident *incident =
	    (struct trace_incident *)record_at(builder, trace_builder_add_incident(builder, &story));
	struct seen seen = {0};

	incident->outcome = TRACE_OUTCOME_RETURNED;
	incident->result = 110;
	incident->left_ns = 99;
	incident->repeats = 1000;
	incident->repeats_returned = 1001;
	cr_assert_eq(scan(builder, &seen).damaged_records, 0);
	cr_assert_eq(seen.incidents, 1);
	trace_builder_free(builder);
}

Test(trace_reader, ends_the_scan_when_the_sink_says_so)
{
	struct trace_builder *builder = image_with(5);
	struct seen seen = {.stop_after = 2};

	cr_assert_eq(scan(builder, &seen).status, TRACE_STATUS_NO_MEMORY);
	cr_assert_eq(seen.incidents, 2);
	trace_builder_free(builder);
}

Test(trace_reader, ends_strings_of_headers_that_have_no_end)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	struct trace_image *image = trace_builder_image(builder);
	struct seen seen = {0};

	memset(image->exe, 'e', sizeof image->exe);
	memset(image->command, 'c', sizeof image->command);
	image->command_size_bytes = UINT32_MAX;
	cr_assert_eq(scan(builder, &seen).status, TRACE_STATUS_OK);
	cr_assert_eq(seen.images, 1);
	trace_builder_free(builder);
}

Test(trace_reader, computes_the_published_fnv_1a)
{
	cr_assert_eq(trace_reader_checksum("", 0), 0x811c9dc5u);
	cr_assert_eq(trace_reader_checksum("a", 1), 0xe40c292cu);
	cr_assert_eq(trace_reader_checksum("foobar", 6), 0xbf9cf968u);
}
