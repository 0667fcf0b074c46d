#include "code_instruction.h"

enum { PAGE_BYTES = 4096, WORD = 8 };

static bool read_code(const struct code_state *state, struct instruction *insn)
{
	uint64_t pc = state->pc;
	uint64_t rest = PAGE_BYTES - pc % PAGE_BYTES;
	insn->length = CODE_BYTES_MAX;
	if (code_memory_read_code(state, pc, insn->bytes, CODE_BYTES_MAX))
		return true;
	insn->length = (unsigned)rest;
	return rest < CODE_BYTES_MAX && code_memory_read_code(state, pc, insn->bytes, rest);
}

uint64_t code_instruction_take(struct instruction *insn, unsigned size_bytes)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < size_bytes && insn->at < sizeof insn->bytes; i++)
		value |= (uint64_t)insn->bytes[insn->at++] << 8 * i;
	return value;
}

uint64_t code_instruction_take_signed(struct instruction *insn, unsigned size_bytes)
{
	unsigned shift = 64 - 8 * size_bytes;
	return (uint64_t)((int64_t)(code_instruction_take(insn, size_bytes) << shift) >> shift);
}

static bool take_prefixes(struct instruction *insn)
{
	enum { WIDE = 8 };
	for (bool more = true; more;) {
		uint8_t byte = (uint8_t)code_instruction_take(insn, 1);
		switch (byte) {
		case 0x66:
			insn->size_bytes = 2;
			insn->is_short = true;
			break;
		case 0xf3:
			insn->repeats = true;
			break;
		case 0x64:
		case 0x65:
			insn->segment = byte;
			break;
		case 0xf0:
			insn->locks = true;
			break;
		case 0x2e:
		case 0x3e:
			break;
		case 0xf2: /* bnd */
			insn->other_prefix = true;
			break;
		default:
			insn->opcode = byte;
			more = false;
		}
		if (insn->at >= CODE_BYTES_MAX)
			return false;
	}
	if ((insn->opcode & 0xf0) == 0x40) {
		insn->rex = insn->opcode;
		insn->opcode = (uint8_t)code_instruction_take(insn, 1);
	}
	insn->two_bytes = insn->opcode == 0x0f;
	if (insn->two_bytes)
		insn->opcode = (uint8_t)code_instruction_take(insn, 1);
	insn->size_bytes = insn->rex & WIDE ? 8 : insn->size_bytes ? insn->size_bytes : 4;
	return true;
}

static struct code_value scaled(struct code_value index, unsigned scale)
{
	if (scale == 0)
		return index;
	return code_is_number(index, WORD) ? code_number(index.number << scale, WORD) : code_unknown;
}

void code_instruction_take_modrm(const struct code_state *state, struct instruction *insn, unsigned behind)
{
	uint8_t byte = (uint8_t)code_instruction_take(insn, 1);
	insn->mod = byte >> 6;
	insn->reg = (uint8_t)((byte >> 3 & 7) | (insn->rex & 4) << 1);
	insn->rm = (uint8_t)((byte & 7) | (insn->rex & 1) << 3);
	if (insn->mod == 3)
		return;
	struct code_value address = code_number(0, WORD);
	uint8_t low = byte & 7;
	if (low == 4) {
		uint8_t sib = (uint8_t)code_instruction_take(insn, 1);
		uint8_t index = (uint8_t)((sib >> 3 & 7) | (insn->rex & 2) << 2);
		low = sib & 7;
		if (low != 5 || insn->mod != 0)
			address = state->reg[low | (insn->rex & 1) << 3];
		if (index != 4)
			address = code_value_add(address, scaled(state->reg[index], sib >> 6));
		if (low == 5 && insn->mod == 0)
			address =
			    code_value_add(address, code_number(code_instruction_take_signed(insn, 4), WORD));
	} else if (low == 5 && insn->mod == 0) {
		uint64_t offset = code_instruction_take_signed(insn, 4);
		address = code_number(state->pc + insn->at + behind + offset, WORD);
	} else {
		address = state->reg[insn->rm];
	}
	if (insn->mod)
		address = code_value_add(
		    address, code_number(code_instruction_take_signed(insn, insn->mod == 1 ? 1 : 4), WORD));
	insn->is_elsewhere = address.known < WORD;
	insn->address = !insn->segment          ? address
	                : insn->segment == 0x64 ? code_value_add(address, state->fs)
	                                        : code_unknown;
}

bool code_instruction_read(const struct code_state *state, struct instruction *ret_insn)
{
	*ret_insn = (struct instruction){0};
	return read_code(state, ret_insn) && take_prefixes(ret_insn);
}
