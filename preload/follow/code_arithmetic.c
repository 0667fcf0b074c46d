#include "code_arithmetic.h"

enum { WORD = 8 };

uint64_t code_truncate(uint64_t number, unsigned size_bytes)
{
	return size_bytes == WORD ? number : number & ((UINT64_C(1) << 8 * size_bytes) - 1);
}

/* What carries over from an earlier instruction is not followed. */
struct code_value code_compute(struct code_state *state, enum code_operation operation, unsigned size_bytes,
                               struct code_value a, struct code_value b)
{
	uint64_t sign_bit = UINT64_C(1) << (8 * size_bytes - 1), result;
	state->flags_known = state->carry_known = false;
	if (!code_is_number(a, size_bytes) || !code_is_number(b, size_bytes) || operation == CODE_ADC ||
	    operation == CODE_SBB) {
		if (operation == CODE_SUB)
			b = b.base == CODE_NO_BASE ? code_number(-b.number, b.known) : code_unknown;
		return operation == CODE_ADD || operation == CODE_SUB ? code_value_add(a, b) : code_unknown;
	}
	a.number = code_truncate(a.number, size_bytes);
	b.number = code_truncate(b.number, size_bytes);
	switch (operation) {
	case CODE_ADD:
		result = code_truncate(a.number + b.number, size_bytes);
		break;
	case CODE_OR:
		result = a.number | b.number;
		break;
	case CODE_AND:
		result = a.number & b.number;
		break;
	case CODE_XOR:
		result = a.number ^ b.number;
		break;
	default:
		result = code_truncate(a.number - b.number, size_bytes);
	}
	bool subtracts = operation == CODE_SUB || operation == CODE_COMPARE;
	uint64_t differ = a.number ^ b.number;
	state->flags_known = state->carry_known = true;
	state->zero = result == 0;
	state->sign = result & sign_bit;
	state->carry = subtracts ? a.number < b.number : operation == CODE_ADD && result < a.number;
	state->overflow = (subtracts               ? differ
	                   : operation == CODE_ADD ? ~differ
	                                           : 0) &
	                  (a.number ^ result) & sign_bit;
	return code_number(result, size_bytes);
}

enum { SHIFT_LEFT = 4, SHIFT_RIGHT = 5, SHIFT_SIGNED = 7 };

struct code_value code_shift(unsigned which, unsigned size_bytes, struct code_value value,
                             struct code_value count)
{
	if (!code_is_number(value, size_bytes) || !code_is_number(count, 1))
		return code_unknown;
	unsigned by = count.number & (size_bytes == WORD ? 63 : 31), above = 64 - 8 * size_bytes;
	uint64_t number = code_truncate(value.number, size_bytes);
	switch (which) {
	case SHIFT_LEFT:
		return code_number(code_truncate(number << by, size_bytes), size_bytes);
	case SHIFT_RIGHT:
		return code_number(number >> by, size_bytes);
	case SHIFT_SIGNED:
		number = (uint64_t)((int64_t)(number << above) >> above >> by);
		return code_number(code_truncate(number, size_bytes), size_bytes);
	default:
		return code_unknown;
	}
}

bool code_multiply_wide(struct code_state *state, unsigned size_bytes, struct code_value value,
                        bool is_signed)
{
	struct code_value rax = code_state_get(state, CODE_RAX, size_bytes), low = code_unknown,
	                  high = code_unknown;
	if (code_is_number(rax, size_bytes) && code_is_number(value, size_bytes)) {
		unsigned above = 64 - 8 * size_bytes;
		int64_t a = (int64_t)(rax.number << above) >> above,
		        b = (int64_t)(value.number << above) >> above;
		unsigned __int128 product = is_signed
		                                ? (unsigned __int128)((__int128)a * b)
		                                : (unsigned __int128)code_truncate(rax.number, size_bytes) *
		                                      code_truncate(value.number, size_bytes);
		low = code_number(code_truncate((uint64_t)product, size_bytes), size_bytes);
		high =
		    code_number(code_truncate((uint64_t)(product >> 8 * size_bytes), size_bytes), size_bytes);
	}
	code_state_set(state, CODE_RAX, size_bytes, low);
	code_state_set(state, CODE_RDX, size_bytes, high);
	state->flags_known = state->carry_known = false;
	return true;
}

/* Which of the flags it asks for. */
static bool is_known(const struct code_state *state, unsigned code)
{
	switch (code >> 1) {
	case 1:
		return state->carry_known;
	case 3:
		return state->carry_known && state->flags_known;
	default:
		return state->flags_known;
	}
}

int code_condition(const struct code_state *state, unsigned code)
{
	bool less = state->sign != state->overflow, holds;
	if (!is_known(state, code))
		return -1;
	switch (code >> 1) {
	case 0:
		holds = state->overflow;
		break;
	case 1:
		holds = state->carry;
		break;
	case 2:
		holds = state->zero;
		break;
	case 3:
		holds = state->carry || state->zero;
		break;
	case 4:
		holds = state->sign;
		break;
	case 6:
		holds = less;
		break;
	case 7:
		holds = less || state->zero;
		break;
	default:
		return -1;
	}
	return holds != (code & 1);
}
