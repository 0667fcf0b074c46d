#include "address_set.h"

#include "arena.h"

void *address_set_make(address_set_group *groups, unsigned sets_log2, size_t set_size_bytes,
                       const void *object)
{
	address_set_group *slot = address_set_group_of(groups, sets_log2, object);
	char *group = NULL;
	/* A loser's group stays unused. */
	if (!atomic_load_explicit(slot, memory_order_acquire))
		atomic_compare_exchange_strong(slot, &group,
		                               arena_alloc(set_size_bytes << ADDRESS_SET_GROUP_LOG2));
	return address_set_find(groups, sets_log2, set_size_bytes, object);
}
