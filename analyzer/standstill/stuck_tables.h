/* The tables behind a record of the trace, as the watch from outside fills them. */
#ifndef AFTERFORK_STUCK_TABLES_H
#define AFTERFORK_STUCK_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "stack_reader.h"
#include "trace_format.h"

enum { STUCK_TABLES_FRAMES_MAX = 4 * TRACE_STACK_FRAMES_MAX, STUCK_TABLES_STRINGS_MAX = 16384 };

struct stuck_tables {
	struct trace_frame frames[STUCK_TABLES_FRAMES_MAX];
	struct trace_module modules[TRACE_MODULES_MAX];
	char strings[STUCK_TABLES_STRINGS_MAX];
	uint32_t frame_count, module_count, strings_size_bytes;
	uint64_t hash; /* over all stacks that were added */
};

void stuck_tables_init(struct stuck_tables *ret_tables, uint64_t seed);
/* Its offset among the strings; that of the empty string where there is no room. */
uint32_t stuck_tables_add_string(struct stuck_tables *tables, const char *text);
/* Its index, or TRACE_MODULE_UNKNOWN. */
uint32_t stuck_tables_add_module(struct stuck_tables *tables, const struct stack_frame *place);
struct trace_stack stuck_tables_add_stack(struct stuck_tables *tables, const struct stack_frame *frames,
                                          size_t count, unsigned flags);
/* The same of bare addresses; bit i of exact_mask: pc[i] is no return address. */
struct trace_stack stuck_tables_add_addresses(struct stuck_tables *tables, struct stack_reader *reader,
                                              const uint64_t *pc, size_t count, uint64_t exact_mask,
                                              unsigned flags);
/* Puts the tables behind the record's fixed part, of fixed_size_bytes; there must be room for all of it.
 * Returns the record's whole size. */
uint32_t stuck_tables_place(const struct stuck_tables *tables, void *record, size_t fixed_size_bytes,
                            struct trace_table_places *ret_places);

#endif
