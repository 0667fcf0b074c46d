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

/* Reads other functions' frames, with what the unit tests' sanitizer put between their variables. */
__attribute__((no_sanitize_address)) void code_state_init(struct code_state *ret_state, uint64_t sp,
                                                          uint64_t high)
{
	uint64_t above = high - sp, room = CODE_STACK_BYTES - CODE_BELOW_BYTES;
	__builtin_memset(ret_state, 0, sizeof *ret_state);
	for (unsigned i = 0; i < CODE_REGISTERS; i++)
		ret_state->reg[i] = code_unknown;
	ret_state->stack_low = sp - CODE_BELOW_BYTES;
	ret_state->stack_size_bytes = CODE_BELOW_BYTES + (uint32_t)(above < room ? above : room);
	for (uint32_t i = CODE_BELOW_BYTES; i < ret_state->stack_size_bytes; i++) {
		ret_state->stack[i] = *(const uint8_t *)(uintptr_t)(ret_state->stack_low + i);
		ret_state->stack_known[i] = true;
	}
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

/* UINT32_MAX: not on the part of the stack that is looked at. */
static uint32_t place_of(const struct code_state *state, uint64_t address, unsigned size_bytes)
{
	uint64_t place = address - state->stack_low;
	return place < state->stack_size_bytes && place + size_bytes <= state->stack_size_bytes
	           ? (uint32_t)place
	           : UINT32_MAX;
}

struct code_value code_state_load(const struct code_state *state, struct code_value address,
                                  unsigned size_bytes)
{
	uint32_t place =
	    code_is_number(address, WORD) ? place_of(state, address.number, size_bytes) : UINT32_MAX;
	uint64_t number = 0;
	if (place == UINT32_MAX)
		return code_unknown;
	for (unsigned i = 0; i < CODE_SPILLS && size_bytes == WORD; i++) {
		if (state->spills[i].address == address.number)
			return state->spills[i].value;
	}
	for (unsigned i = 0; i < size_bytes; i++) {
		if (!state->stack_known[place + i])
			return code_unknown;
		number |= (uint64_t)state->stack[place + i] << 8 * i;
	}
	return code_number(number, size_bytes);
}

static void spill(struct code_state *state, uint64_t address, struct code_value value)
{
	for (unsigned i = 0; i < CODE_SPILLS; i++) {
		if (!state->spills[i].address) {
			state->spills[i].address = address;
			state->spills[i].value = value;
			return;
		}
	}
}

static bool overlaps(uint64_t low, unsigned size_bytes, uint64_t other_low, uint64_t other_high)
{
	return low < other_high && low + size_bytes > other_low;
}

bool code_state_is_near_stack(const struct code_state *state, uint64_t address, unsigned size_bytes)
{
	enum { AROUND_BYTES = 1 << 16 };
	return overlaps(address, size_bytes, state->stack_low - AROUND_BYTES,
	                state->stack_low + AROUND_BYTES);
}

static bool is_pointer(const struct code_pointers *pointers, uint64_t at, unsigned size_bytes)
{
	for (unsigned i = 0; i < pointers->count; i++) {
		if (overlaps(at, size_bytes, pointers->at[i], pointers->at[i] + WORD))
			return true;
	}
	return false;
}

bool code_state_note_pointer(struct code_state *state, uint64_t address)
{
	struct code_pointers *pointers = state->pointers;
	for (unsigned i = 0; i < pointers->count; i++) {
		if (pointers->at[i] == address)
			return true;
	}
	if (pointers->count == CODE_POINTERS)
		return false;
	pointers->at[pointers->count++] = address;
	return true;
}

bool code_state_store(struct code_state *state, struct code_value address, unsigned size_bytes,
                      struct code_value value)
{
	uint64_t at = address.number;
	if (!code_is_number(address, WORD) ||
	    overlaps(at, size_bytes, state->forbidden_low, state->forbidden_high) ||
	    is_pointer(state->pointers, at, size_bytes))
		return false;
	uint32_t place = place_of(state, at, size_bytes);
	if (place == UINT32_MAX)
		return !code_state_is_near_stack(state, at, size_bytes);
	bool known = code_is_number(value, size_bytes);
	for (unsigned i = 0; i < CODE_SPILLS; i++) {
		if (state->spills[i].address &&
		    overlaps(at, size_bytes, state->spills[i].address, state->spills[i].address + WORD))
			state->spills[i].address = 0;
	}
	for (unsigned i = 0; i < size_bytes; i++) {
		state->stack[place + i] = (uint8_t)(value.number >> 8 * i);
		state->stack_known[place + i] = known;
	}
	if (value.base != CODE_NO_BASE && size_bytes == WORD)
		spill(state, at, value);
	return true;
}

void code_state_forget_stack(struct code_state *state)
{
	__builtin_memset(state->stack_known, 0, sizeof state->stack_known);
	__builtin_memset(state->spills, 0, sizeof state->spills);
}

bool code_state_push(struct code_state *state, struct code_value value)
{
	struct code_value *sp = &state->reg[CODE_RSP];
	sp->number -= WORD;
	return code_state_store(state, *sp, WORD, value);
}

bool code_state_pop(struct code_state *state, struct code_value *ret_value)
{
	struct code_value *sp = &state->reg[CODE_RSP];
	if (!code_is_number(*sp, WORD))
		return false;
	*ret_value = code_state_load(state, *sp, WORD);
	sp->number += WORD;
	return true;
}
