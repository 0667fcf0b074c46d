/* Traces that were cut, damaged, or made to do harm. */
#include "trace_reader_fixture.h"

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
