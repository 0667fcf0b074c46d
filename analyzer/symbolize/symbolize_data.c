#include "symbolize_module.h"

#include <ctype.h>
#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demangle.h"

/* The variables of a module are collected once: first those outside functions, and the statics of functions
 * only when an address was not found among these. The budget keeps a report on a huge program short: what
 * lies beyond it is named by its symbol alone. */
enum { DIES_BUDGET = 4 * 1000 * 1000 };

struct collector {
	struct symbolize_module *module;
	size_t capacity;
	size_t dies_left;
	bool within_functions;
};

static bool read_address(Dwarf_Die *variable, uint64_t *ret_address)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	size_t count;
	if (!dwarf_attr(variable, DW_AT_location, &attribute) ||
	    dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1)
		return false;
	Dwarf_Attribute indirect;
	Dwarf_Addr address = 0;
	if (operations[0].atom == DW_OP_addr)
		address = operations[0].number;
	else if (operations[0].atom == DW_OP_addrx &&
	         dwarf_getlocation_attr(&attribute, operations, &indirect) == 0)
		dwarf_formaddr(&indirect, &address);
	*ret_address = address;
	return address != 0;
}

static bool read_type(Dwarf_Die *die, Dwarf_Die *ret_type)
{
	Dwarf_Attribute attribute;
	return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, ret_type);
}

static uint64_t type_size_bytes(Dwarf_Die *type)
{
	Dwarf_Word size = 0;
	return dwarf_aggregate_size(type, &size) == 0 ? size : 0;
}

static void collect_variable(struct collector *collector, Dwarf_Die *die)
{
	struct symbolize_module *module = collector->module;
	uint64_t address;
	Dwarf_Die type;
	if (!read_address(die, &address) || !read_type(die, &type))
		return;
	if (module->data_count == collector->capacity) {
		size_t wanted = collector->capacity ? collector->capacity * 2 : 256;
		struct symbolize_range *grown = realloc(module->data, wanted * sizeof(*grown));
		if (!grown)
			return;
		module->data = grown;
		collector->capacity = wanted;
	}
	uint64_t start = address + module->dwarf_bias;
	module->data[module->data_count++] =
	    (struct symbolize_range){start, start + type_size_bytes(&type), dwarf_dieoffset(die)};
}

static bool is_searched(const struct collector *collector, int tag)
{
	if (tag == DW_TAG_namespace || tag == DW_TAG_module)
		return true;
	return collector->within_functions &&
	       (tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine);
}

static void collect_children(struct collector *collector, Dwarf_Die *parent, unsigned depth)
{
	enum { DEPTH_MAX = 64 };
	Dwarf_Die die;
	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		if (collector->dies_left == 0)
			return;
		collector->dies_left--;
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_variable)
			collect_variable(collector, &die);
		else if (is_searched(collector, tag))
			collect_children(collector, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int compare_data(const void *left, const void *right)
{
	const struct symbolize_range *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end == b->end ? 0 : a->end < b->end ? -1 : 1;
}

static void collect_all(struct symbolize_module *module, bool within_functions)
{
	struct collector collector = {
	    .module = module, .dies_left = DIES_BUDGET, .within_functions = within_functions};
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit_die;
	module->data_count = 0;
	free(module->data);
	module->data = NULL;
	while (dwarf_get_units(module->dwarf, cu, &cu, NULL, NULL, &unit_die, NULL) == 0)
		collect_children(&collector, &unit_die, 0);
	if (module->data_count)
		qsort(module->data, module->data_count, sizeof(*module->data), compare_data);
}

static const struct symbolize_range *find_data(const struct symbolize_module *module, uint64_t address)
{
	size_t low = 0, high = module->data_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (module->data[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && module->data[low - 1].end > address ? &module->data[low - 1] : NULL;
}

static const struct symbolize_range *find_variable(struct symbolize_module *module, uint64_t address)
{
	if (!symbolize_unit_dwarf(module))
		return NULL;
	for (; module->data_level < 2; module->data_level++) {
		const struct symbolize_range *found = find_data(module, address);
		if (found)
			return found;
		collect_all(module, module->data_level == 1);
	}
	return find_data(module, address);
}

/* Members of the C++ library's own types are no names that a user has seen: the path shows only
 * the indices in them, so that an element of a std::array reads as `shards[3]`. */
static bool is_reserved(const char *name)
{
	return name[0] == '_' && (name[1] == '_' || isupper((unsigned char)name[1]));
}

static bool find_member(Dwarf_Die *type, uint64_t offset, Dwarf_Die *ret_member, uint64_t *ret_start)
{
	Dwarf_Die die, member_type;
	if (dwarf_child(type, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);
		Dwarf_Attribute attribute;
		Dwarf_Word start = 0;
		if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
		    !dwarf_attr(&die, DW_AT_data_member_location, &attribute) ||
		    dwarf_formudata(&attribute, &start) != 0 || !read_type(&die, &member_type))
			continue;
		if (offset >= start && offset - start < type_size_bytes(&member_type)) {
			*ret_member = die;
			*ret_start = start;
			return true;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

/* One step into a structure. */
static bool print_member(FILE *out, Dwarf_Die *type, uint64_t *offset)
{
	Dwarf_Die member;
	uint64_t start;
	if (!find_member(type, *offset, &member, &start))
		return false;
	const char *name = dwarf_tag(&member) == DW_TAG_member ? dwarf_diename(&member) : NULL;
	if (name && !is_reserved(name))
		fprintf(out, ".%s", name);
	*offset -= start;
	return read_type(&member, type);
}

static uint64_t dimension_count(Dwarf_Die *subrange)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value = 0;
	if (dwarf_attr(subrange, DW_AT_count, &attribute) && dwarf_formudata(&attribute, &value) == 0)
		return value;
	if (dwarf_attr(subrange, DW_AT_upper_bound, &attribute) && dwarf_formudata(&attribute, &value) == 0)
		return value + 1;
	return 0;
}

/* One step into an array: all of its dimensions. */
static bool print_index(FILE *out, Dwarf_Die *type, uint64_t *offset)
{
	Dwarf_Die element, subrange;
	if (!read_type(type, &element))
		return false;
	uint64_t stride = type_size_bytes(type);
	uint64_t element_size = type_size_bytes(&element);
	if (!element_size || !stride || dwarf_child(type, &subrange) != 0)
		return false;
	do {
		uint64_t count =
		    dwarf_tag(&subrange) == DW_TAG_subrange_type ? dimension_count(&subrange) : 0;
		if (!count)
			return false;
		stride /= count;
		if (!stride)
			return false;
		fprintf(out, "[%" PRIu64 "]", *offset / stride);
		*offset %= stride;
	} while (stride > element_size && dwarf_siblingof(&subrange, &subrange) == 0);
	*type = element;
	return true;
}

/* Ends at scalars and at unions: pthread_mutex_t and its like are unions, and of others nobody knows which
 * member is in use. */
static void print_path(FILE *out, Dwarf_Die type, uint64_t offset)
{
	enum { STEPS_MAX = 64 };
	bool goes_on = true;
	for (int i = 0; goes_on && i < STEPS_MAX; i++) {
		switch (dwarf_tag(&type)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_atomic_type:
			goes_on = read_type(&type, &type);
			break;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
			goes_on = print_member(out, &type, &offset);
			break;
		case DW_TAG_array_type:
			goes_on = print_index(out, &type, &offset);
			break;
		default:
			goes_on = false;
		}
	}
	if (offset)
		fprintf(out, "+0x%" PRIx64, offset);
}

/* gcc numbers the static variables of C functions (`lock.1`): only the DWARF tells the function. */
static bool is_numbered(const char *symbol)
{
	const char *dot = strrchr(symbol, '.');
	return dot && dot > symbol && isdigit((unsigned char)dot[1]);
}

/* Where a static variable's initialisation is waited for, its guard stands for it. */
static void name_guarded(char *name)
{
	static const char prefix[] = "guard variable for ";
	size_t length = sizeof(prefix) - 1;
	if (strncmp(name, prefix, length) == 0)
		memmove(name, name + length, strlen(name + length) + 1);
}

char *symbolize_data_name(struct symbolize_module *module, uint64_t address)
{
	const struct symbolize_symbol *symbol = symbolize_table_variable(module, address);
	const struct symbolize_range *range = find_variable(module, address);
	Dwarf_Die variable, type;
	bool has_die =
	    range && dwarf_offdie(module->dwarf, range->die_offset, &variable) && read_type(&variable, &type);
	char *base = NULL, *text = NULL;
	size_t size = 0;
	if (has_die && (!symbol || is_numbered(symbol->name)))
		base = symbolize_name_qualified(&variable);
	if (!base && symbol)
		base = demangle_variable(symbol->name);
	if (base)
		name_guarded(base);
	FILE *out = base ? open_memstream(&text, &size) : NULL;
	if (out) {
		fputs(base, out);
		if (has_die)
			print_path(out, type, address - range->start);
		else if (address != symbol->start)
			fprintf(out, "+0x%" PRIx64, address - symbol->start);
		fclose(out);
	}
	free(base);
	return text;
}

void symbolize_data_release(struct symbolize_module *module)
{
	free(module->data);
	module->data = NULL;
	module->data_count = 0;
}
