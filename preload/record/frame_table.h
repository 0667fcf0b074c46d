/* Builds the tables at the end of a trace record: frames, the modules they lie in, and strings. Works on the
 * caller's memory; what does not fit is left out (a frame's module becomes TRACE_MODULE_UNKNOWN). */
#ifndef AFTERFORK_PRELOAD_FRAME_TABLE_H
#define AFTERFORK_PRELOAD_FRAME_TABLE_H

#include <stdint.h>

#include "thread_record.h"
#include "trace_format.h"

enum { FRAME_TABLE_FRAMES_MAX = TRACE_STACKS_MAX * TRACE_STACK_FRAMES_MAX, FRAME_TABLE_STRINGS_MAX = 16384 };

struct frame_table {
	uint32_t frame_count, module_count, strings_size_bytes;
	struct trace_frame frames[FRAME_TABLE_FRAMES_MAX];
	struct trace_module modules[TRACE_MODULES_MAX];
	const void *known[TRACE_MODULES_MAX]; /* the struct module behind each */
	char strings[FRAME_TABLE_STRINGS_MAX];
};

void frame_table_init(struct frame_table *table);
struct trace_stack frame_table_add_stack(struct frame_table *table, const struct kept_stack *stack);
/* The index of the module with the code (or, `data`, with any mapped byte) at the address, or
 * TRACE_MODULE_UNKNOWN. */
uint32_t frame_table_add_module_of(struct frame_table *table, uint64_t address, bool data);
/* The offset of a copy of the string. */
uint32_t frame_table_add_string(struct frame_table *table, const char *text);
/* Copies the tables behind the fixed part of a record. Returns the record's whole size. */
uint32_t frame_table_place(const struct frame_table *table, void *record, uint32_t fixed_size_bytes,
                           struct trace_table_places *ret_places);

#endif
