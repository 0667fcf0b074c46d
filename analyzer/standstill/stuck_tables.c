#include "stuck_tables.h"

#include <stdlib.h>
#include <string.h>

#include "fnv.h"

void stuck_tables_init(struct stuck_tables *ret_tables, uint64_t seed)
{
	ret_tables->frame_count = ret_tables->module_count = 0;
	ret_tables->strings[0] = '\0';
	ret_tables->strings_size_bytes = 1; /* offset 0 is the empty string */
	ret_tables->hash = FNV_START;
	fnv_mix(&ret_tables->hash, seed);
}

uint32_t stuck_tables_add_string(struct stuck_tables *tables, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > STUCK_TABLES_STRINGS_MAX - tables->strings_size_bytes)
		return 0;
	uint32_t offset = tables->strings_size_bytes;
	memcpy(tables->strings + offset, text, size);
	tables->strings_size_bytes += (uint32_t)size;
	return offset;
}

uint32_t stuck_tables_add_module(struct stuck_tables *tables, const struct stack_frame *place)
{
	if (!place->has_module)
		return TRACE_MODULE_UNKNOWN;
	for (uint32_t i = 0; i < tables->module_count; i++)
		if (tables->modules[i].start == place->module_start)
			return i;
	if (tables->module_count == TRACE_MODULES_MAX)
		return TRACE_MODULE_UNKNOWN;
	struct trace_module *module = &tables->modules[tables->module_count];
	*module = (struct trace_module){
	    .start = place->module_start,
	    .end = place->module_end,
	    .bias = place->module_bias,
	    .build_id_size_bytes = place->build_id_size_bytes,
	    .path = stuck_tables_add_string(tables, place->module_path),
	};
	memcpy(module->build_id, place->build_id, sizeof(module->build_id));
	return tables->module_count++;
}

struct trace_stack stuck_tables_add_stack(struct stuck_tables *tables, const struct stack_frame *frames,
                                          size_t count, unsigned flags)
{
	struct trace_stack stack = {.first = tables->frame_count, .flags = (uint16_t)flags};

	for (size_t i = 0; i < count && tables->frame_count < STUCK_TABLES_FRAMES_MAX; i++) {
		tables->frames[tables->frame_count++] = (struct trace_frame){
		    .pc = frames[i].pc,
		    .module = stuck_tables_add_module(tables, &frames[i]),
		    .flags = frames[i].is_exact ? TRACE_FRAME_EXACT_PC : 0,
		};
		fnv_mix(&tables->hash, frames[i].pc);
		stack.count++;
	}
	fnv_mix(&tables->hash, stack.count);
	return stack;
}

struct trace_stack stuck_tables_add_addresses(struct stuck_tables *tables, struct stack_reader *reader,
                                              const uint64_t *pc, size_t count, uint64_t exact_mask,
                                              unsigned flags)
{
	struct stack_frame *frames = calloc(count ? count : 1, sizeof(*frames));
	struct trace_stack stack = {0};

	for (size_t i = 0; frames && i < count; i++)
		stack_reader_describe(reader, pc[i], exact_mask >> i & 1, &frames[i]);
	if (frames)
		stack = stuck_tables_add_stack(tables, frames, count, flags);
	free(frames);
	return stack;
}

static uint32_t place(void *record, uint32_t *offset, const void *from, size_t size_bytes)
{
	uint32_t at = (*offset + 7) & ~7u;

	memcpy((char *)record + at, from, size_bytes);
	*offset = at + (uint32_t)size_bytes;
	return at;
}

uint32_t stuck_tables_place(const struct stuck_tables *tables, void *record, size_t fixed_size_bytes,
                            struct trace_table_places *ret_places)
{
	uint32_t offset = (uint32_t)fixed_size_bytes;

	ret_places->frame_count = tables->frame_count;
	ret_places->module_count = tables->module_count;
	ret_places->strings_size_bytes = tables->strings_size_bytes;
	ret_places->frames_offset =
	    place(record, &offset, tables->frames, tables->frame_count * sizeof(*tables->frames));
	ret_places->modules_offset =
	    place(record, &offset, tables->modules, tables->module_count * sizeof(*tables->modules));
	ret_places->strings_offset = place(record, &offset, tables->strings, tables->strings_size_bytes);
	return offset;
}
