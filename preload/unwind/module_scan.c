#include "module_scan.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "maps_reader.h"
#include "raw_syscall.h"

#define PAGE_SIZE_BYTES UINT64_C(4096)

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

static bool read_headers(struct module_scan *scan, uint64_t start)
{
	Elf64_Ehdr *header = &scan->elf_header;
	return read_memory(start, header, sizeof *header) && !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_machine == EM_X86_64 &&
	       header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum &&
	       header->e_phnum <= MODULE_SCAN_PROGRAM_HEADERS_MAX && header->e_phoff < PAGE_SIZE_BYTES &&
	       read_memory(start + header->e_phoff, scan->program_header,
	                   header->e_phnum * sizeof(Elf64_Phdr));
}

static void read_build_id(struct module_scan *scan, const Elf64_Phdr *segment, struct module *module)
{
	uint64_t size_bytes =
	    segment->p_memsz < MODULE_SCAN_NOTES_SIZE_BYTES ? segment->p_memsz : MODULE_SCAN_NOTES_SIZE_BYTES;
	if (!read_memory(module->bias + segment->p_vaddr, scan->notes, size_bytes))
		return;
	for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= size_bytes;) {
		Elf64_Nhdr note;
		memcpy(&note, scan->notes + at, sizeof note);
		uint64_t name = at + sizeof note,
		         bytes = name + ((note.n_namesz + UINT64_C(3)) & ~UINT64_C(3));
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    bytes + note.n_descsz <= size_bytes && !memcmp(scan->notes + name, "GNU", 4) &&
		    note.n_descsz <= sizeof module->build_id) {
			memcpy(module->build_id, scan->notes + bytes, note.n_descsz);
			module->build_id_size = note.n_descsz;
			return;
		}
		at = bytes + ((note.n_descsz + UINT64_C(3)) & ~UINT64_C(3));
	}
}

/* Everything that the program headers tell. */
static bool read_module(struct module_scan *scan, uint64_t start, struct module *ret_module)
{
	if (!read_headers(scan, start))
		return false;
	uint32_t count = scan->elf_header.e_phnum;
	*ret_module = (struct module){.start = start, .exec_start = UINT64_MAX};
	uint64_t low = UINT64_MAX, high = 0;
	for (const Elf64_Phdr *ph = scan->program_header; ph < scan->program_header + count; ph++) {
		uint64_t end = ph->p_vaddr + ph->p_memsz;
		if (ph->p_type != PT_LOAD || end < ph->p_vaddr || end > MODULE_SCAN_ADDRESS_END)
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
	for (const Elf64_Phdr *ph = scan->program_header; ph < scan->program_header + count; ph++) {
		if (ph->p_type == PT_GNU_EH_FRAME) {
			ret_module->eh_frame_hdr = ret_module->bias + ph->p_vaddr;
			ret_module->eh_frame_hdr_size = ph->p_memsz;
		} else if (ph->p_type == PT_NOTE && !ret_module->build_id_size) {
			read_build_id(scan, ph, ret_module);
		}
	}
	return true;
}

/* Device memory must not be read even where the kernel would not refuse it. */
static bool may_start_module(const struct maps_entry *entry)
{
	if (!entry->readable || entry->file_offset)
		return false;
	if (!strcmp(entry->path, "[vdso]"))
		return true;
	return entry->path[0] == '/' &&
	       (strncmp(entry->path, "/dev/", 5) || !strncmp(entry->path, "/dev/shm/", 9));
}

/* Keeps file mappings and executable ones: all that modules are made of. */
bool module_scan_read(struct module_scan *scan)
{
	struct maps_reader reader;
	struct maps_entry entry;
	if (!maps_reader_open(&reader))
		return false;
	while (scan->region_count < MODULE_SCAN_REGIONS_MAX && maps_reader_next(&reader, &entry)) {
		if (entry.start >= MODULE_SCAN_ADDRESS_END || !(entry.executable || entry.inode))
			continue;
		struct module_scan_region *region = &scan->region[scan->region_count++];
		*region = (struct module_scan_region){entry.start, entry.end,      entry.inode,
		                                      NULL,        entry.readable, entry.executable};
		uint32_t size_bytes = (uint32_t)strlen(entry.path) + 1;
		if (may_start_module(&entry) &&
		    scan->paths_size_bytes + size_bytes <= MODULE_SCAN_PATHS_SIZE_BYTES) {
			char *path = scan->paths + scan->paths_size_bytes;
			memcpy(path, entry.path, size_bytes);
			scan->paths_size_bytes += size_bytes;
			region->path = path;
		}
	}
	maps_reader_close(&reader);
	return true;
}

/* An ELF file may be mapped as mere data (debuggers do): it is a module only if its code is mapped executable
 * where its headers say, by the same file or, where a program moved its code to huge pages, by none. */
static bool is_loaded(const struct module_scan *scan, uint32_t first, const struct module *module)
{
	bool code_found = false, strangers = false, anonymous = false;
	for (uint32_t i = first; i < scan->region_count && scan->region[i].start < module->end; i++) {
		const struct module_scan_region *region = &scan->region[i];
		bool own = region->inode == scan->region[first].inode;
		strangers |= !own && region->inode;
		if (!region->executable || region->start >= module->exec_end ||
		    region->end <= module->exec_start)
			continue;
		code_found |= own || !region->inode;
		anonymous |= !own;
	}
	return code_found && !(anonymous && strangers);
}

/* The run of adjoining readable mappings around .eh_frame_hdr. */
static void find_unwind_range(const struct module_scan *scan, uint32_t first, struct module *module)
{
	uint64_t start = 0, end = 0;
	for (uint32_t i = first; i < scan->region_count && scan->region[i].start < module->end; i++) {
		const struct module_scan_region *region = &scan->region[i];
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

bool module_scan_next(struct module_scan *scan, struct module *ret_module)
{
	for (; scan->next < scan->region_count; scan->next++) {
		const struct module_scan_region *region = &scan->region[scan->next];
		if (region->path && read_module(scan, region->start, ret_module) &&
		    is_loaded(scan, scan->next, ret_module)) {
			find_unwind_range(scan, scan->next, ret_module);
			clean_path(region->path);
			ret_module->path = region->path;
			while (scan->next < scan->region_count &&
			       scan->region[scan->next].start < ret_module->end)
				scan->next++;
			return true;
		}
		if (region->executable) {
			*ret_module = (struct module){.start = region->start, .end = region->end};
			scan->next++;
			return true;
		}
	}
	return false;
}
