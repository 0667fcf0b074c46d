#include "proc_libc.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc_memory.h"

enum { PROGRAM_HEADERS_MAX = 32 };

struct map_line {
	uint64_t start, end, file_offset;
	char flags[8];
	const char *path; /* in the line; "" for anonymous memory */
};

static bool parse(char *line, struct map_line *ret_map)
{
	int path = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &ret_map->start, &ret_map->end,
	           ret_map->flags, &ret_map->file_offset, &path) != 4 ||
	    path == 0)
		return false;
	ret_map->path = line + path;
	return true;
}

static bool is_libc_file(const char *path)
{
	static const char *const names[] = {
	    "libc.so", "libc-2.",  "ld-linux", "ld-2.",        "libpthread.so", "libpthread-2", "librt.so",
	    "librt-2", "libdl.so", "libdl-2",  "libresolv.so", "libresolv-2",   "libnss_",      "libutil.so"};
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; slash && i < sizeof names / sizeof names[0]; i++)
		if (strncmp(slash + 1, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* One past the last byte that the file at `base` takes in memory; 0: not known. Its zero-initialised data is
 * anonymous memory behind the file's own mappings, and other memory may follow without a gap. */
static uint64_t end_of_image(pid_t pid, uint64_t base)
{
	Elf64_Ehdr header;
	Elf64_Phdr parts[PROGRAM_HEADERS_MAX];
	uint64_t end = 0;

	if (!proc_memory_read(pid, base, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(parts[0]) ||
	    header.e_phnum > PROGRAM_HEADERS_MAX ||
	    !proc_memory_read(pid, base + header.e_phoff, parts, header.e_phnum * sizeof(parts[0])))
		return 0;
	for (unsigned i = 0; i < header.e_phnum; i++)
		if (parts[i].p_type == PT_LOAD && base + parts[i].p_vaddr + parts[i].p_memsz > end)
			end = base + parts[i].p_vaddr + parts[i].p_memsz;
	return end;
}

bool proc_libc_owns(pid_t pid, uint64_t address)
{
	char name[64], *line = NULL;
	size_t size_bytes = 0;
	uint64_t base = 0; /* of the last file below the address, if it is libc's */
	struct map_line map = {0};
	bool found = false;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(name, "re");
	if (!maps)
		return false;
	while (!found && getline(&line, &size_bytes, maps) > 0) {
		if (!parse(line, &map))
			break;
		if (map.path[0] && !is_libc_file(map.path))
			base = 0;
		else if (map.path[0] && map.file_offset == 0)
			base = map.start;
		found = address >= map.start && address < map.end;
	}
	bool is_private_data = found && map.flags[1] == 'w' && map.flags[3] == 'p';
	free(line);
	fclose(maps);
	return is_private_data && base && address < end_of_image(pid, base);
}
