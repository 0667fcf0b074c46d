/* How glibc's struct link_map and struct r_debug begin, as <link.h> has them: which also has what takes the
 * loader's lock. */
#ifndef AFTERFORK_PRELOAD_LOADED_MODULE_H
#define AFTERFORK_PRELOAD_LOADED_MODULE_H

#include <elf.h>
#include <stdint.h>

struct loaded_module {
	uint64_t bias;
	const char *name;
	const Elf64_Dyn *dynamic;
	const struct loaded_module *next;
};

struct loaded_modules {
	int version;
	const struct loaded_module *first;
};

#endif
