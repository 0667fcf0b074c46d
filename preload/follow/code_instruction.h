/* Takes an instruction of x86-64 apart, byte by byte as code_step() needs it. */
#ifndef AFTERFORK_CODE_INSTRUCTION_H
#define AFTERFORK_CODE_INSTRUCTION_H

#include "code_state.h"

enum { CODE_BYTES_MAX = 15 };

/* One instruction. A register operand of one byte without REX and number 4 to 7 is not followed. */
struct instruction {
	uint8_t bytes[CODE_BYTES_MAX + 8]; /* zeros behind */
	unsigned length, at;               /* read so far */
	uint8_t rex, opcode;
	bool two_bytes, repeats, locks, other_prefix, is_short; /* f3, f0, f2, 66 */
	uint8_t segment;                                        /* its prefix; 0: the usual one */
	unsigned size_bytes;                                    /* of the operands */
	uint8_t mod, reg, rm;
	struct code_value address; /* of the operand in memory, mod < 3 */
	bool is_elsewhere;         /* each time, for all that is known */
};

/* Reads the bytes at state->pc, prefixes and opcode. False where there is no code, or no instruction is that
 * long.
 */
bool code_instruction_read(const struct code_state *state, struct instruction *ret_insn);
uint64_t code_instruction_take(struct instruction *insn, unsigned size_bytes);
uint64_t code_instruction_take_signed(struct instruction *insn, unsigned size_bytes);
/* mod, reg, rm and the address. `behind` bytes of immediate operands follow: what is relative to pc counts
 * from the next instruction. */
void code_instruction_take_modrm(const struct code_state *state, struct instruction *insn, unsigned behind);

#endif
