/* Adds an incident to an image's file of a trace that processes may still be writing to: the same claims and
 * commits as the library makes. */
#ifndef AFTERFORK_TRACE_APPEND_H
#define AFTERFORK_TRACE_APPEND_H

#include <stdbool.h>
#include <stdint.h>

#include "trace_format.h"

/* Beyond this number of records with one fault_hash only the first one's `repeats` goes up. */
enum { TRACE_APPEND_RECORDS_MAX = 16 };

/* Writes the record of incident->record.size_bytes bytes, of which magic, state and checksum are filled in
 * here, into the file of that name in the folder, if it is one of the run. False when it is not, or is full;
 * then the drop is counted in it. A file that somebody else makes shorter meanwhile ends this process with
 * SIGBUS. */
bool trace_append_incident(int folder_fd, const char *image_name, uint64_t run_id,
                           const struct trace_incident *incident);
/* The run_id of the folder's file `run`; 0: none. */
uint64_t trace_append_run_id(int folder_fd);

#endif
