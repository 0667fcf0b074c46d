/* Where a table of sets, indexed by the addresses of objects, keeps one: neighbours lie side by side. A fork
 * pays for each page of the table that is in use, and a program's locks are mostly few and close together. */
#ifndef AFTERFORK_PRELOAD_ADDRESS_SET_H
#define AFTERFORK_PRELOAD_ADDRESS_SET_H

#include <stdint.h>

/* 0 .. 2^sets_log2 - 1. Every 32 bytes of 512 have a set of their own; which 16 sets, and which of them comes
 * first, is up to a hash, so that locks which lie far apart at equal distances do not meet. */
static inline uint32_t address_set_index(const void *object, unsigned sets_log2)
{
	enum { UNIT_LOG2 = 5, GROUP_LOG2 = 4, TURN_SHIFT = 32 };
	uint64_t unit = (uint64_t)(uintptr_t)object >> UNIT_LOG2;
	uint64_t hash = (unit >> GROUP_LOG2) * 0x9e3779b97f4a7c15u;
	uint64_t group = hash >> (64 - (sets_log2 - GROUP_LOG2));
	uint64_t place = (unit + (hash >> TURN_SHIFT)) & ((1u << GROUP_LOG2) - 1);
	return (uint32_t)(group << GROUP_LOG2 | place);
}

#endif
