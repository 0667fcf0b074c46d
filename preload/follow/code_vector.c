#include "code_vector.h"

#include "code_operand.h"

enum { WORD = 8 };
enum prefix { PLAIN = 1, SHORT = 2, REPEAT = 4, OTHER = 8 };
enum effect { LOADS, STORES, STORES_GENERAL };

/* With which prefixes an opcode behind 0f is one of these, and how much memory it moves. */
static const struct vector_move {
	uint8_t opcode, prefixes;
	uint8_t effect, size_bytes;
} moves[] = {
    {0x10, PLAIN | SHORT, LOADS, 16}, {0x11, PLAIN | SHORT, STORES, 16}, {0x16, PLAIN | SHORT, LOADS, 8},
    {0x28, PLAIN | SHORT, LOADS, 16}, {0x29, PLAIN | SHORT, STORES, 16}, {0x57, PLAIN | SHORT, LOADS, 16},
    {0x6c, SHORT, LOADS, 16},         {0x6e, SHORT, LOADS, 0},           {0x6f, SHORT | REPEAT, LOADS, 16},
    {0x7e, SHORT, STORES_GENERAL, 0}, {0x7e, REPEAT, LOADS, 8},          {0x7f, SHORT | REPEAT, STORES, 16},
    {0xd6, SHORT, STORES, 8},         {0xef, SHORT, LOADS, 16},
};

static const struct vector_move *find(const struct instruction *insn)
{
	unsigned prefix = insn->repeats        ? REPEAT
	                  : insn->other_prefix ? OTHER
	                  : insn->is_short     ? SHORT
	                                       : PLAIN;
	for (unsigned i = 0; insn->two_bytes && i < sizeof moves / sizeof *moves; i++) {
		if (moves[i].opcode == insn->opcode && (moves[i].prefixes & prefix))
			return &moves[i];
	}
	return 0;
}

bool code_vector_is_one(const struct instruction *insn)
{
	return find(insn) != 0;
}

/* With the prefix W eight bytes, else four: of general registers and memory alike. */
static bool step_general(struct code_state *state, struct instruction *insn, enum effect effect)
{
	enum { WIDE = 8 };
	unsigned size = insn->rex & WIDE ? WORD : 4;
	if (effect == LOADS) {
		code_operand_read(state, insn, size);
		return true;
	}
	return code_operand_write(state, insn, size, code_unknown);
}

bool code_vector_step(struct code_state *state, struct instruction *insn)
{
	const struct vector_move *move = find(insn);
	code_instruction_take_modrm(state, insn, 0);
	if (!move->size_bytes)
		return step_general(state, insn, move->effect);
	if (insn->mod == 3)
		return true;
	for (unsigned done = 0; done < move->size_bytes; done += WORD) {
		if (move->effect == LOADS)
			code_operand_read(state, insn, WORD);
		else if (!code_operand_write(state, insn, WORD, code_unknown))
			return false;
		insn->address = code_value_add(insn->address, code_number(WORD, WORD));
	}
	return true;
}
