/* The memory of another process as it becomes while its code is followed: what the code stored, over what the
 * process has (spin_memory.h). */
#ifndef AFTERFORK_ANALYZER_CODE_MEMORY_H
#define AFTERFORK_ANALYZER_CODE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "code_value.h"

enum { CODE_WORDS_MAX = 64 };

struct spin_memory;

struct code_memory {
	struct spin_memory *below;
	struct code_word {
		uint64_t address; /* a multiple of 8 */
		unsigned char bytes[8];
		uint8_t known; /* bit i: bytes[i] is */
	} words[CODE_WORDS_MAX];
	unsigned count;
};

/* Leaves in *into what both say, and unknown the rest. True where it knew more before. */
bool code_memory_join(struct code_memory *into, const struct code_memory *from);

#endif
