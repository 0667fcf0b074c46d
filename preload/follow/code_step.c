#include "code_step.h"

#include "code_arithmetic.h"
#include "code_exchange.h"
#include "code_integer.h"
#include "code_operand.h"
#include "code_vector.h"

enum { WORD = 8 };

static bool push_return(struct code_state *state, const struct instruction *insn)
{
	return code_state_push(state, code_number(state->pc + insn->at, WORD));
}

/* ff /2, /4: to what a register holds, or through a pointer. */
static enum code_step_result step_indirect(struct code_state *state, const struct instruction *insn)
{
	uint64_t target;
	bool is_call = (insn->reg & 7) == 2;
	if (insn->mod == 3) {
		struct code_value value = state->reg[insn->rm];
		if (!code_is_number(value, WORD))
			return CODE_LOST;
		target = value.number;
	} else if (!code_is_number(insn->address, WORD) ||
	           !code_memory_take_pointer(state, insn->address.number, &target)) {
		return CODE_LOST;
	}
	if (is_call && !push_return(state, insn))
		return CODE_LOST;
	state->pc = target;
	return CODE_LEFT;
}

/* fe, ff: inc, dec, call, jmp, push. */
static enum code_step_result step_group(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->opcode & 1 ? insn->size_bytes : 1;
	code_instruction_take_modrm(state, insn, 0);
	unsigned which = insn->reg & 7;
	if (which < 2) {
		bool carry_known = state->carry_known, carry = state->carry;
		struct code_value result =
		    code_compute(state, which == 0 ? CODE_ADD : CODE_SUB, size,
		                 code_operand_read(state, insn, size), code_number(1, WORD));
		state->carry_known = carry_known;
		state->carry = carry;
		return code_operand_write(state, insn, size, result) ? CODE_STEPPED : CODE_LOST;
	}
	if (insn->opcode == 0xff && (which == 2 || which == 4))
		return step_indirect(state, insn);
	if (insn->opcode == 0xff && which == 6)
		return code_state_push(state, code_operand_read(state, insn, WORD)) ? CODE_STEPPED
		                                                                    : CODE_LOST;
	return CODE_LOST;
}

static bool step_move(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->opcode & 1 ? insn->size_bytes : 1;
	code_instruction_take_modrm(state, insn, 0);
	return insn->opcode & 2
	           ? code_operand_write_reg(state, insn, insn->reg, size,
	                                    code_operand_read(state, insn, size))
	           : code_operand_write(state, insn, size, code_operand_read_reg(state, insn, size));
}

static bool step_move_immediate(struct code_state *state, struct instruction *insn)
{
	unsigned size = insn->opcode & 1 ? insn->size_bytes : 1, width = size == WORD ? 4 : size;
	code_instruction_take_modrm(state, insn, width);
	/* Another number there begins or ends a transaction. */
	return (insn->reg & 7) == 0 &&
	       code_operand_write(state, insn, size,
	                          code_number(code_instruction_take_signed(insn, width), WORD));
}

static bool step_leave(struct code_state *state)
{
	state->reg[CODE_RSP] = state->reg[CODE_RBP];
	return code_state_pop(state, &state->reg[CODE_RBP]);
}

static enum code_step_result step_jump(struct code_state *state, const struct instruction *insn,
                                       uint64_t offset, int taken)
{
	if (insn->at > insn->length)
		return CODE_LOST;
	state->pc += insn->at;
	state->other_pc = state->pc + offset;
	if (taken > 0)
		state->pc = state->other_pc;
	return taken < 0 ? CODE_FORKED : CODE_STEPPED;
}

static enum code_step_result step_return(struct code_state *state)
{
	struct code_value target;
	if (!code_state_pop(state, &target) || !code_is_number(target, WORD))
		return CODE_LOST;
	state->pc = target.number;
	return CODE_STEPPED;
}

static enum code_step_result step_call(struct code_state *state, struct instruction *insn)
{
	uint64_t offset = code_instruction_take_signed(insn, 4);
	return push_return(state, insn) ? step_jump(state, insn, offset, 1) : CODE_LOST;
}

static bool step_two_bytes(struct code_state *state, struct instruction *insn)
{
	switch (insn->opcode) {
	case 0x1e: /* endbr64 */
		return insn->repeats && code_instruction_take(insn, 1) == 0xfa;
	case 0x0d: /* prefetch */
	case 0x18:
	case 0x1f: /* nop */
		code_instruction_take_modrm(state, insn, 0);
		return true;
	case 0x31: /* rdtsc */
		state->reg[CODE_RAX] = state->reg[CODE_RDX] = code_unknown;
		return true;
	case 0xae: /* lfence, mfence, sfence */
		code_instruction_take_modrm(state, insn, 0);
		return insn->mod == 3 && (insn->reg & 7) >= 5 && !insn->repeats && !insn->other_prefix &&
		       !insn->is_short;
	case 0xaf: /* imul */
		return code_integer_multiply(state, insn, 0);
	case 0xb6:
	case 0xb7:
	case 0xbe:
	case 0xbf:
		return code_integer_extend(state, insn, insn->opcode & 1 ? 2 : 1, insn->opcode >= 0xbe);
	}
	if (code_vector_is_one(insn))
		return code_vector_step(state, insn);
	if (code_exchange_is_one(insn))
		return code_exchange_step(state, insn);
	unsigned group = insn->opcode & 0xf0;
	if (group != 0x40 && group != 0x90)
		return false;
	int holds = code_condition(state, insn->opcode & 15);
	code_instruction_take_modrm(state, insn, 0);
	if (group == 0x90)
		return code_operand_write(state, insn, 1,
		                          holds < 0 ? code_unknown : code_number((unsigned)holds, 1));
	struct code_value moved = code_operand_read(state, insn, insn->size_bytes),
	                  kept = code_operand_read_reg(state, insn, insn->size_bytes);
	return code_operand_write_reg(state, insn, insn->reg, insn->size_bytes,
	                              holds < 0 ? code_unknown
	                              : holds   ? moved
	                                        : kept);
}

/* push, pop and mov with the register in the opcode. */
static bool step_with_register(struct code_state *state, struct instruction *insn)
{
	uint8_t reg = (uint8_t)((insn->opcode & 7) | (insn->rex & 1) << 3);
	struct code_value value;
	switch (insn->opcode & 0xf8) {
	case 0x50:
		return code_state_push(state, state->reg[reg]);
	case 0x58:
		return code_state_pop(state, &value) && code_operand_write_reg(state, insn, reg, WORD, value);
	case 0xb0:
		return code_operand_write_reg(state, insn, reg, 1,
		                              code_number(code_instruction_take(insn, 1), 1));
	default:
		return code_operand_write_reg(
		    state, insn, reg, insn->size_bytes,
		    code_number(code_instruction_take(insn, insn->size_bytes), WORD));
	}
}

/* By as much as the operand has bytes. */
static bool moves_stack(uint8_t opcode)
{
	return (opcode & 0xf0) == 0x50 || opcode == 0x68 || opcode == 0x6a || opcode == 0xc9;
}

/* Instructions that go on with the next one. */
static bool step_plain(struct code_state *state, struct instruction *insn)
{
	uint8_t opcode = insn->opcode;
	if (opcode < 0x40 && (opcode & 7) < 6)
		return code_integer_arithmetic(state, insn);
	if (insn->size_bytes == 2 && moves_stack(opcode))
		return false;
	if (code_exchange_is_one(insn))
		return code_exchange_step(state, insn);
	switch (opcode) {
	case 0x50 ... 0x5f:
	case 0xb0 ... 0xbf:
		return step_with_register(state, insn);
	case 0x63:
		return code_integer_extend(state, insn, 4, true);
	case 0x68:
	case 0x6a:
		return code_state_push(
		    state, code_number(code_instruction_take_signed(insn, opcode == 0x6a ? 1 : 4), WORD));
	case 0x69:
		return code_integer_multiply(state, insn, insn->size_bytes == 2 ? 2 : 4);
	case 0x6b:
		return code_integer_multiply(state, insn, 1);
	case 0x80:
	case 0x81:
	case 0x83:
		return code_integer_immediate(state, insn);
	case 0x84:
	case 0x85:
	case 0xa8:
	case 0xa9:
		code_integer_test(state, insn);
		return true;
	case 0x88 ... 0x8b:
		return step_move(state, insn);
	case 0x8d:
		code_instruction_take_modrm(state, insn, 0);
		return insn->mod != 3 &&
		       code_operand_write_reg(state, insn, insn->reg, insn->size_bytes,
		                              insn->size_bytes == WORD ? insn->address : code_unknown);
	case 0x90: /* nop, pause */
		return !(insn->rex & 1);
	case 0x98:
		code_integer_sign_extend(state, insn->size_bytes);
		return true;
	case 0xc0:
	case 0xc1:
	case 0xd0 ... 0xd3:
		return code_integer_shift(state, insn);
	case 0xc6:
	case 0xc7:
		return step_move_immediate(state, insn);
	case 0xc9:
		return step_leave(state);
	case 0xf6:
	case 0xf7:
		return code_integer_unary(state, insn);
	}
	return false;
}

enum code_step_result code_step(struct code_state *state)
{
	struct instruction insn;
	if (!code_instruction_read(state, &insn))
		return CODE_LOST;
	uint8_t opcode = insn.opcode;
	enum code_step_result result = CODE_LOST;
	if (insn.two_bytes && opcode == 0x05) {
		state->pc += insn.at;
		return insn.at <= insn.length ? CODE_SYSTEM_CALL : CODE_LOST;
	}
	if (insn.two_bytes && (opcode & 0xf0) == 0x80)
		return step_jump(state, &insn, code_instruction_take_signed(&insn, 4),
		                 code_condition(state, opcode & 15));
	if (!insn.two_bytes && (opcode & 0xf0) == 0x70)
		return step_jump(state, &insn, code_instruction_take_signed(&insn, 1),
		                 code_condition(state, opcode & 15));
	if (!insn.two_bytes && (opcode == 0xe9 || opcode == 0xeb))
		return step_jump(state, &insn, code_instruction_take_signed(&insn, opcode == 0xeb ? 1 : 4),
		                 1);
	if (!insn.two_bytes && opcode == 0xe8)
		return step_call(state, &insn);
	if (!insn.two_bytes && opcode == 0xc3)
		return step_return(state);
	if (!insn.two_bytes && (opcode == 0xfe || opcode == 0xff)) {
		result = step_group(state, &insn);
		if (result != CODE_STEPPED)
			return result;
	} else if (!(insn.two_bytes ? step_two_bytes(state, &insn) : step_plain(state, &insn))) {
		return CODE_LOST;
	}
	state->pc += insn.at;
	bool is_refused = insn.locks && insn.mod == 3;
	return insn.at <= insn.length && !state->may_fault && !is_refused ? CODE_STEPPED : CODE_LOST;
}
