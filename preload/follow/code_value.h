/* What is known of a number while code is followed. */
#ifndef AFTERFORK_CODE_VALUE_H
#define AFTERFORK_CODE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

enum { CODE_NO_BASE = 0xff };

struct code_value {
	uint64_t number;
	uint8_t known; /* so many low bytes: 0, 1, 2, 4, 8 */
	uint8_t base;  /* number is added to what this held at the start; CODE_NO_BASE: number is all */
};

extern const struct code_value code_unknown;

static inline struct code_value code_number(uint64_t number, unsigned known)
{
	return (struct code_value){.number = number, .known = (uint8_t)known, .base = CODE_NO_BASE};
}
static inline bool code_is_number(struct code_value value, unsigned size_bytes)
{
	return value.base == CODE_NO_BASE && value.known >= size_bytes;
}

/* Unknown where neither is a plain number. */
struct code_value code_value_add(struct code_value a, struct code_value b);

#endif
