#include "next_symbol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "loaded_module.h"

extern struct loaded_modules _r_debug;
extern Elf64_Dyn own_dynamic[] __asm__("_DYNAMIC") __attribute__((visibility("hidden")));

struct symbol_table {
	const Elf64_Sym *symbols;
	const char *names;
	const uint16_t *versions;
	const uint32_t *gnu_hash, *hash;
};

/* What comes later was opened by the program, which may close it while we look. The kernel's own (vDSO) is in
 * the list, and is not searched. */
static const struct loaded_module *_Atomic first, *_Atomic last;
static uint64_t kernels_own;

void next_symbol_init(void)
{
	const struct loaded_module *module = _r_debug.first, *own = NULL;
	for (; module && module->next; module = module->next) {
		if (module->dynamic == own_dynamic)
			own = module;
	}
	kernels_own = getauxval(AT_SYSINFO_EHDR);
	last = module;
	first = own ? own->next : NULL;
}

/* The loader has added the place at which the module is, unless that memory is read-only. */
static const void *place_of(const struct loaded_module *module, const Elf64_Dyn *entry)
{
	uintptr_t address = entry->d_un.d_ptr;
	return (const void *)(address < module->bias ? address + module->bias : address);
}

static struct symbol_table table_of(const struct loaded_module *module)
{
	struct symbol_table table = {0};
	for (const Elf64_Dyn *entry = module->dynamic; entry->d_tag != DT_NULL; entry++) {
		switch (entry->d_tag) {
		case DT_SYMTAB:
			table.symbols = place_of(module, entry);
			break;
		case DT_STRTAB:
			table.names = place_of(module, entry);
			break;
		case DT_VERSYM:
			table.versions = place_of(module, entry);
			break;
		case DT_GNU_HASH:
			table.gnu_hash = place_of(module, entry);
			break;
		case DT_HASH:
			table.hash = place_of(module, entry);
			break;
		default:
			break;
		}
	}
	return table;
}

/* An old version, which nothing is linked against any more, is hidden. */
static bool is_definition(const struct symbol_table *table, uint32_t index, const char *name)
{
	enum { VERSION_HIDDEN = 0x8000 };
	const Elf64_Sym *symbol = &table->symbols[index];
	unsigned type = ELF64_ST_TYPE(symbol->st_info);
	return symbol->st_shndx != SHN_UNDEF &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
	       ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
	       !(table->versions && table->versions[index] & VERSION_HIDDEN) &&
	       strcmp(table->names + symbol->st_name, name) == 0;
}

static uint32_t gnu_hash_of(const char *name)
{
	uint32_t hash = 5381;
	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

/* Four words (buckets, index of the first symbol, words of the filter, its shift), the filter, the buckets,
 * and for each symbol its hash, the lowest bit set in the last one of a bucket. */
static const Elf64_Sym *find_by_gnu_hash(const struct symbol_table *table, const char *name, uint32_t hash)
{
	const uint32_t *head = table->gnu_hash;
	const uint64_t *filter = (const uint64_t *)(head + 4);
	const uint32_t *bucket = (const uint32_t *)(filter + head[2]), *chain = bucket + head[0];
	uint64_t word = filter[hash / 64 & (head[2] - 1)];
	if (!head[0] || !(word >> (hash & 63) & word >> (hash >> head[3] & 63) & 1))
		return NULL;
	for (uint32_t i = bucket[hash % head[0]]; i >= head[1]; i++) {
		uint32_t found = chain[i - head[1]];
		if ((found | 1) == (hash | 1) && is_definition(table, i, name))
			return &table->symbols[i];
		if (found & 1)
			break;
	}
	return NULL;
}

/* The older kind of table says how many symbols there are: few modules have nothing else. */
static const Elf64_Sym *find_by_name(const struct symbol_table *table, const char *name)
{
	for (uint32_t i = 1; i < table->hash[1]; i++) {
		if (is_definition(table, i, name))
			return &table->symbols[i];
	}
	return NULL;
}

static void *address_of(const struct loaded_module *module, const Elf64_Sym *symbol)
{
	uintptr_t address = module->bias + symbol->st_value;
	if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
		return ((void *(*)(void))address)();
	return (void *)address;
}

static const struct loaded_module *after(const struct loaded_module *module)
{
	return module == last ? NULL : module->next;
}

static void *find(const char *name, const struct loaded_module **ret_module)
{
	if (!first)
		next_symbol_init();
	uint32_t hash = gnu_hash_of(name);
	for (const struct loaded_module *module = first; module; module = after(module)) {
		const struct symbol_table table = table_of(module);
		const Elf64_Sym *symbol = NULL;
		if (module->bias && module->bias == kernels_own)
			continue;
		if (table.gnu_hash)
			symbol = find_by_gnu_hash(&table, name, hash);
		else if (table.hash)
			symbol = find_by_name(&table, name);
		*ret_module = module;
		if (symbol)
			return address_of(module, symbol);
	}
	return NULL;
}

void *next_symbol_find(const char *name)
{
	const struct loaded_module *module;
	return find(name, &module);
}

void *next_symbol_find_in_libc(const char *name)
{
	const struct loaded_module *module, *libc;
	void *found = find(name, &module);
	return found && find("gnu_get_libc_version", &libc) && module == libc ? found : NULL;
}
