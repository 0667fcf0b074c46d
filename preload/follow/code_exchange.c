#include "code_exchange.h"

#include "code_arithmetic.h"
#include "code_operand.h"

enum { WORD = 8 };

bool code_exchange_is_one(const struct instruction *insn)
{
	uint8_t opcode = insn->opcode;
	if (!insn->two_bytes)
		return opcode == 0x86 || opcode == 0x87 || (opcode > 0x90 && opcode < 0x98) ||
		       (opcode == 0x90 && (insn->rex & 1));
	switch (opcode) {
	case 0xa3:
	case 0xab:
	case 0xb3:
	case 0xba:
	case 0xbb:
		return !insn->repeats;
	case 0xb0:
	case 0xb1:
	case 0xc0:
	case 0xc1:
		return true;
	default:
		return false;
	}
}

static bool exchange_with_rax(struct code_state *state, const struct instruction *insn)
{
	uint8_t other = (uint8_t)((insn->opcode & 7) | (insn->rex & 1) << 3);
	unsigned size = insn->size_bytes;
	struct code_value rax = code_state_get(state, CODE_RAX, size);
	code_state_set(state, CODE_RAX, size, code_state_get(state, other, size));
	return code_operand_write_reg(state, insn, other, size, rax);
}

static bool exchange(struct code_state *state, const struct instruction *insn, unsigned size)
{
	struct code_value reg = code_operand_read_reg(state, insn, size),
	                  rm = code_operand_read(state, insn, size);
	return code_operand_write(state, insn, size, reg) &&
	       code_operand_write_reg(state, insn, insn->reg, size, rm);
}

static bool exchange_and_add(struct code_state *state, const struct instruction *insn, unsigned size)
{
	struct code_value reg = code_operand_read_reg(state, insn, size),
	                  rm = code_operand_read(state, insn, size);
	struct code_value sum = code_compute(state, CODE_ADD, size, rm, reg);
	return code_operand_write_reg(state, insn, insn->reg, size, rm) &&
	       code_operand_write(state, insn, size, sum);
}

/* Of registers alone it is not met, and their upper halves are a matter of their own. */
static bool compare_and_exchange(struct code_state *state, const struct instruction *insn, unsigned size)
{
	struct code_value rm = code_operand_read(state, insn, size),
	                  reg = code_operand_read_reg(state, insn, size),
	                  rax = code_state_get(state, CODE_RAX, size);
	code_compute(state, CODE_COMPARE, size, rax, rm);
	if (insn->mod == 3)
		return false;
	if (!state->flags_known) {
		code_state_set(state, CODE_RAX, size, code_unknown);
		return code_operand_write(state, insn, size, code_unknown);
	}
	if (state->zero)
		return code_operand_write(state, insn, size, reg);
	code_state_set(state, CODE_RAX, size, rm);
	return code_operand_write(state, insn, size, rm);
}

enum { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

/* A number in a register may be of a bit far away: not where the operand is memory. */
static bool step_bit(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->size_bytes, which = insn->opcode >> 3 & 3;
	bool is_immediate = insn->opcode == 0xba;
	code_instruction_take_modrm(state, insn, is_immediate);
	if (is_immediate)
		which = insn->reg & 3;
	if (is_immediate ? (insn->reg & 4) == 0 : insn->mod != 3)
		return false;
	struct code_value number = is_immediate ? code_number(code_instruction_take(insn, 1), 1)
	                                        : code_operand_read_reg(state, insn, size),
	                  value = code_operand_read(state, insn, size);
	bool known = code_is_number(number, 1) && code_is_number(value, size);
	uint64_t bit = UINT64_C(1) << (number.number & (8 * size - 1)), result = value.number;
	state->flags_known = false;
	state->carry_known = known;
	state->carry = value.number & bit;
	if (which == BIT_TEST)
		return true;
	result = which == BIT_SET ? result | bit : which == BIT_RESET ? result & ~bit : result ^ bit;
	return code_operand_write(state, insn, size, known ? code_number(result, size) : code_unknown);
}

bool code_exchange_step(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->opcode & 1 ? insn->size_bytes : 1;
	if (!insn->two_bytes && insn->opcode >= 0x90)
		return exchange_with_rax(state, insn);
	if (insn->two_bytes && insn->opcode != 0xb0 && insn->opcode != 0xb1 && (insn->opcode & 0xf0) != 0xc0)
		return step_bit(state, insn);
	code_instruction_take_modrm(state, insn, 0);
	if (!insn->two_bytes)
		return exchange(state, insn, size);
	return (insn->opcode & 0xf0) == 0xc0 ? exchange_and_add(state, insn, size)
	                                     : compare_and_exchange(state, insn, size);
}
