#include "symbolize_module.h"

#include <stdlib.h>
#include <string.h>

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

/* Of names for the same bytes, the one that a user would write comes first: fork, not __libc_fork;
 * pthread_mutex_lock, not __pthread_mutex_lock. */
static int compare_names(const struct symbolize_symbol *a, const struct symbolize_symbol *b)
{
	if (a->is_global != b->is_global)
		return a->is_global ? -1 : 1;
	size_t a_underscores = underscores(a->name), b_underscores = underscores(b->name);
	if (a_underscores != b_underscores)
		return a_underscores < b_underscores ? -1 : 1;
	size_t a_length = strlen(a->name), b_length = strlen(b->name);
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* By start; of symbols that start together, the widest first, so that a search backwards meets the
 * narrowest first; of equal ranges, the best name last, for the same reason. */
static int compare_symbols(const void *left, const void *right)
{
	const struct symbolize_symbol *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return compare_names(b, a);
}

static void table_add(struct symbolize_table *table, size_t *capacity, struct symbolize_symbol symbol)
{
	if (table->count == *capacity) {
		size_t wanted = *capacity ? *capacity * 2 : 256;
		struct symbolize_symbol *grown = realloc(table->symbols, wanted * sizeof(*grown));
		if (!grown)
			return;
		table->symbols = grown;
		*capacity = wanted;
	}
	table->symbols[table->count++] = symbol;
}

static void table_sort(struct symbolize_table *table)
{
	uint64_t enclosing_end = 0;
	if (table->count)
		qsort(table->symbols, table->count, sizeof(*table->symbols), compare_symbols);
	for (size_t i = 0; i < table->count; i++) {
		if (table->symbols[i].end > enclosing_end)
			enclosing_end = table->symbols[i].end;
		table->symbols[i].enclosing_end = enclosing_end;
	}
}

static bool is_function(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);
	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/* Symbols without a size (labels of hand-written code, marks like __bss_start) name a place, not a
 * range: what lies behind them is anybody's. Thread-local ones are offsets, not addresses. */
static void read_symbols(struct symbolize_module *module)
{
	module->symbols_read = true;
	int count = module->dwfl_module ? dwfl_module_getsymtab(module->dwfl_module) : 0;
	size_t function_capacity = 0, variable_capacity = 0;
	for (int i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address;
		GElf_Word section;
		const char *name =
		    dwfl_module_getsym_info(module->dwfl_module, i, &sym, &address, &section, NULL, NULL);
		if (!name || !*name || sym.st_size == 0 || section == SHN_UNDEF || section == SHN_ABS)
			continue;
		struct symbolize_symbol symbol = {
		    .start = address,
		    .end = address + sym.st_size,
		    .name = name,
		    .is_global = GELF_ST_BIND(sym.st_info) != STB_LOCAL,
		};
		if (is_function(&sym))
			table_add(&module->functions, &function_capacity, symbol);
		else if (GELF_ST_TYPE(sym.st_info) == STT_OBJECT)
			table_add(&module->variables, &variable_capacity, symbol);
	}
	table_sort(&module->functions);
	table_sort(&module->variables);
}

static const struct symbolize_symbol *table_find(const struct symbolize_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (table->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	while (low > 0 && table->symbols[low - 1].enclosing_end > address)
		if (table->symbols[--low].end > address)
			return &table->symbols[low];
	return NULL;
}

const struct symbolize_symbol *symbolize_table_function(struct symbolize_module *module, uint64_t address)
{
	if (!module->symbols_read)
		read_symbols(module);
	return table_find(&module->functions, address);
}

const struct symbolize_symbol *symbolize_table_variable(struct symbolize_module *module, uint64_t address)
{
	if (!module->symbols_read)
		read_symbols(module);
	return table_find(&module->variables, address);
}

void symbolize_table_release(struct symbolize_module *module)
{
	free(module->functions.symbols);
	free(module->variables.symbols);
	module->functions = module->variables = (struct symbolize_table){0};
}
