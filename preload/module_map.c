#include "module_map.h"

#include <elf.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "arena.h"
#include "maps_reader.h"
#include "raw_syscall.h"
#include "unwind_rules.h"

enum {
	REFRESH_FOR_UNKNOWN_MAX = 1000,
	REGIONS_MAX = 1 << 16, /* the kernel's default limit of mappings; what lies above is not seen */
	PATHS_SIZE_BYTES = 4 << 20,
	SLOTS_MAX = 1 << 14,
	NOTES_SIZE_BYTES = 4096,
	PROGRAM_HEADERS_MAX = 128,
};
#define PAGE_SIZE_BYTES UINT64_C(4096)
#define USER_ADDRESS_END (UINT64_C(1) << 47)

/* What is mapped in [start, end): a module, or executable memory that belongs to none (NULL). */
struct module_slot {
	uint64_t start, end;
	const struct module *module;
};
struct module_table {
	uint32_t count;
	struct module_slot slot[]; /* ascending, disjoint */
};

struct region {
	uint64_t start, end, inode;
	const char *path; /* of those that may start a module, else NULL */
	bool readable, executable;
};

/* Working memory of one refresh: mapped, used, unmapped. */
struct refresh {
	uint32_t region_count, slot_count, paths_size_bytes;
	union {
		Elf64_Ehdr elf_header;
		char notes[NOTES_SIZE_BYTES];
	};
	Elf64_Phdr program_header[PROGRAM_HEADERS_MAX];
	struct region region[REGIONS_MAX];
	struct module_slot slot[SLOTS_MAX];
	char paths[PATHS_SIZE_BYTES];
};

static _Atomic(const struct module_table *) current_table;
static _Atomic uint32_t refreshing;     /* only ever tried: a thread that finds it set goes on without */
static _Atomic uint32_t refresh_wanted; /* counts requests, so that one that came during a refresh is not lost */
static _Atomic uint32_t unknown_refreshes;
static _Atomic bool sealed;

/* --- lookups --- */

static const struct module_slot *find_slot(const struct module_table *table, uint64_t address)
{
	uint32_t low = 0, high = table ? table->count : 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (table->slot[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!table || low == table->count || address < table->slot[low].start)
		return NULL;
	return &table->slot[low];
}

static const struct module_table *load_table(void)
{
	return atomic_load_explicit(&current_table, memory_order_acquire);
}

const struct module *module_map_find(uint64_t pc)
{
	const struct module_slot *slot = find_slot(load_table(), pc);
	return slot ? slot->module : NULL;
}

const struct module *module_map_find_data(uint64_t address) { return module_map_find(address); }

bool module_map_is_busy(void) { return atomic_load_explicit(&refreshing, memory_order_relaxed) != 0; }

const struct module *module_map_find_or_refresh(uint64_t pc)
{
	const struct module_slot *slot = find_slot(load_table(), pc);
	if (slot)
		return slot->module;
	if (pc >= USER_ADDRESS_END || module_map_is_busy() ||
	    atomic_load_explicit(&unknown_refreshes, memory_order_relaxed) >= REFRESH_FOR_UNKNOWN_MAX)
		return NULL;
	atomic_fetch_add_explicit(&unknown_refreshes, 1, memory_order_relaxed);
	return module_map_refresh() ? module_map_find(pc) : NULL;
}

/* --- reading ELF headers from memory --- */

/* A module that another thread unmaps just now, or a file cut short, must not crash the program: the kernel
 * reads for us and answers EFAULT. Where a system call filter forbids it, memory is read directly. */
static bool read_memory(uint64_t address, void *ret_bytes, uint64_t size_bytes)
{
	struct iovec to = {ret_bytes, size_bytes}, from = {(void *)(uintptr_t)address, size_bytes};
	long pid = raw_syscall0(SYS_getpid);
	long count = raw_syscall6(SYS_process_vm_readv, pid, (long)&to, 1, (long)&from, 1, 0);
	if (count == -1 /* EPERM */ || count == -38 /* ENOSYS */) {
		memcpy(ret_bytes, (const void *)(uintptr_t)address, size_bytes);
		return true;
	}
	return count == (long)size_bytes;
}

static bool read_headers(struct refresh *refresh, uint64_t start)
{
	Elf64_Ehdr *header = &refresh->elf_header;
	return read_memory(start, header, sizeof *header) && !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_machine == EM_X86_64 &&
	       header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum &&
	       header->e_phnum <= PROGRAM_HEADERS_MAX && header->e_phoff < PAGE_SIZE_BYTES &&
	       read_memory(start + header->e_phoff, refresh->program_header,
			   header->e_phnum * sizeof(Elf64_Phdr));
}

static void read_build_id(struct refresh *refresh, const Elf64_Phdr *segment, struct module *module)
{
	uint64_t size_bytes = segment->p_memsz < NOTES_SIZE_BYTES ? segment->p_memsz : NOTES_SIZE_BYTES;
	if (!read_memory(module->bias + segment->p_vaddr, refresh->notes, size_bytes))
		return;
	for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= size_bytes;) {
		Elf64_Nhdr note;
		memcpy(&note, refresh->notes + at, sizeof note);
		uint64_t name = at + sizeof note, bytes = name + ((note.n_namesz + UINT64_C(3)) & ~UINT64_C(3));
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && bytes + note.n_descsz <= size_bytes &&
		    !memcmp(refresh->notes + name, "GNU", 4) && note.n_descsz <= sizeof module->build_id) {
			memcpy(module->build_id, refresh->notes + bytes, note.n_descsz);
			module->build_id_size = note.n_descsz;
			return;
		}
		at = bytes + ((note.n_descsz + UINT64_C(3)) & ~UINT64_C(3));
	}
}

/* Everything that the program headers tell. */
static bool read_module(struct refresh *refresh, uint64_t start, struct module *ret_module)
{
	if (!read_headers(refresh, start))
		return false;
	uint32_t count = refresh->elf_header.e_phnum;
	*ret_module = (struct module){.start = start, .exec_start = UINT64_MAX};
	uint64_t low = UINT64_MAX, high = 0;
	for (const Elf64_Phdr *ph = refresh->program_header; ph < refresh->program_header + count; ph++) {
		uint64_t end = ph->p_vaddr + ph->p_memsz;
		if (ph->p_type != PT_LOAD || end < ph->p_vaddr || end > USER_ADDRESS_END)
			continue;
		low = ph->p_vaddr < low ? ph->p_vaddr : low;
		high = end > high ? end : high;
		if ((ph->p_flags & PF_X) && ph->p_vaddr < ret_module->exec_start)
			ret_module->exec_start = ph->p_vaddr;
		if ((ph->p_flags & PF_X) && end > ret_module->exec_end)
			ret_module->exec_end = end;
	}
	if (!ret_module->exec_end)
		return false;
	ret_module->bias = start - (low & ~(PAGE_SIZE_BYTES - 1));
	ret_module->end = (ret_module->bias + high + PAGE_SIZE_BYTES - 1) & ~(PAGE_SIZE_BYTES - 1);
	ret_module->exec_start += ret_module->bias;
	ret_module->exec_end += ret_module->bias;
	for (const Elf64_Phdr *ph = refresh->program_header; ph < refresh->program_header + count; ph++) {
		if (ph->p_type == PT_GNU_EH_FRAME) {
			ret_module->eh_frame_hdr = ret_module->bias + ph->p_vaddr;
			ret_module->eh_frame_hdr_size = ph->p_memsz;
		} else if (ph->p_type == PT_NOTE && !ret_module->build_id_size) {
			read_build_id(refresh, ph, ret_module);
		}
	}
	return true;
}

/* --- building a table --- */

/* Device memory must not be read even where the kernel would not refuse it. */
static bool may_start_module(const struct maps_entry *entry)
{
	if (!entry->readable || entry->file_offset)
		return false;
	if (!strcmp(entry->path, "[vdso]"))
		return true;
	return entry->path[0] == '/' && (strncmp(entry->path, "/dev/", 5) || !strncmp(entry->path, "/dev/shm/", 9));
}

/* Keeps file mappings and executable ones: all that modules are made of. */
static bool read_regions(struct refresh *refresh)
{
	struct maps_reader reader;
	struct maps_entry entry;
	if (!maps_reader_open(&reader))
		return false;
	while (refresh->region_count < REGIONS_MAX && maps_reader_next(&reader, &entry)) {
		if (entry.start >= USER_ADDRESS_END || !(entry.executable || entry.inode))
			continue;
		struct region *region = &refresh->region[refresh->region_count++];
		*region = (struct region){entry.start,    entry.end,      entry.inode, NULL,
					  entry.readable, entry.executable};
		uint32_t size_bytes = (uint32_t)strlen(entry.path) + 1;
		if (may_start_module(&entry) && refresh->paths_size_bytes + size_bytes <= PATHS_SIZE_BYTES) {
			char *path = refresh->paths + refresh->paths_size_bytes;
			memcpy(path, entry.path, size_bytes);
			refresh->paths_size_bytes += size_bytes;
			region->path = path;
		}
	}
	maps_reader_close(&reader);
	return true;
}

/* An ELF file may be mapped as mere data (debuggers do): it is a module only if its code is mapped executable where its
 * headers say, by the same file or, where a program moved its code to huge pages, by none. */
static bool is_loaded(const struct refresh *refresh, uint32_t first, const struct module *module)
{
	bool code_found = false, strangers = false, anonymous = false;
	for (uint32_t i = first; i < refresh->region_count && refresh->region[i].start < module->end; i++) {
		const struct region *region = &refresh->region[i];
		bool own = region->inode == refresh->region[first].inode;
		strangers |= !own && region->inode;
		if (!region->executable || region->start >= module->exec_end || region->end <= module->exec_start)
			continue;
		code_found |= own || !region->inode;
		anonymous |= !own;
	}
	return code_found && !(anonymous && strangers);
}

/* The run of adjoining readable mappings around .eh_frame_hdr. */
static void find_unwind_range(const struct refresh *refresh, uint32_t first, struct module *module)
{
	uint64_t start = 0, end = 0;
	for (uint32_t i = first; i < refresh->region_count && refresh->region[i].start < module->end; i++) {
		const struct region *region = &refresh->region[i];
		if (!region->readable)
			continue;
		if (region->start != end) {
			if (start <= module->eh_frame_hdr && module->eh_frame_hdr < end)
				break;
			start = region->start;
		}
		end = region->end < module->end ? region->end : module->end;
	}
	if (module->eh_frame_hdr < start || module->eh_frame_hdr >= end ||
	    module->eh_frame_hdr_size > end - module->eh_frame_hdr) {
		module->eh_frame_hdr = 0;
		return;
	}
	module->unwind_start = start;
	module->unwind_end = end;
}

/* Undoes the one escape that the kernel writes, and the mark of an unlinked file. In place. */
static void clean_path(char *path)
{
	static const char deleted[] = " (deleted)";
	char *to = path;
	for (const char *from = path; *from; from++) {
		if (!strncmp(from, "\\012", 4)) {
			*to++ = '\n';
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = 0;
	size_t length = (size_t)(to - path);
	if (length > sizeof deleted - 1 && !strcmp(to - (sizeof deleted - 1), deleted))
		to[-(ptrdiff_t)(sizeof deleted - 1)] = 0;
}

/* The module as kept for ever: the old table's where nothing changed. */
static const struct module *keep_module(const struct module *module, const char *path)
{
	const struct module_slot *old = find_slot(load_table(), module->start);
	if (old && old->module) {
		/* no padding up to there */
		const size_t compared_bytes = offsetof(struct module, build_id_size) + sizeof module->build_id_size;
		if (!memcmp(old->module, module, compared_bytes) && !strcmp(old->module->path, path))
			return old->module;
	}
	size_t size_bytes = strlen(path) + 1;
	struct module *kept = arena_alloc(sizeof *kept + size_bytes);
	if (!kept)
		return NULL;
	*kept = *module;
	kept->path = memcpy(kept + 1, path, size_bytes);
	return kept;
}

static void add_slot(struct refresh *refresh, uint64_t start, uint64_t end, const struct module *module)
{
	struct module_slot *last = refresh->slot_count ? &refresh->slot[refresh->slot_count - 1] : NULL;
	if (last && last->end == start && !last->module && !module)
		last->end = end;
	else if (refresh->slot_count < SLOTS_MAX)
		refresh->slot[refresh->slot_count++] = (struct module_slot){start, end, module};
}

static void find_modules(struct refresh *refresh)
{
	uint32_t i = 0;
	while (i < refresh->region_count) {
		const struct region *region = &refresh->region[i];
		struct module module;
		if (region->path && read_module(refresh, region->start, &module) && is_loaded(refresh, i, &module)) {
			find_unwind_range(refresh, i, &module);
			clean_path((char *)(uintptr_t)region->path);
			add_slot(refresh, module.start, module.end, keep_module(&module, region->path));
			while (i < refresh->region_count && refresh->region[i].start < module.end)
				i++;
			continue;
		}
		if (region->executable)
			add_slot(refresh, region->start, region->end, NULL);
		i++;
	}
}

struct table_change {
	const struct module_table *before, *after;
};

/* Rules stay only for code of a module that is the same before and after. */
static bool is_rule_stale(uint64_t address, const void *data)
{
	const struct table_change *change = data;
	const struct module_slot *before = find_slot(change->before, address);
	const struct module_slot *after = find_slot(change->after, address);
	return !before || !after || !before->module || before->module != after->module;
}

/* Publishes what was found unless it is what is known. */
static bool publish(const struct refresh *refresh)
{
	const struct module_table *before = load_table();
	size_t size_bytes = refresh->slot_count * sizeof refresh->slot[0];
	if (before && before->count == refresh->slot_count && !memcmp(before->slot, refresh->slot, size_bytes))
		return true;
	struct module_table *after = arena_alloc(sizeof *after + size_bytes);
	if (!after)
		return false;
	after->count = refresh->slot_count;
	memcpy(after->slot, refresh->slot, size_bytes);
	atomic_store_explicit(&current_table, after, memory_order_release);
	if (before)
		unwind_rules_forget(is_rule_stale, &(struct table_change){before, after});
	return true;
}

static bool refresh_once(void)
{
	long memory = raw_syscall6(SYS_mmap, 0, sizeof(struct refresh), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory < 0 && memory > -4096)
		return false;
	struct refresh *refresh = (struct refresh *)memory;
	bool done = read_regions(refresh);
	if (done) {
		find_modules(refresh);
		done = publish(refresh);
	}
	raw_syscall2(SYS_munmap, memory, sizeof(struct refresh));
	return done;
}

bool module_map_refresh(void)
{
	bool done = false;
	if (atomic_load_explicit(&sealed, memory_order_relaxed))
		return false;
	atomic_fetch_add(&refresh_wanted, 1);
	for (;;) {
		if (atomic_exchange(&refreshing, 1))
			return done; /* whoever has it sees refresh_wanted when it ends */
		uint32_t wanted = atomic_load(&refresh_wanted);
		done = refresh_once();
		atomic_store(&refreshing, 0);
		if (!done || atomic_load(&refresh_wanted) == wanted)
			return done;
	}
}

static bool is_any_rule_stale(uint64_t address, const void *data)
{
	(void)address;
	(void)data;
	return true;
}

void module_map_invalidate(void)
{
	if (module_map_refresh() || module_map_is_busy())
		return;
	atomic_store_explicit(&current_table, NULL, memory_order_release);
	unwind_rules_forget(is_any_rule_stale, NULL);
}

void module_map_child(void)
{
	/* Set by a thread that vanished in the middle: it may have published a table without dropping rules. */
	if (atomic_exchange(&refreshing, 0))
		unwind_rules_forget(is_any_rule_stale, NULL);
}

void module_map_seal(void) { atomic_store_explicit(&sealed, true, memory_order_relaxed); }

bool module_map_is_sealed(void) { return atomic_load_explicit(&sealed, memory_order_relaxed); }

enum mapping_sharing module_map_sharing(uint64_t address)
{
	enum mapping_sharing sharing = MAPPING_UNKNOWN;
	struct maps_reader reader;
	struct maps_entry entry;
	if (atomic_load_explicit(&sealed, memory_order_relaxed) || !maps_reader_open(&reader))
		return sharing;
	while (sharing == MAPPING_UNKNOWN && maps_reader_next(&reader, &entry))
		if (entry.start <= address && address < entry.end)
			sharing = entry.shared ? MAPPING_SHARED : MAPPING_PRIVATE;
	maps_reader_close(&reader);
	return sharing;
}
