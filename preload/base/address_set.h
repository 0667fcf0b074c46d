/* A table of sets, indexed by the addresses of objects: neighbours lie side by side. A fork pays for each
 * page and each page of page tables that is in use, and a program's locks are mostly few and close together:
 * the sets come in groups, which are made when they are first used.
 *
 * Thread-safe, lock-free, async-signal-safe. */
#ifndef AFTERFORK_PRELOAD_ADDRESS_SET_H
#define AFTERFORK_PRELOAD_ADDRESS_SET_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { ADDRESS_SET_GROUP_LOG2 = 4 }; /* sets of a group */
/* Declares what a table of 2^sets_log2 sets begins with. */
#define ADDRESS_SET_GROUPS(sets_log2) (1 << ((sets_log2)-ADDRESS_SET_GROUP_LOG2))
typedef _Atomic(char *) address_set_group;

/* Every 32 bytes of 512 have a set of their own; which group, and which set of it comes first, is up to a
 * hash, so that locks which lie far apart at equal distances do not meet. */
static inline uint64_t address_set_hash(const void *object)
{
	enum { UNIT_AND_GROUP_LOG2 = 5 + ADDRESS_SET_GROUP_LOG2 };
	return ((uint64_t)(uintptr_t)object >> UNIT_AND_GROUP_LOG2) * 0x9e3779b97f4a7c15u;
}
static inline address_set_group *address_set_group_of(address_set_group *groups, unsigned sets_log2,
                                                      const void *object)
{
	return &groups[address_set_hash(object) >> (64 - (sets_log2 - ADDRESS_SET_GROUP_LOG2))];
}

/* The object's set, of set_size_bytes, in a group that is there. NULL: nothing was kept in it yet. */
static inline void *address_set_find(address_set_group *groups, unsigned sets_log2, size_t set_size_bytes,
                                     const void *object)
{
	enum { UNIT_LOG2 = 5, TURN_SHIFT = 32 };
	char *group =
	    atomic_load_explicit(address_set_group_of(groups, sets_log2, object), memory_order_acquire);
	uint64_t turn = address_set_hash(object) >> TURN_SHIFT;
	uint64_t place =
	    (((uint64_t)(uintptr_t)object >> UNIT_LOG2) + turn) & ((1u << ADDRESS_SET_GROUP_LOG2) - 1);
	return group ? group + place * set_size_bytes : NULL;
}
/* The same; makes the group. NULL: no memory. */
void *address_set_make(address_set_group *groups, unsigned sets_log2, size_t set_size_bytes,
                       const void *object);

#endif
