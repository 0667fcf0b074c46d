#include "code_integer.h"

#include "code_arithmetic.h"
#include "code_operand.h"

enum { WORD = 8 };

static bool is_same_register(const struct instruction *insn)
{
	return insn->mod == 3 && insn->reg == insn->rm;
}

bool code_integer_arithmetic(struct code_state *state, struct instruction *insn)
{
	enum code_operation operation = insn->opcode >> 3;
	unsigned form = insn->opcode & 7, size = form & 1 ? insn->size_bytes : 1;
	if (form >= 4) {
		uint64_t number = code_instruction_take_signed(insn, size == WORD ? 4 : size);
		struct code_value result = code_compute(
		    state, operation, size, code_state_get(state, CODE_RAX, size), code_number(number, WORD));
		if (operation != CODE_COMPARE)
			code_state_set(state, CODE_RAX, size, result);
		return true;
	}
	code_instruction_take_modrm(state, insn, 0);
	struct code_value rm = code_operand_read(state, insn, size),
	                  reg = code_operand_read_reg(state, insn, size);
	if (is_same_register(insn) &&
	    (operation == CODE_XOR || operation == CODE_SUB || operation == CODE_COMPARE))
		rm = reg = code_number(0, WORD);
	bool to_reg = form & 2;
	struct code_value result = code_compute(state, operation, size, to_reg ? reg : rm, to_reg ? rm : reg);
	if (operation == CODE_COMPARE)
		return true;
	return to_reg ? code_operand_write_reg(state, insn, insn->reg, size, result)
	              : code_operand_write(state, insn, size, result);
}

bool code_integer_immediate(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->opcode == 0x80 ? 1 : insn->size_bytes;
	unsigned width = insn->opcode != 0x81 ? 1 : size == WORD ? 4 : size;
	code_instruction_take_modrm(state, insn, width);
	enum code_operation operation = insn->reg & 7;
	struct code_value number = code_number(code_instruction_take_signed(insn, width), WORD);
	struct code_value result =
	    code_compute(state, operation, size, code_operand_read(state, insn, size), number);
	return operation == CODE_COMPARE || code_operand_write(state, insn, size, result);
}

bool code_integer_unary(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->opcode & 1 ? insn->size_bytes : 1, width = size == WORD ? 4 : size;
	bool tests = (insn->bytes[insn->at] >> 3 & 7) < 2;
	code_instruction_take_modrm(state, insn, tests ? width : 0);
	struct code_value value = code_operand_read(state, insn, size);
	switch (insn->reg & 7) {
	case 0:
	case 1:
		code_compute(state, CODE_AND, size, value,
		             code_number(code_instruction_take_signed(insn, width), WORD));
		return true;
	case 2:
		return code_operand_write(state, insn, size,
		                          code_is_number(value, size) ? code_number(~value.number, size)
		                                                      : code_unknown);
	case 3:
		return code_operand_write(state, insn, size,
		                          code_compute(state, CODE_SUB, size, code_number(0, WORD), value));
	case 4:
	case 5:
		return size >= 4 && code_multiply_wide(state, size, value, (insn->reg & 7) == 5);
	default:
		return false;
	}
}

bool code_integer_extend(struct code_state *state, struct instruction *insn, unsigned from, bool is_signed)
{
	code_instruction_take_modrm(state, insn, 0);
	struct code_value value = code_operand_read(state, insn, from);
	if (!code_is_number(value, from))
		return code_operand_write_reg(state, insn, insn->reg, insn->size_bytes, code_unknown);
	unsigned shift = 64 - 8 * from;
	uint64_t number = code_truncate(value.number, from);
	if (is_signed)
		number = (uint64_t)((int64_t)(number << shift) >> shift);
	return code_operand_write_reg(state, insn, insn->reg, insn->size_bytes, code_number(number, WORD));
}

bool code_integer_shift(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->opcode & 1 ? insn->size_bytes : 1;
	bool by_immediate = insn->opcode < 0xd0;
	code_instruction_take_modrm(state, insn, by_immediate);
	struct code_value count = by_immediate       ? code_number(code_instruction_take(insn, 1), 1)
	                          : insn->opcode & 2 ? code_state_get(state, CODE_RCX, 1)
	                                             : code_number(1, 1);
	struct code_value result =
	    code_shift(insn->reg & 7, size, code_operand_read(state, insn, size), count);
	state->flags_known = state->carry_known = false;
	return code_operand_write(state, insn, size, result);
}

/* The product of the register or memory with a number, or with the register that it goes to. */
bool code_integer_multiply(struct code_state *state, struct instruction *insn, unsigned width_bytes)
{
	unsigned size = insn->size_bytes;
	code_instruction_take_modrm(state, insn, width_bytes);
	struct code_value a = code_operand_read(state, insn, size),
	                  b = code_operand_read_reg(state, insn, size);
	if (width_bytes)
		b = code_number(code_instruction_take_signed(insn, width_bytes), WORD);
	bool known = code_is_number(a, size) && code_is_number(b, size);
	state->flags_known = state->carry_known = false;
	return code_operand_write_reg(state, insn, insn->reg, size,
	                              known ? code_number(a.number * b.number, size) : code_unknown);
}

void code_integer_sign_extend(struct code_state *state, unsigned size_bytes)
{
	struct code_value value = code_state_get(state, CODE_RAX, size_bytes / 2);
	if (size_bytes == WORD && code_is_number(value, 4))
		value = code_number((uint64_t)(int64_t)(int32_t)value.number, WORD);
	else
		value = code_unknown;
	code_state_set(state, CODE_RAX, size_bytes, value);
}

/* `test`: of two operands, or of rax and a number. */
void code_integer_test(struct code_state *state, struct instruction *insn)
{
	bool is_of_number = insn->opcode >= 0xa8;
	insn->size_bytes = insn->opcode & 1 ? insn->size_bytes : 1;
	unsigned size_bytes = insn->size_bytes;
	if (is_of_number) {
		uint64_t number = code_instruction_take_signed(insn, size_bytes == WORD ? 4 : size_bytes);
		code_compute(state, CODE_AND, size_bytes, code_state_get(state, CODE_RAX, size_bytes),
		             code_number(number, WORD));
		return;
	}
	code_instruction_take_modrm(state, insn, 0);
	code_compute(state, CODE_AND, size_bytes, code_operand_read(state, insn, size_bytes),
	             code_operand_read_reg(state, insn, size_bytes));
}
