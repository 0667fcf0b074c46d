#include "proc_maps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool append(struct proc_maps *maps, size_t *capacity, const struct proc_map *map)
{
	if (maps->count == *capacity) {
		size_t larger = *capacity ? 2 * *capacity : 64;
		struct proc_map *items = reallocarray(maps->items, larger, sizeof(*items));

		if (!items)
			return false;
		maps->items = items;
		*capacity = larger;
	}
	maps->items[maps->count++] = *map;
	return true;
}

/* One line, its end already replaced by NUL. */
static bool parse_line(char *line, struct proc_map *ret_map)
{
	char flags[8];
	int path = 0;
	struct proc_map map = {0};

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &map.start, &map.end, flags,
	           &map.file_offset, &path) != 4 ||
	    strlen(flags) < 4)
		return false;
	map.readable = flags[0] == 'r';
	map.writable = flags[1] == 'w';
	map.executable = flags[2] == 'x';
	map.is_private = flags[3] == 'p';
	map.path = line + (path ? (size_t)path : strlen(line));
	*ret_map = map;
	return true;
}

bool proc_maps_parse(const char *text, size_t size_bytes, struct proc_maps *ret_maps)
{
	struct proc_maps maps = {.text = malloc(size_bytes + 1), .paths = malloc(size_bytes + 1)};
	size_t capacity = 0;
	struct proc_map map;
	bool whole = maps.text && maps.paths;

	if (whole) {
		memcpy(maps.text, text, size_bytes);
		maps.text[size_bytes] = '\0';
		maps.text_size_bytes = size_bytes;
		memcpy(maps.paths, maps.text, size_bytes + 1);
	}
	for (char *line = maps.paths, *end; whole && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (parse_line(line, &map))
			whole = append(&maps, &capacity, &map);
	}
	if (!whole)
		proc_maps_release(&maps);
	*ret_maps = maps;
	return whole && maps.count > 0;
}

bool proc_maps_read(pid_t pid, struct proc_maps *ret_maps)
{
	char path[64], chunk[4096], *text = NULL;
	size_t size_bytes = 0, got;

	*ret_maps = (struct proc_maps){0};
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *file = fopen(path, "re");
	FILE *copy = file ? open_memstream(&text, &size_bytes) : NULL;
	while (copy && (got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		fwrite(chunk, 1, got, copy);
	bool whole = copy && !ferror(file);
	if (file)
		fclose(file);
	if (copy && fclose(copy) != 0)
		whole = false;
	whole = whole && proc_maps_parse(text, size_bytes, ret_maps);
	free(text);
	return whole;
}

const struct proc_map *proc_maps_find(const struct proc_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct proc_map *map = &maps->items[middle];

		if (address < map->start)
			high = middle;
		else if (address >= map->end)
			low = middle + 1;
		else
			return map;
	}
	return NULL;
}

bool proc_maps_have_requests(const struct proc_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (strstr(maps->items[i].path, "[io_uring]") || strstr(maps->items[i].path, "/[aio]"))
			return true;
	return false;
}

void proc_maps_release(struct proc_maps *maps)
{
	free(maps->items);
	free(maps->text);
	free(maps->paths);
	*maps = (struct proc_maps){0};
}

const char *proc_map_base_name(const struct proc_map *map)
{
	const char *slash = strrchr(map->path, '/');

	return slash ? slash + 1 : map->path;
}
