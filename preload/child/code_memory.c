#include "code_memory.h"

#include "code_state.h"
#include "own_memory.h"

enum { WORD = 8 };

/* Reads other functions' frames, with what the unit tests' sanitizer put between their variables. */
__attribute__((no_sanitize_address)) void code_memory_init(struct code_state *ret_state, uint64_t sp,
                                                           uint64_t high)
{
	uint64_t above = high - sp, room = CODE_STACK_BYTES - CODE_BELOW_BYTES;
	__builtin_memset(ret_state, 0, sizeof *ret_state);
	for (unsigned i = 0; i < CODE_REGISTERS; i++)
		ret_state->reg[i] = code_unknown;
	ret_state->fs = code_unknown;
	ret_state->memory.stack_low = sp - CODE_BELOW_BYTES;
	ret_state->memory.stack_size_bytes = CODE_BELOW_BYTES + (uint32_t)(above < room ? above : room);
	for (uint32_t i = CODE_BELOW_BYTES; i < ret_state->memory.stack_size_bytes; i++) {
		ret_state->memory.stack[i] = *(const uint8_t *)(uintptr_t)(ret_state->memory.stack_low + i);
		ret_state->memory.stack_known[i] = true;
	}
}

/* UINT32_MAX: not on the part of the stack that is looked at. */
static uint32_t place_of(const struct code_state *state, uint64_t address, unsigned size_bytes)
{
	uint64_t place = address - state->memory.stack_low;
	return place < state->memory.stack_size_bytes && place + size_bytes <= state->memory.stack_size_bytes
	           ? (uint32_t)place
	           : UINT32_MAX;
}

struct code_value code_memory_load(const struct code_state *state, struct code_value address,
                                   unsigned size_bytes)
{
	uint32_t place =
	    code_is_number(address, WORD) ? place_of(state, address.number, size_bytes) : UINT32_MAX;
	uint64_t number = 0;
	if (place == UINT32_MAX)
		return code_unknown;
	for (unsigned i = 0; i < CODE_SPILLS && size_bytes == WORD; i++) {
		if (state->memory.spills[i].address == address.number)
			return state->memory.spills[i].value;
	}
	for (unsigned i = 0; i < size_bytes; i++) {
		if (!state->memory.stack_known[place + i])
			return code_unknown;
		number |= (uint64_t)state->memory.stack[place + i] << 8 * i;
	}
	return code_number(number, size_bytes);
}

static void spill(struct code_state *state, uint64_t address, struct code_value value)
{
	for (unsigned i = 0; i < CODE_SPILLS; i++) {
		if (!state->memory.spills[i].address) {
			state->memory.spills[i].address = address;
			state->memory.spills[i].value = value;
			return;
		}
	}
}

static bool overlaps(uint64_t low, unsigned size_bytes, uint64_t other_low, uint64_t other_high)
{
	return low < other_high && low + size_bytes > other_low;
}

static bool is_near_stack(const struct code_state *state, uint64_t address, unsigned size_bytes)
{
	enum { AROUND_BYTES = 1 << 16 };
	return overlaps(address, size_bytes, state->memory.stack_low - AROUND_BYTES,
	                state->memory.stack_low + AROUND_BYTES);
}

static bool is_pointer(const struct code_pointers *pointers, uint64_t at, unsigned size_bytes)
{
	for (unsigned i = 0; i < pointers->count; i++) {
		if (overlaps(at, size_bytes, pointers->at[i], pointers->at[i] + WORD))
			return true;
	}
	return false;
}

static bool note_pointer(struct code_state *state, uint64_t address)
{
	struct code_pointers *pointers = state->memory.pointers;
	for (unsigned i = 0; i < pointers->count; i++) {
		if (pointers->at[i] == address)
			return true;
	}
	if (pointers->count == CODE_POINTERS)
		return false;
	pointers->at[pointers->count++] = address;
	return true;
}

bool code_memory_store(struct code_state *state, struct code_value address, unsigned size_bytes,
                       struct code_value value)
{
	uint64_t at = address.number;
	if (!code_is_number(address, WORD) ||
	    overlaps(at, size_bytes, state->memory.forbidden_low, state->memory.forbidden_high) ||
	    is_pointer(state->memory.pointers, at, size_bytes))
		return false;
	uint32_t place = place_of(state, at, size_bytes);
	if (place == UINT32_MAX)
		return !is_near_stack(state, at, size_bytes);
	bool known = code_is_number(value, size_bytes);
	for (unsigned i = 0; i < CODE_SPILLS; i++) {
		if (state->memory.spills[i].address &&
		    overlaps(at, size_bytes, state->memory.spills[i].address,
		             state->memory.spills[i].address + WORD))
			state->memory.spills[i].address = 0;
	}
	for (unsigned i = 0; i < size_bytes; i++) {
		state->memory.stack[place + i] = (uint8_t)(value.number >> 8 * i);
		state->memory.stack_known[place + i] = known;
	}
	if (value.base != CODE_NO_BASE && size_bytes == WORD)
		spill(state, at, value);
	return true;
}

void code_memory_forget_stack(struct code_state *state)
{
	__builtin_memset(state->memory.stack_known, 0, sizeof state->memory.stack_known);
	__builtin_memset(state->memory.spills, 0, sizeof state->memory.spills);
}

/* One that the loader filled in, or that nothing on any of the ways changes. One on the stack is a variable
 * of the program. */
bool code_memory_take_pointer(struct code_state *state, uint64_t address, uint64_t *ret_target)
{
	return !is_near_stack(state, address, WORD) && note_pointer(state, address) &&
	       own_memory_is_private(address) && own_memory_read(address, ret_target, sizeof *ret_target);
}

bool code_memory_read_code(const struct code_state *state, uint64_t pc, void *ret_bytes, size_t size_bytes)
{
	(void)state;
	return own_memory_read(pc, ret_bytes, size_bytes);
}
