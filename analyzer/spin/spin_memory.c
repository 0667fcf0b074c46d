#include "spin_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD = 8 };

static int open_of(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool spin_memory_open(pid_t pid, uint64_t stack, uint64_t thread, struct spin_memory *ret_memory)
{
	struct spin_memory memory = {
	    .stack = stack, .thread = thread, .pages = calloc(SPIN_PAGES_MAX, sizeof(*memory.pages))};

	if (!memory.pages)
		return false;
	memory.memory_fd = open_of(pid, "mem");
	memory.pagemap_fd = open_of(pid, "pagemap");
	if (memory.memory_fd < 0 || memory.pagemap_fd < 0 || !proc_maps_read(pid, &memory.maps) ||
	    proc_maps_have_requests(&memory.maps)) {
		spin_memory_close(&memory);
		return false;
	}
	*ret_memory = memory;
	return true;
}

void spin_memory_close(struct spin_memory *memory)
{
	if (memory->pages) {
		if (memory->memory_fd >= 0)
			close(memory->memory_fd);
		if (memory->pagemap_fd >= 0)
			close(memory->pagemap_fd);
	}
	free(memory->pages);
	proc_maps_release(&memory->maps);
	*memory = (struct spin_memory){0};
}

static bool overlaps(const struct spin_range *range, uint64_t address, size_t size_bytes)
{
	return address < range->address + range->size_bytes && range->address < address + size_bytes;
}

static bool map_allows(const struct proc_map *map, enum spin_access access)
{
	switch (access) {
	case SPIN_WRITE:
		return map->writable && map->is_private && !map->executable;
	case SPIN_RUN:
		return map->executable && map->is_private;
	default:
		return map->readable;
	}
}

bool spin_memory_may(const struct spin_memory *memory, uint64_t address, size_t size_bytes,
                     enum spin_access access)
{
	if (access == SPIN_WRITE && overlaps(&memory->changing, address, size_bytes))
		return false;
	/* What goes over an edge of two mappings: code that somebody changed is in pieces. */
	for (size_t done = 0; done < size_bytes;) {
		const struct proc_map *map = proc_maps_find(&memory->maps, address + done);

		if (!map || !map_allows(map, access))
			return false;
		done += map->end - (address + done);
	}
	return true;
}

/* A page of a file that the process has not written to is still the file's, which others may change. */
static bool is_own_copy(const struct spin_memory *memory, uint64_t page)
{
	const uint64_t is_of_file = UINT64_C(1) << 61, is_there = UINT64_C(3) << 62;
	uint64_t entry;

	return pread(memory->pagemap_fd, &entry, sizeof(entry),
	             (off_t)(page / SPIN_PAGE_BYTES * sizeof(entry))) == sizeof(entry) &&
	       (entry & is_there) && !(entry & is_of_file);
}

/* Nobody writes into a program, or a library, that runs. */
static bool is_constant(const struct spin_memory *memory, const struct proc_map *map)
{
	for (size_t i = 0; i < memory->maps.count && !map->writable; i++)
		if (memory->maps.items[i].executable && strcmp(memory->maps.items[i].path, map->path) == 0)
			return true;
	return false;
}

/* The kernel keeps the time in pages that look like others. */
static bool is_known(const struct spin_memory *memory, uint64_t page)
{
	const struct proc_map *map = proc_maps_find(&memory->maps, page);

	if (!map || !map->is_private || strncmp(map->path, "[vvar", 5) == 0 ||
	    strcmp(map->path, "[timens]") == 0)
		return false;
	bool is_file = map->path[0] && map->path[0] != '[';
	return !is_file || is_constant(memory, map) || is_own_copy(memory, page);
}

static const struct spin_page *page_of(struct spin_memory *memory, uint64_t address)
{
	uint64_t start = address & -(uint64_t)SPIN_PAGE_BYTES;

	for (unsigned i = 0; i < memory->page_count; i++)
		if (memory->pages[i].address == start)
			return &memory->pages[i];
	struct spin_page *page = &memory->pages[memory->page_count];

	if (memory->page_count == SPIN_PAGES_MAX) {
		memory->is_lost = true;
		return NULL;
	}
	page->address = start;
	page->is_known = is_known(memory, start) && pread(memory->memory_fd, page->bytes, SPIN_PAGE_BYTES,
	                                                  (off_t)start) == SPIN_PAGE_BYTES;
	memory->page_count++;
	return page;
}

void spin_memory_read(struct spin_memory *memory, uint64_t address, unsigned char ret_bytes[8],
                      uint8_t *ret_known)
{
	const struct spin_page *page = page_of(memory, address);

	*ret_known = 0;
	memset(ret_bytes, 0, WORD);
	if (!page || !page->is_known)
		return;
	for (unsigned i = 0; i < WORD; i++) {
		if (overlaps(&memory->changing, address + i, 1) || overlaps(&memory->hidden, address + i, 1))
			continue;
		ret_bytes[i] = page->bytes[address % SPIN_PAGE_BYTES + i];
		*ret_known |= (uint8_t)(1u << i);
	}
}

bool spin_memory_copy(struct spin_memory *memory, uint64_t address, void *ret_bytes, size_t size_bytes)
{
	for (size_t done = 0, part; done < size_bytes; done += part) {
		const struct spin_page *page = page_of(memory, address + done);
		size_t offset = (address + done) % SPIN_PAGE_BYTES;

		part = SPIN_PAGE_BYTES - offset;
		if (part > size_bytes - done)
			part = size_bytes - done;
		if (!page || !page->is_known)
			return false;
		memcpy((unsigned char *)ret_bytes + done, page->bytes + offset, part);
	}
	return true;
}

/* A vanished thread had no business there. */
static bool is_of_thread(const struct spin_memory *memory, const struct proc_map *map, uint64_t address)
{
	return (memory->stack >= map->start && memory->stack < map->end) ||
	       address - memory->thread < SPIN_PAGE_BYTES;
}

void spin_memory_note_load(struct spin_memory *memory, uint64_t address, unsigned size_bytes)
{
	const struct proc_map *map = proc_maps_find(&memory->maps, address);

	if (!map || !map->writable || is_of_thread(memory, map, address) ||
	    memory->load_count == SPIN_LOADS_MAX)
		return;
	for (unsigned i = 0; i < memory->load_count; i++)
		if (memory->loads[i].address == address)
			return;
	memory->loads[memory->load_count++] = (struct spin_range){address, size_bytes};
}

void spin_memory_note_store(struct spin_memory *memory, uint64_t address, unsigned size_bytes)
{
	memory->hidden_is_stored_to |= overlaps(&memory->hidden, address, size_bytes);
}
