/* The modules (executable and shared objects) of this process: where they are mapped, their
 * build-id, and their .eh_frame_hdr, read from /proc/self/maps and the mapped ELF headers by direct system
 * calls.
 *
 * Lookups are lock-free and async-signal-safe and make no system call. A refresh publishes a
 * new immutable table by one pointer store; the old one stays valid for ever. Refreshes exclude each other by
 * a flag that is only ever tried, never waited for; module_map_child() resets it in a forked child.
 */
#ifndef AFTERFORK_PRELOAD_MODULE_MAP_H
#define AFTERFORK_PRELOAD_MODULE_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct module {
	uint64_t start, end;           /* lowest mapped address, one past the highest */
	uint64_t exec_start, exec_end; /* its executable segments */
	uint64_t bias;                 /* runtime address - p_vaddr */
	uint64_t eh_frame_hdr;         /* runtime address, 0: none */
	uint64_t eh_frame_hdr_size;
	uint64_t unwind_start,
	    unwind_end; /* the readable mapped range around eh_frame_hdr: .eh_frame is read within */
	uint8_t build_id[32];
	uint32_t build_id_size;
	const char *path; /* absolute, as /proc/self/maps gives it; "[vdso]" for the vDSO; lives for ever */
};

/* Reads the map. False when /proc is not there, the map is sealed, or another thread is reading it just now:
 * lookups then see the last table, if there is one. */
bool module_map_refresh(void);
/* To call after a successful dlclose: forgets unwind rules and cached stacks learned for addresses that are
 * gone. If the map cannot be read any more (sealed, no /proc), forgets all modules: their unwind tables may
 * be unmapped. */
void module_map_invalidate(void);
/* To call first thing in a forked child. */
void module_map_child(void);
/* No further system calls from here on (the program entered a sandbox): lookups only. */
void module_map_seal(bool on);
bool module_map_is_sealed(void);

/* NULL when unknown. `_or_refresh` re-reads the map for an unknown pc, at most 1,000 times in a process, but
 * not for one in executable memory that was seen before and belongs to no module (made by a JIT compiler). */
const struct module *module_map_find(uint64_t pc);
const struct module *module_map_find_or_refresh(uint64_t pc);
/* The same; false when the answer is not final because another thread is reading the map. */
bool module_map_look_up(uint64_t pc, const struct module **ret_module);
/* The module, if any, whose mapping (data included) holds the address. */
const struct module *module_map_find_data(uint64_t address);

enum mapping_sharing { MAPPING_UNKNOWN = 0, MAPPING_PRIVATE, MAPPING_SHARED };
/* The `s` or `p` flag of the mapping that holds the address. Reads /proc/self/maps. */
enum mapping_sharing module_map_sharing(uint64_t address);

#endif
