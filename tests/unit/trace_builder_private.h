/* What the two parts of the builder share: the file as it grows. */
#ifndef AFTERFORK_TESTS_TRACE_BUILDER_PRIVATE_H
#define AFTERFORK_TESTS_TRACE_BUILDER_PRIVATE_H

#include "trace_builder.h"

#define TRACE_BUILDER_PROGRAM "/opt/story/bin/story"
static const uint64_t STARTED_MONOTONIC_NS = 1000000000000u;

struct trace_builder {
	unsigned char *data;
	size_t size_bytes;
};

/* Ends the test where there is no memory. */
void *trace_builder_checked(void *memory);
/* Zeroed room at the end, rounded up to granules. Returns its offset. */
size_t trace_builder_extend(struct trace_builder *builder, size_t size_bytes);

#endif
