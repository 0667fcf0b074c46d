#include "code_operand.h"

enum { WORD = 8 };

static bool is_high_byte(const struct instruction *insn, uint8_t reg, unsigned size_bytes)
{
	return size_bytes == 1 && !insn->rex && reg >= 4;
}

struct code_value code_operand_read(struct code_state *state, const struct instruction *insn,
                                    unsigned size_bytes)
{
	if (insn->mod != 3) {
		state->may_fault |= insn->is_elsewhere;
		return code_memory_load(state, insn->address, size_bytes);
	}
	return is_high_byte(insn, insn->rm, size_bytes) ? code_unknown
	                                                : code_state_get(state, insn->rm, size_bytes);
}

bool code_operand_write_reg(struct code_state *state, const struct instruction *insn, uint8_t reg,
                            unsigned size_bytes, struct code_value value)
{
	if (is_high_byte(insn, reg, size_bytes))
		return false;
	code_state_set(state, reg, size_bytes, value);
	/* The stack has to be known. */
	return reg != CODE_RSP || code_is_number(state->reg[CODE_RSP], WORD);
}

bool code_operand_write(struct code_state *state, const struct instruction *insn, unsigned size_bytes,
                        struct code_value value)
{
	return insn->mod == 3 ? code_operand_write_reg(state, insn, insn->rm, size_bytes, value)
	                      : code_memory_store(state, insn->address, size_bytes, value);
}

struct code_value code_operand_read_reg(const struct code_state *state, const struct instruction *insn,
                                        unsigned size_bytes)
{
	return is_high_byte(insn, insn->reg, size_bytes) ? code_unknown
	                                                 : code_state_get(state, insn->reg, size_bytes);
}
