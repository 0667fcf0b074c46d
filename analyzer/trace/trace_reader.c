#include "trace_reader.h"

#include <stdlib.h>
#include <string.h>

#include "trace_header.h"

/* A record's whole memory: copied here first, since a live program may still change it, and
 * since the caller's buffer may lie at any address. */
struct scratch {
	_Alignas(8) unsigned char bytes[TRACE_RECORD_SIZE_MAX];
};

struct scan {
	const unsigned char *data;
	size_t size_bytes;
	const struct trace_reader_sink *sink;
	void *context;
	struct trace_reader_result *result;
	struct scratch *scratch;
};

uint32_t trace_reader_checksum(const void *bytes, size_t size_bytes)
{
	const unsigned char *at = bytes;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < size_bytes; i++)
		hash = (hash ^ at[i]) * 16777619u;
	return hash;
}

static int hand_out_run(struct scan *scan)
{
	struct trace_run *run = (struct trace_run *)scan->scratch->bytes;

	memcpy(run, scan->data, sizeof *run);
	run->library_version[sizeof run->library_version - 1] = '\0';
	run->command[TRACE_COMMAND_SIZE_BYTES - 1] = '\0';
	if (run->command_size_bytes > TRACE_COMMAND_SIZE_BYTES)
		run->command_size_bytes = TRACE_COMMAND_SIZE_BYTES;
	return scan->sink->run ? scan->sink->run(scan->context, run) : 0;
}

static int hand_out_image(struct scan *scan)
{
	struct trace_image *image = (struct trace_image *)scan->scratch->bytes;

	memcpy(image, scan->data, sizeof *image);
	image->libc_version[sizeof image->libc_version - 1] = '\0';
	image->exe[TRACE_PATH_SIZE_BYTES - 1] = '\0';
	image->command[TRACE_COMMAND_SIZE_BYTES - 1] = '\0';
	if (image->command_size_bytes > TRACE_COMMAND_SIZE_BYTES)
		image->command_size_bytes = TRACE_COMMAND_SIZE_BYTES;
	return scan->sink->image ? scan->sink->image(scan->context, image) : 0;
}

/* True when count items of item_size bytes at offset lie between the fixed part and the end of the record. */
static bool table_fits(uint32_t offset, uint32_t count, size_t item_size, size_t fixed_size,
                       size_t record_size)
{
	if (offset < fixed_size || offset > record_size || offset % 8)
		return false;
	return count <= (record_size - offset) / item_size;
}

static bool stack_fits(const struct trace_stack *stack, const struct trace_tables *tables)
{
	return stack->count == 0 ||
	       (stack->first <= tables->frame_count && stack->count <= tables->frame_count - stack->first);
}

static bool module_fits(uint32_t module, const struct trace_tables *tables)
{
	return module == TRACE_MODULE_UNKNOWN || module < tables->module_count;
}

static bool tables_make_sense(const struct trace_tables *tables)
{
	if (tables->frame_count > TRACE_STACK_FRAMES_MAX * TRACE_STACKS_MAX ||
	    tables->module_count > TRACE_MODULES_MAX)
		return false;
	for (uint32_t i = 0; i < tables->frame_count; i++)
		if (!module_fits(tables->frames[i].module, tables))
			return false;
	for (uint32_t i = 0; i < tables->module_count; i++)
		if (tables->modules[i].path >= tables->strings_size_bytes ||
		    tables->modules[i].build_id_size_bytes > TRACE_BUILD_ID_SIZE_BYTES)
			return false;
	return tables->strings_size_bytes > 0 && tables->strings[tables->strings_size_bytes - 1] == '\0';
}

static bool find_tables(const unsigned char *record, size_t fixed_size, size_t record_size,
                        const struct trace_table_places *places, struct trace_tables *ret_tables)
{
	if (!table_fits(places->frames_offset, places->frame_count, sizeof(struct trace_frame), fixed_size,
	                record_size) ||
	    !table_fits(places->modules_offset, places->module_count, sizeof(struct trace_module), fixed_size,
	                record_size))
		return false;
	if (places->strings_offset < fixed_size || places->strings_offset > record_size ||
	    places->strings_size_bytes > record_size - places->strings_offset)
		return false;
	*ret_tables = (struct trace_tables){
	    .frames = (const struct trace_frame *)(record + places->frames_offset),
	    .modules = (const struct trace_module *)(record + places->modules_offset),
	    .strings = (const char *)(record + places->strings_offset),
	    .frame_count = places->frame_count,
	    .module_count = places->module_count,
	    .strings_size_bytes = places->strings_size_bytes,
	};
	return tables_make_sense(ret_tables);
}

static bool thread_makes_sense(struct trace_holder *thread, const struct trace_tables *tables)
{
	thread->name[TRACE_THREAD_NAME_SIZE_BYTES - 1] = '\0';
	return stack_fits(&thread->created_at, tables) && stack_fits(&thread->acquired_at, tables) &&
	       module_fits(thread->start_module, tables);
}

static bool incident_makes_sense(struct trace_incident *incident, const struct trace_tables *tables)
{
	incident->victim.name[TRACE_THREAD_NAME_SIZE_BYTES - 1] = '\0';
	return stack_fits(&incident->lock.initialised_at, tables) &&
	       thread_makes_sense(&incident->holder, tables) && stack_fits(&incident->fork.stack, tables) &&
	       stack_fits(&incident->victim.stack, tables) && module_fits(incident->lock.module, tables) &&
	       incident->victim.exe < tables->strings_size_bytes;
}

/* Each take_ function: false when the record is damaged; *ret_error is the sink's answer. */
static bool take_incident(struct scan *scan, size_t size, int *ret_error)
{
	struct trace_incident *incident = (struct trace_incident *)scan->scratch->bytes;
	struct trace_tables tables;

	if (size < sizeof *incident)
		return false;
	if (!find_tables(scan->scratch->bytes, sizeof *incident, size, &incident->tables, &tables) ||
	    !incident_makes_sense(incident, &tables))
		return false;
	if (scan->sink->incident)
		*ret_error = scan->sink->incident(scan->context, incident, &tables);
	return true;
}

static bool take_notice(struct scan *scan, size_t size, int *ret_error)
{
	const struct trace_notice *notice = (const struct trace_notice *)scan->scratch->bytes;
	const char *path = (const char *)(notice + 1);

	if (size < sizeof *notice || notice->path_size_bytes > size - sizeof *notice)
		return false;
	if (notice->path_size_bytes && path[notice->path_size_bytes - 1] != '\0')
		return false;
	if (scan->sink->notice)
		*ret_error = scan->sink->notice(scan->context, notice, notice->path_size_bytes ? path : "");
	return true;
}

static bool take_atfork(struct scan *scan, size_t size, int *ret_error)
{
	const struct trace_atfork *atfork = (const struct trace_atfork *)scan->scratch->bytes;
	struct trace_tables tables;

	if (size < sizeof *atfork)
		return false;
	if (!find_tables(scan->scratch->bytes, sizeof *atfork, size, &atfork->tables, &tables) ||
	    !stack_fits(&atfork->handlers, &tables) || !stack_fits(&atfork->registered_at, &tables) ||
	    (atfork->handlers.count != 0 && atfork->handlers.count != 3))
		return false;
	if (scan->sink->atfork)
		*ret_error = scan->sink->atfork(scan->context, atfork, &tables);
	return true;
}

static bool take_vanished(struct scan *scan, size_t size, int *ret_error)
{
	struct trace_vanished *vanished = (struct trace_vanished *)scan->scratch->bytes;
	struct trace_tables tables;

	if (size < sizeof *vanished ||
	    !find_tables(scan->scratch->bytes, sizeof *vanished, size, &vanished->tables, &tables) ||
	    !thread_makes_sense(&vanished->thread, &tables))
		return false;
	if (scan->sink->vanished)
		*ret_error = scan->sink->vanished(scan->context, vanished, &tables);
	return true;
}

static bool take_handover(struct scan *scan, size_t size, int *ret_error)
{
	const struct trace_handover *handover = (const struct trace_handover *)scan->scratch->bytes;
	struct trace_tables tables;

	if (size < sizeof *handover ||
	    !find_tables(scan->scratch->bytes, sizeof *handover, size, &handover->tables, &tables) ||
	    !stack_fits(&handover->stack, &tables) || !module_fits(handover->lock_module, &tables))
		return false;
	if (scan->sink->handover)
		*ret_error = scan->sink->handover(scan->context, handover, &tables);
	return true;
}

/* The types of this version. A type of a later minor writer is skipped by its size. */
static const struct record_type {
	/* The checksum must start no later than here, or damage to fields behind would go unseen. */
	uint32_t checksum_from_max;
	bool (*take)(struct scan *scan, size_t size, int *ret_error);
} record_types[] = {
    [TRACE_RECORD_INCIDENT] = {offsetof(struct trace_incident, observed), take_incident},
    [TRACE_RECORD_NOTICE] = {sizeof(struct trace_record), take_notice},
    [TRACE_RECORD_ATFORK] = {sizeof(struct trace_record), take_atfork},
    [TRACE_RECORD_VANISHED] = {sizeof(struct trace_record), take_vanished},
    [TRACE_RECORD_HANDOVER] = {sizeof(struct trace_record), take_handover},
};
enum { RECORD_TYPE_COUNT = sizeof record_types / sizeof record_types[0] };

static const struct record_type *find_type(uint32_t type)
{
	return type < RECORD_TYPE_COUNT && record_types[type].take ? &record_types[type] : NULL;
}

/* Copies the record at offset into the scratch buffer. Its size, or 0 when no whole record is there. */
static size_t fetch_record(struct scan *scan, size_t offset)
{
	struct trace_record *record = (struct trace_record *)scan->scratch->bytes;
	size_t room = scan->size_bytes - offset;
	size_t size;

	if (room < sizeof *record)
		return 0;
	memcpy(record, scan->data + offset, sizeof *record);
	size = record->size_bytes;
	if (record->magic != TRACE_RECORD_MAGIC || record->state != TRACE_RECORD_COMMITTED ||
	    size < sizeof *record || size > TRACE_RECORD_SIZE_MAX || size > room)
		return 0;
	if (record->checksum_from < offsetof(struct trace_record, pid) || record->checksum_from > size)
		return 0;
	memcpy(scan->scratch->bytes, scan->data + offset, size);
	if (trace_reader_checksum(scan->scratch->bytes + record->checksum_from,
	                          size - record->checksum_from) != record->checksum)
		return 0;
	return size;
}

/* Reads the record at offset. Its size in bytes, or 0 when there is none that can be trusted. */
static size_t take_record(struct scan *scan, size_t offset, int *ret_error)
{
	size_t size = fetch_record(scan, offset);
	const struct trace_record *record = (const struct trace_record *)scan->scratch->bytes;
	const struct record_type *type;

	if (!size)
		return 0;
	type = find_type(record->type);
	if (type && (record->checksum_from > type->checksum_from_max || !type->take(scan, size, ret_error)))
		return 0;
	scan->result->good_records++;
	if (!type)
		scan->result->unknown_records++;
	return size;
}

static bool has_record_magic(const struct scan *scan, size_t offset)
{
	uint32_t magic = 0;

	if (scan->size_bytes - offset >= sizeof magic)
		memcpy(&magic, scan->data + offset, sizeof magic);
	return magic == TRACE_RECORD_MAGIC;
}

/* Where the writers had got to, as far as this file goes. */
static size_t claimed_end(const struct scan *scan)
{
	struct trace_file_header header;
	size_t end;

	memcpy(&header, scan->data, sizeof header);
	end = header.file_size_bytes < scan->size_bytes ? (size_t)header.file_size_bytes : scan->size_bytes;
	return header.tail_bytes < end ? (size_t)header.tail_bytes : end;
}

/* Walks granule by granule over what is no record: a gap is one lost record for each record magic in it, and
 * at least one where it was claimed, since a writer may be killed before it wrote even that. */
static int scan_records(struct scan *scan)
{
	size_t offset = TRACE_HEADER_SIZE_BYTES, claimed = claimed_end(scan);
	uint64_t gap_magics = 0;
	bool in_gap = false;
	int error = 0;

	while (offset < scan->size_bytes && !error) {
		size_t size = take_record(scan, offset, &error);

		if (size) {
			scan->result->damaged_records += gap_magics ? gap_magics : in_gap;
			gap_magics = 0;
			in_gap = false;
			offset +=
			    (size + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES * TRACE_GRANULE_BYTES;
			continue;
		}
		gap_magics += has_record_magic(scan, offset);
		in_gap |= offset < claimed;
		offset += TRACE_GRANULE_BYTES;
	}
	scan->result->damaged_records += gap_magics ? gap_magics : in_gap;
	return error;
}

static int scan_whole(struct scan *scan)
{
	int error = scan->result->kind == TRACE_FILE_RUN ? hand_out_run(scan) : hand_out_image(scan);

	return error ? error : scan_records(scan);
}

void trace_reader_scan(const void *data, size_t size_bytes, const struct trace_reader_sink *sink,
                       void *context, struct trace_reader_result *ret_result)
{
	struct scan scan = {
	    .data = data, .size_bytes = size_bytes, .sink = sink, .context = context, .result = ret_result};

	*ret_result = (struct trace_reader_result){0};
	ret_result->status = trace_header_check(data, size_bytes, ret_result);
	if (ret_result->status != TRACE_STATUS_OK)
		return;
	scan.scratch = malloc(sizeof *scan.scratch);
	if (!scan.scratch || scan_whole(&scan))
		ret_result->status = TRACE_STATUS_NO_MEMORY;
	free(scan.scratch);
}
