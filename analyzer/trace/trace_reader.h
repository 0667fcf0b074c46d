/* Reads the files of a trace. The scan is a pure function of a buffer: it never reads out of bounds, whatever
 * is in there, needs no alignment, allocates nothing that it keeps, and hands out validated copies only. */
#ifndef AFTERFORK_TRACE_READER_H
#define AFTERFORK_TRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_format.h"

enum trace_status {
	TRACE_STATUS_OK,
	TRACE_STATUS_EMPTY,      /* no byte in it, or only zero bytes: made, but never written */
	TRACE_STATUS_FOREIGN,    /* not a trace */
	TRACE_STATUS_NEWER,      /* format version above TRACE_VERSION */
	TRACE_STATUS_BYTE_ORDER, /* written on a machine of the other byte order */
	TRACE_STATUS_SHORT,      /* ends inside its header */
	TRACE_STATUS_DAMAGED,    /* magic and version are right, the header makes no sense */
	TRACE_STATUS_NO_MEMORY,
};

struct trace_reader_result {
	enum trace_status status;
	uint32_t version;
	uint32_t kind;    /* enum trace_file_kind */
	uint32_t machine; /* ELF e_machine of the traced program; 0: not known */
	bool truncated;   /* shorter than its header says */
	uint64_t run_id;
	uint64_t dropped_records; /* found no room when written */
	uint64_t good_records;    /* handed to the sink, or of a type that this version skips */
	uint64_t unknown_records; /* of those, skipped */
	uint64_t damaged_records; /* claimed and never finished, or damaged */
};

/* A validated record with its tables. Valid during the callback only. Every stack range lies within frames[],
 * every frame's and lock's module within modules[] or is TRACE_MODULE_UNKNOWN, every string offset within
 * strings[], which ends in NUL. */
struct trace_tables {
	const struct trace_frame *frames;
	const struct trace_module *modules;
	const char *strings;
	uint32_t frame_count, module_count, strings_size_bytes;
};

/* Each callback returns 0 to go on, or a negative number that ends the scan with TRACE_STATUS_NO_MEMORY.
 * NULL: skip. */
struct trace_reader_sink {
	/* First, for a file `run`. Strings are NUL-terminated, command_size_bytes is within the array. */
	int (*run)(void *context, const struct trace_run *run);
	/* First, for an image's file, with the same promises. */
	int (*image)(void *context, const struct trace_image *image);
	/* For each whole record, in the order of the file. */
	int (*incident)(void *context, const struct trace_incident *incident,
	                const struct trace_tables *tables);
	int (*notice)(void *context, const struct trace_notice *notice, const char *path);
	int (*atfork)(void *context, const struct trace_atfork *atfork, const struct trace_tables *tables);
	int (*vanished)(void *context, const struct trace_vanished *vanished,
	                const struct trace_tables *tables);
	int (*handover)(void *context, const struct trace_handover *handover,
	                const struct trace_tables *tables);
};

/* Scans one file's bytes. Always fills *ret_result. */
void trace_reader_scan(const void *data, size_t size_bytes, const struct trace_reader_sink *sink,
                       void *context, struct trace_reader_result *ret_result);

/* A sentence about a status that is not OK, for "cannot read PATH: ..."; into text, returned. */
const char *trace_reader_explain(const struct trace_reader_result *result, char *text, size_t size_bytes);

/* The checksum of a record: FNV-1a, 32 bits. */
uint32_t trace_reader_checksum(const void *bytes, size_t size_bytes);

#endif
