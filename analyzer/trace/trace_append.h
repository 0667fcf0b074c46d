/* Adds records to an image's file of a trace that processes may still be writing to: the same claims and
 * commits as the library makes. */
#ifndef AFTERFORK_TRACE_APPEND_H
#define AFTERFORK_TRACE_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace_format.h"

/* Beyond this number of records with one fault_hash only the first one's `repeats` goes up. */
enum { TRACE_APPEND_RECORDS_MAX = 16 };

/* Where the records of a process go. */
struct trace_append_image {
	const char *name; /* of the file in the folder that the process writes to; NULL: none, one is made */
	pid_t pid, ppid;  /* for a new file's header */
	const char *exe;  /* NULL: not known */
};

struct trace_append {
	struct trace_file_header *file;
	size_t size_bytes;
};

/* Opens the image's file, if it is one of the folder's run, or makes one within the run's limit. A file that
 * somebody else makes shorter meanwhile ends this process with SIGBUS. */
bool trace_append_open(int folder_fd, const struct trace_append_image *image, struct trace_append *ret_trace);
void trace_append_close(struct trace_append *trace);

/* Each writes a record of record.size_bytes bytes, of which magic, state and checksum are filled in here.
 * False when there is no room: that is counted in the file. */
bool trace_append_incident(struct trace_append *trace, const struct trace_incident *incident,
                           bool *ret_is_repeat);
bool trace_append_record(struct trace_append *trace, const struct trace_record *record);

#endif
