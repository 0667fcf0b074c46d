/* The hash FNV-1a, 64 bits: short, and the same on every machine. */
#ifndef AFTERFORK_FNV_H
#define AFTERFORK_FNV_H

#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

/* Mixes in one value: a byte, as the definition has it, or a whole word. */
static inline void fnv_mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * UINT64_C(0x100000001b3);
}

#endif
