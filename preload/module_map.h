/* The modules (executable and shared objects) of this process: where they are mapped, their
 * build-id, and their .eh_frame_hdr, read from /proc/self/maps and the mapped ELF headers by direct system calls.
 *
 * Lookups are lock-free and async-signal-safe and make no system call. A refresh publishes a
 * new immutable table by one pointer store; the old one stays valid for ever. Refreshes exclude each other by a flag that is
 * only ever tried, never waited for; module_map_child() resets it in a forked child.
 */
#ifndef AFTERFORK_PRELOAD_MODULE_MAP_H
#define AFTERFORK_PRELOAD_MODULE_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct module {
	uint64_t start, end;     /* lowest mapped address, one past the highest */
	uint64_t exec_start, exec_end; /* its executable segments */
	uint64_t bias;           /* runtime address - p_vaddr */
	uint64_t eh_frame_hdr;   /* runtime address, 0: none */
	uint64_t eh_frame_hdr_size;
	uint8_t build_id[32];
	uint32_t build_id_size;
	const char *path;        /* absolute, as /proc/self/maps gives it; "[vdso]" for the vDSO; lives for ever */
};

/* Reads the map. False when /proc is not there: lookups then find nothing. */
bool module_map_refresh(void);
/* To call after a successful dlclose: forgets unwind rules learned for addresses that are gone. */
void module_map_invalidate(void);
/* To call first thing in a forked child. */
void module_map_child(void);
/* No further system calls from here on (the program entered a sandbox): lookups only. */
void module_map_seal(void);

/* NULL when unknown. `_or_refresh` re-reads the map once for an unknown pc, at most 1,000 times in a process. */
const struct module *module_map_find(uint64_t pc);
const struct module *module_map_find_or_refresh(uint64_t pc);
/* The module, if any, whose mapping (data included) holds the address. */
const struct module *module_map_find_data(uint64_t address);

enum mapping_sharing { MAPPING_UNKNOWN = 0, MAPPING_PRIVATE, MAPPING_SHARED };
/* The `s` or `p` flag of the mapping that holds the address. Reads /proc/self/maps. */
enum mapping_sharing module_map_sharing(uint64_t address);

#endif
