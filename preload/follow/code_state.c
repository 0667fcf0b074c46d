#include "code_state.h"

const struct code_value code_unknown = {.base = CODE_NO_BASE};

enum { WORD = 8 };

static uint64_t mask_of(unsigned size_bytes)
{
	return size_bytes >= WORD ? ~UINT64_C(0) : (UINT64_C(1) << 8 * size_bytes) - 1;
}

struct code_value code_value_add(struct code_value a, struct code_value b)
{
	if (a.known < WORD || b.known < WORD || (a.base != CODE_NO_BASE && b.base != CODE_NO_BASE))
		return code_unknown;
	struct code_value sum = a.base != CODE_NO_BASE ? a : b;
	sum.number = a.number + b.number;
	return sum;
}

struct code_value code_state_get(const struct code_state *state, unsigned reg, unsigned size_bytes)
{
	struct code_value value = state->reg[reg];
	if (value.base != CODE_NO_BASE)
		return size_bytes == WORD ? value : code_unknown;
	return value.known >= size_bytes ? code_number(value.number & mask_of(size_bytes), size_bytes)
	                                 : code_unknown;
}

/* Four bytes clear the upper half; fewer leave the rest as it is. */
void code_state_set(struct code_state *state, unsigned reg, unsigned size_bytes, struct code_value value)
{
	struct code_value *old = &state->reg[reg];
	if (size_bytes == WORD) {
		*old = value.base != CODE_NO_BASE || value.known == WORD ? value : code_unknown;
	} else if (!code_is_number(value, size_bytes)) {
		*old = code_unknown;
	} else if (size_bytes == 4) {
		*old = code_number(value.number & mask_of(4), WORD);
	} else {
		uint64_t mask = mask_of(size_bytes);
		bool merges = old->base == CODE_NO_BASE && old->known > size_bytes;
		uint64_t rest = merges ? old->number & ~mask : 0;
		*old = code_number(rest | (value.number & mask), merges ? old->known : size_bytes);
	}
}

bool code_state_push(struct code_state *state, struct code_value value)
{
	struct code_value *sp = &state->reg[CODE_RSP];
	sp->number -= WORD;
	return code_memory_store(state, *sp, WORD, value);
}

bool code_state_pop(struct code_state *state, struct code_value *ret_value)
{
	struct code_value *sp = &state->reg[CODE_RSP];
	if (!code_is_number(*sp, WORD))
		return false;
	*ret_value = code_memory_load(state, *sp, WORD);
	sp->number += WORD;
	return true;
}
