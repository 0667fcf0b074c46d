#include "stuck_python.h"

#include <string.h>

#include "proc_memory.h"

enum {
	WORD = sizeof(uint64_t),
	HEADER_SIZE_BYTES = 2 * WORD,    /* an object's count of references, and its type */
	PARKED = 2,                      /* in the byte: somebody waits */
	COUNT_BITS = 24,                 /* a free block has an address there, or 0 */
	HIGH_BITS = 32,                  /* flags, since 3.14 */
	SEARCHED_SIZE_BYTES = 256 << 20, /* of the process's memory: tens of milliseconds */
	PART_WORDS = 32 << 10,           /* at once */
};

/* How many refer to the parent's lock; 0: it has none there, or one that cannot have been copied. */
static uint32_t parents_count(const struct stuck_object *lock)
{
	uint64_t ours[HEADER_SIZE_BYTES / WORD], parents[HEADER_SIZE_BYTES / WORD];

	if (!lock->is_known || !lock->is_known_of_parent)
		return 0;
	memcpy(ours, lock->bytes + STUCK_OBJECT_MIDDLE - HEADER_SIZE_BYTES, sizeof(ours));
	memcpy(parents, lock->parents + STUCK_OBJECT_MIDDLE - HEADER_SIZE_BYTES, sizeof(parents));
	uint32_t count = (uint32_t)parents[0];
	bool is_lock = ours[1] && ours[1] == parents[1] && count < (1U << COUNT_BITS) &&
	               ours[0] >> HIGH_BITS == parents[0] >> HIGH_BITS;
	return is_lock && !(lock->parents[STUCK_OBJECT_MIDDLE] & PARKED) ? count : 0;
}

static bool parent_has(const struct stuck_waiter *waiter, uint64_t address, uint64_t value)
{
	uint64_t word;

	return proc_memory_read(waiter->parent, address, &word, sizeof(word)) && word == value;
}

/* Places that refer to the object in both processes; wanted are so many at most. */
static uint32_t count_references(const struct stuck_waiter *waiter, const struct proc_map *map,
                                 uint64_t object, uint32_t wanted)
{
	static uint64_t words[PART_WORDS];
	uint32_t found = 0;

	for (uint64_t start = map->start; start < map->end && found < wanted; start += sizeof(words)) {
		size_t count = proc_memory_read_words(waiter->pid, start, map->end, words, PART_WORDS);

		if (!count)
			break;
		for (size_t i = 0; i < count; i++)
			found += words[i] == object && parent_has(waiter, start + i * WORD, object);
	}
	return found;
}

bool stuck_python_lock_was_there(const struct stuck_waiter *waiter, const struct stuck_object *lock)
{
	const struct proc_map *stack =
	    proc_maps_find(waiter->maps, waiter->source->registers[STACK_REGISTER_SP]);
	uint64_t left = SEARCHED_SIZE_BYTES;
	uint32_t wanted = parents_count(lock);

	for (size_t i = 0; i < waiter->maps->count && wanted; i++) {
		const struct proc_map *map = &waiter->maps->items[i];
		uint64_t size_bytes = map->end - map->start;

		if (!map->writable || !map->is_private || map == stack || size_bytes > left)
			continue;
		left -= size_bytes;
		uint32_t found = count_references(waiter, map, lock->address - HEADER_SIZE_BYTES, wanted);
		if (found >= wanted)
			return true;
		wanted -= found;
	}
	return false;
}
