#ifndef AFTERFORK_ARRAY_GROW_H
#define AFTERFORK_ARRAY_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Room for one more item behind `count` of them. False when out of memory: nothing has changed then. */
static inline bool array_grow(void **items, size_t *capacity, size_t count, size_t item_size_bytes)
{
	if (count < *capacity)
		return true;
	size_t larger = *capacity ? 2 * *capacity : 16;
	void *grown = reallocarray(*items, larger, item_size_bytes);
	if (!grown)
		return false;
	*items = grown;
	*capacity = larger;
	return true;
}

#endif
