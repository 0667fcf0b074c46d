#include "trace_reader_fixture.h"

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
