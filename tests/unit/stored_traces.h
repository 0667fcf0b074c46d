/* The traces of tests/data/traces and of the fuzzing corpus. They are kept as files, so that a change of
 * reader or format shows what it does to traces that users already have. */
#ifndef AFTERFORK_STORED_TRACES_H
#define AFTERFORK_STORED_TRACES_H

#include <stddef.h>

#include "trace_builder.h"

struct stored_trace {
	const char *folder; /* below tests/data/traces */
	const char *file;
	struct trace_builder *(*build)(void);
};

extern const struct stored_trace stored_traces[];
extern const size_t stored_traces_count;

#endif
