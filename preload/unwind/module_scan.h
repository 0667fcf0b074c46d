/* Finds the modules of this process: reads /proc/self/maps and the ELF headers mapped at its files.
 * Direct system calls only; async-signal-safe. One scan, large, in memory of the caller's. */
#ifndef AFTERFORK_PRELOAD_MODULE_SCAN_H
#define AFTERFORK_PRELOAD_MODULE_SCAN_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "module_map.h"

enum {
	MODULE_SCAN_REGIONS_MAX =
	    1 << 16, /* the kernel's default limit of mappings; what lies above is not seen */
	MODULE_SCAN_PATHS_SIZE_BYTES = 4 << 20,
	MODULE_SCAN_NOTES_SIZE_BYTES = 4096,
	MODULE_SCAN_PROGRAM_HEADERS_MAX = 128,
};
#define MODULE_SCAN_ADDRESS_END (UINT64_C(1) << 47) /* of user memory */

struct module_scan_region {
	uint64_t start, end, inode;
	char *path; /* of those that may start a module, else NULL */
	bool readable, executable;
};

/* All zero before module_scan_read(). */
struct module_scan {
	uint32_t region_count, next, paths_size_bytes;
	union {
		Elf64_Ehdr elf_header;
		char notes[MODULE_SCAN_NOTES_SIZE_BYTES];
	};
	Elf64_Phdr program_header[MODULE_SCAN_PROGRAM_HEADERS_MAX];
	struct module_scan_region region[MODULE_SCAN_REGIONS_MAX];
	char paths[MODULE_SCAN_PATHS_SIZE_BYTES];
};

/* False when /proc/self/maps cannot be read. */
bool module_scan_read(struct module_scan *scan);

/* The next module, or range of executable memory that belongs to none (path NULL), in ascending order. False
 * at the end. The path lives in the scan. */
bool module_scan_next(struct module_scan *scan, struct module *ret_module);

#endif
