/* Hashes for the library's own tables, and of what it tells. */
#ifndef AFTERFORK_PRELOAD_HASH_H
#define AFTERFORK_PRELOAD_HASH_H

#include <stdint.h>

/* Of an object's address, in so many bits. */
static inline uint32_t hash_of_address(uint64_t address, unsigned bits)
{
	return (uint32_t)((address >> 3) * 0x9e3779b97f4a7c15u >> (64 - bits));
}

/* FNV-1a by words: mixes one in. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
static inline void hash_mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * 0x100000001b3u;
}

#endif
