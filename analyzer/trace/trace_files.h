/* Finds and loads the files of traces. */
#ifndef AFTERFORK_TRACE_FILES_H
#define AFTERFORK_TRACE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "message_list.h"
#include "trace_reader.h"

struct trace_files_seen;

struct trace_files_result {
	struct trace_files_seen *seen; /* files read so far: one that is named twice counts once */
	size_t file_count;             /* that could be read */
	uint64_t dropped_records;      /* sums over all files */
	uint64_t damaged_records;
};

/* Reads `path`, a file of a trace or a trace folder (its `run` file first, then the image files by name),
 * into the sink. What is wrong with single files goes to warnings. Adds to *result. 0, or -1 when nothing
 * could be read: then the reason is in warnings too, as its last line. */
int trace_files_read(const char *path, const struct trace_reader_sink *sink, void *context,
                     struct message_list *warnings, struct trace_files_result *result);
/* Frees what result remembers; the numbers stay. */
void trace_files_release(struct trace_files_result *result);

#endif
