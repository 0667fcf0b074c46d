#include "stuck_object.h"

#include <stddef.h>
#include <string.h>

#include "proc_memory.h"

void stuck_object_read(pid_t pid, pid_t parent, uint64_t address, struct stuck_object *ret_object)
{
	uint64_t start = address - STUCK_OBJECT_MIDDLE;

	ret_object->address = address;
	ret_object->is_known = proc_memory_read(pid, start, ret_object->bytes, sizeof(ret_object->bytes));
	ret_object->is_known_of_parent =
	    parent && proc_memory_read(parent, start, ret_object->parents, sizeof(ret_object->parents));
}

/* In the file's mapping, or in the anonymous one that follows it (.bss). */
const struct proc_map *stuck_object_module_data(const struct proc_maps *maps, uint64_t address)
{
	const struct proc_map *map = proc_maps_find(maps, address);

	if (!map || map->path[0] == '/')
		return map;
	if (map->path[0] || map == maps->items || map[-1].end != map->start || !map[-1].writable ||
	    !map[-1].is_private)
		return NULL;
	return map[-1].path[0] == '/' ? &map[-1] : NULL;
}

bool stuck_object_was_there_at_fork(const struct stuck_object *object, const struct proc_maps *maps,
                                    uint64_t sp)
{
	enum { WORD = sizeof(uint64_t), EQUAL_MIN = 2 };
	const struct proc_map *stack = proc_maps_find(maps, sp);
	unsigned equal = 0;

	if (stuck_object_module_data(maps, object->address))
		return true;
	if (!object->is_known || !object->is_known_of_parent ||
	    (stack && object->address >= stack->start && object->address < stack->end))
		return false;
	for (size_t at = 0; at < STUCK_OBJECT_SIZE_BYTES; at += WORD) {
		uint64_t ours, parents;

		memcpy(&ours, object->bytes + at, WORD);
		memcpy(&parents, object->parents + at, WORD);
		equal += at != STUCK_OBJECT_MIDDLE && ours && ours == parents;
	}
	return equal >= EQUAL_MIN;
}
