/* The checksum of a trace record: FNV-1a, 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
#ifndef AFTERFORK_TRACE_CHECKSUM_H
#define AFTERFORK_TRACE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t trace_checksum(const void *data, size_t size_bytes)
{
	const uint8_t *byte = data;
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < size_bytes; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return hash;
}

#endif
