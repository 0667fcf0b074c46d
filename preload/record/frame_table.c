#include "frame_table.h"

#include "module_map.h"

void frame_table_init(struct frame_table *table)
{
	table->frame_count = 0;
	table->module_count = 0;
	table->strings[0] = 0; /* offset 0 is the empty string */
	table->strings_size_bytes = 1;
}

uint32_t frame_table_add_string(struct frame_table *table, const char *text)
{
	uint32_t length = 0;
	while (text[length])
		length++;
	if (table->strings_size_bytes + length + 1 > FRAME_TABLE_STRINGS_MAX)
		return 0;
	uint32_t offset = table->strings_size_bytes;
	__builtin_memcpy(table->strings + offset, text, length + 1);
	table->strings_size_bytes += length + 1;
	return offset;
}

static uint32_t add_module(struct frame_table *table, const struct module *module)
{
	for (uint32_t i = 0; i < table->module_count; i++) {
		if (table->known[i] == module)
			return i;
	}
	if (table->module_count == TRACE_MODULES_MAX)
		return TRACE_MODULE_UNKNOWN;
	struct trace_module *entry = &table->modules[table->module_count];
	*entry = (struct trace_module){
	    .start = module->start,
	    .end = module->end,
	    .bias = module->bias,
	    .build_id_size_bytes = module->build_id_size,
	    .path = frame_table_add_string(table, module->path),
	};
	__builtin_memcpy(entry->build_id, module->build_id, sizeof entry->build_id);
	table->known[table->module_count] = module;
	return table->module_count++;
}

uint32_t frame_table_add_module_of(struct frame_table *table, uint64_t address, bool data)
{
	const struct module *module =
	    data ? module_map_find_data(address) : module_map_find_or_refresh(address);
	return module ? add_module(table, module) : TRACE_MODULE_UNKNOWN;
}

struct trace_stack frame_table_add_stack(struct frame_table *table, const struct kept_stack *stack)
{
	struct trace_stack added = {.first = table->frame_count, .flags = (uint16_t)stack->flags};
	for (uint32_t i = 0; i < stack->count && table->frame_count < FRAME_TABLE_FRAMES_MAX; i++) {
		bool exact = stack->exact >> i & 1;
		table->frames[table->frame_count++] = (struct trace_frame){
		    .pc = stack->pc[i],
		    .module = frame_table_add_module_of(table, stack->pc[i] - !exact, false),
		    .flags = exact ? TRACE_FRAME_EXACT_PC : 0,
		};
		added.count++;
	}
	return added;
}

static uint32_t place(void *record, uint32_t *offset, const void *from, uint32_t size_bytes)
{
	uint32_t at = (*offset + 7) & ~7u;
	__builtin_memset((char *)record + *offset, 0, at - *offset);
	__builtin_memcpy((char *)record + at, from, size_bytes);
	*offset = at + size_bytes;
	return at;
}

uint32_t frame_table_place(const struct frame_table *table, void *record, uint32_t fixed_size_bytes,
                           struct trace_table_places *ret_places)
{
	uint32_t offset = fixed_size_bytes;
	ret_places->frame_count = table->frame_count;
	ret_places->module_count = table->module_count;
	ret_places->strings_size_bytes = table->strings_size_bytes;
	ret_places->frames_offset =
	    place(record, &offset, table->frames, table->frame_count * (uint32_t)sizeof *table->frames);
	ret_places->modules_offset =
	    place(record, &offset, table->modules, table->module_count * (uint32_t)sizeof *table->modules);
	ret_places->strings_offset = place(record, &offset, table->strings, table->strings_size_bytes);
	return offset;
}
