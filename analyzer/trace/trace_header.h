/* The header that every file of a trace starts with: can the file be read? For trace_reader.c. */
#ifndef AFTERFORK_TRACE_HEADER_H
#define AFTERFORK_TRACE_HEADER_H

#include "trace_reader.h"

/* Checks all that later code relies on, and no more: a header is worth reading with a wrong counter. Fills in
 * what the header says of the file. */
enum trace_status trace_header_check(const unsigned char *data, size_t size_bytes,
                                     struct trace_reader_result *result);

#endif
