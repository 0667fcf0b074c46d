#include <stdlib.h>

#include "proc_memory.h"
#include "stack_reader.h"

void stack_source_copy_memory(pid_t pid, const struct proc_maps *maps, uint64_t start, size_t max_bytes,
                              struct stack_source *source)
{
	const struct proc_map *map = proc_maps_find(maps, start);

	if (!map)
		return;
	size_t size_bytes = map->end - start < max_bytes ? map->end - start : max_bytes;
	source->memory = malloc(size_bytes);
	source->memory_start = start;
	if (source->memory && proc_memory_read(pid, start, source->memory, size_bytes))
		source->memory_size_bytes = size_bytes;
}
