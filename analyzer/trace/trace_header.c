#include "trace_header.h"

#include <stdio.h>
#include <string.h>

enum { MINIMAL_HEADER_BYTES = sizeof(struct trace_file_header) };

const char *trace_reader_explain(const struct trace_reader_result *result, char *text, size_t size_bytes)
{
	switch (result->status) {
	case TRACE_STATUS_OK:
		snprintf(text, size_bytes, "it can be read");
		break;
	case TRACE_STATUS_EMPTY:
		snprintf(text, size_bytes,
		         "the file is empty: the program ended before anything was recorded");
		break;
	case TRACE_STATUS_FOREIGN:
		snprintf(text, size_bytes, "it is not an afterfork trace");
		break;
	case TRACE_STATUS_NEWER:
		snprintf(text, size_bytes,
		         "written by a newer afterfork (format %u, this one reads up to %u); read it with "
		         "that version",
		         result->version, (unsigned)TRACE_VERSION);
		break;
	case TRACE_STATUS_BYTE_ORDER:
		snprintf(text, size_bytes,
		         "written on a machine of the other byte order; read it on a machine like that one");
		break;
	case TRACE_STATUS_SHORT:
		snprintf(text, size_bytes, "cut off inside its header; copy the whole file again");
		break;
	case TRACE_STATUS_DAMAGED:
		snprintf(text, size_bytes, "its header is damaged; copy the file again");
		break;
	case TRACE_STATUS_NO_MEMORY:
		snprintf(text, size_bytes, "out of memory");
		break;
	}
	return text;
}

static bool all_zero(const unsigned char *data, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		if (data[i])
			return false;
	return true;
}

static enum trace_status check_version(const struct trace_file_header *header,
                                       struct trace_reader_result *result)
{
	result->version = header->version;
	if (header->byte_order == __builtin_bswap32(TRACE_BYTE_ORDER))
		return TRACE_STATUS_BYTE_ORDER;
	if (header->version > TRACE_VERSION)
		return TRACE_STATUS_NEWER;
	if (header->version == 0 || header->byte_order != TRACE_BYTE_ORDER)
		return TRACE_STATUS_DAMAGED;
	return TRACE_STATUS_OK;
}

enum trace_status trace_header_check(const unsigned char *data, size_t size_bytes,
                                     struct trace_reader_result *result)
{
	struct trace_file_header header;
	size_t magic_size = size_bytes < sizeof header.magic ? size_bytes : sizeof header.magic;
	enum trace_status status;

	/* Preallocated, but its writer was killed before the header: nothing in it either. */
	if (all_zero(data, size_bytes < MINIMAL_HEADER_BYTES ? size_bytes : MINIMAL_HEADER_BYTES))
		return TRACE_STATUS_EMPTY;
	if (memcmp(data, TRACE_MAGIC, magic_size))
		return TRACE_STATUS_FOREIGN;
	if (size_bytes < MINIMAL_HEADER_BYTES)
		return TRACE_STATUS_SHORT;
	memcpy(&header, data, sizeof header);
	status = check_version(&header, result);
	if (status != TRACE_STATUS_OK)
		return status;
	if (header.header_size_bytes != TRACE_HEADER_SIZE_BYTES ||
	    header.granule_bytes != TRACE_GRANULE_BYTES)
		return TRACE_STATUS_DAMAGED;
	if (header.kind != TRACE_FILE_RUN && header.kind != TRACE_FILE_IMAGE)
		return TRACE_STATUS_DAMAGED;
	result->kind = header.kind;
	result->machine = header.machine;
	result->run_id = header.run_id;
	result->dropped_records = header.dropped_records;
	result->truncated = size_bytes < header.file_size_bytes;
	return size_bytes < TRACE_HEADER_SIZE_BYTES ? TRACE_STATUS_SHORT : TRACE_STATUS_OK;
}
