#include "symbolize_module.h"

#include <dwarf.h>
#include <stdlib.h>
#include <uthash.h>

struct symbolize_unit {
	Dwarf_Off die_offset;
	struct symbolize_range *functions; /* by start; die_offset is the subprogram's */
	size_t function_count;
	UT_hash_handle hh;
};

struct range_list {
	struct symbolize_range *ranges;
	size_t count, capacity;
};

Dwarf *symbolize_unit_dwarf(struct symbolize_module *module)
{
	if (!module->dwarf_read && module->dwfl_module)
		module->dwarf = dwfl_module_getdwarf(module->dwfl_module, &module->dwarf_bias);
	module->dwarf_read = true;
	return module->dwarf;
}

static bool list_add(struct range_list *list, uint64_t start, uint64_t end, Dwarf_Off die_offset)
{
	if (list->count == list->capacity) {
		size_t wanted = list->capacity ? list->capacity * 2 : 64;
		struct symbolize_range *grown = realloc(list->ranges, wanted * sizeof(*grown));
		if (!grown)
			return false;
		list->ranges = grown;
		list->capacity = wanted;
	}
	list->ranges[list->count++] = (struct symbolize_range){start, end, die_offset};
	return true;
}

/* Discarded functions keep DIEs, with ranges that start at 0 (or at an end-of-address-space tombstone). */
static void list_add_die(struct range_list *list, Dwarf_Die *die)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t offset = 0;
	while ((offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0)
		if (start != 0 && start < end)
			list_add(list, start, end, dwarf_dieoffset(die));
}

static int compare_ranges(const void *left, const void *right)
{
	const struct symbolize_range *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end == b->end ? 0 : a->end > b->end ? -1 : 1;
}

static void list_sort(struct range_list *list)
{
	if (list->count)
		qsort(list->ranges, list->count, sizeof(*list->ranges), compare_ranges);
}

/* Ranges of units and of functions do not overlap; nested functions are the exception, and a few
 * steps back find the outer one. */
static const struct symbolize_range *range_find(const struct symbolize_range *ranges, size_t count,
                                                uint64_t address)
{
	enum { STEPS_BACK = 16 };
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t step = 0; low > 0 && step < STEPS_BACK; step++)
		if (ranges[--low].end > address)
			return &ranges[low];
	return NULL;
}

static void read_ranges(struct symbolize_module *module)
{
	struct range_list list = {0};
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit_die;
	module->ranges_read = true;
	while (dwarf_get_units(module->dwarf, cu, &cu, NULL, NULL, &unit_die, NULL) == 0)
		list_add_die(&list, &unit_die);
	list_sort(&list);
	module->ranges = list.ranges;
	module->range_count = list.count;
}

bool symbolize_unit_find(struct symbolize_module *module, uint64_t address, Dwarf_Die *ret_unit_die)
{
	Dwarf *dwarf = symbolize_unit_dwarf(module);
	if (!dwarf)
		return false;
	address -= module->dwarf_bias;
	if (dwarf_addrdie(dwarf, address, ret_unit_die))
		return true;
	/* clang writes no .debug_aranges. */
	if (!module->ranges_read)
		read_ranges(module);
	const struct symbolize_range *range = range_find(module->ranges, module->range_count, address);
	return range && dwarf_offdie(dwarf, range->die_offset, ret_unit_die);
}

Dwarf_Die *symbolize_unit_body(Dwarf_Die *unit_die, Dwarf_Die *mem)
{
	uint8_t unit_type = 0;
	if (dwarf_cu_info(unit_die->cu, NULL, &unit_type, NULL, mem, NULL, NULL, NULL) == 0 &&
	    unit_type == DW_UT_skeleton && mem->addr)
		return mem;
	return unit_die;
}

static bool may_hold_functions(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
		return true;
	default:
		return false;
	}
}

static void collect_functions(struct range_list *list, Dwarf_Die *parent, unsigned depth)
{
	enum { DEPTH_MAX = 64 };
	Dwarf_Die die;
	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		if (dwarf_tag(&die) == DW_TAG_subprogram)
			list_add_die(list, &die);
		if (may_hold_functions(&die))
			collect_functions(list, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

/* One pass over a unit's DIEs, where dwarf_getscopes() would need one for each address. */
static struct symbolize_unit *unit_index(struct symbolize_module *module, Dwarf_Die *unit_die)
{
	struct symbolize_unit *unit;
	Dwarf_Off offset = dwarf_dieoffset(unit_die);
	HASH_FIND(hh, module->units, &offset, sizeof(offset), unit);
	if (unit)
		return unit;
	unit = calloc(1, sizeof(*unit));
	if (!unit)
		return NULL;
	Dwarf_Die mem;
	struct range_list list = {0};
	collect_functions(&list, symbolize_unit_body(unit_die, &mem), 0);
	list_sort(&list);
	unit->die_offset = offset;
	unit->functions = list.ranges;
	unit->function_count = list.count;
	HASH_ADD(hh, module->units, die_offset, sizeof(unit->die_offset), unit);
	return unit;
}

bool symbolize_unit_function(struct symbolize_module *module, Dwarf_Die *unit_die, uint64_t address,
                             Dwarf_Die *ret_function_die)
{
	struct symbolize_unit *unit = unit_index(module, unit_die);
	if (!unit)
		return false;
	const struct symbolize_range *range =
	    range_find(unit->functions, unit->function_count, address - module->dwarf_bias);
	if (!range)
		return false;
	Dwarf_Die mem;
	Dwarf *dwarf = dwarf_cu_getdwarf(symbolize_unit_body(unit_die, &mem)->cu);
	return dwarf_offdie(dwarf, range->die_offset, ret_function_die) != NULL;
}

void symbolize_unit_release(struct symbolize_module *module)
{
	struct symbolize_unit *unit, *next;
	HASH_ITER (hh, module->units, unit, next) {
		HASH_DEL(module->units, unit);
		free(unit->functions);
		free(unit);
	}
	free(module->ranges);
	module->ranges = NULL;
	module->range_count = 0;
}
