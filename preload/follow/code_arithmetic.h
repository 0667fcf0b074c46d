/* What the arithmetic of code_step() comes to, and what its flags say. */
#ifndef AFTERFORK_CODE_ARITHMETIC_H
#define AFTERFORK_CODE_ARITHMETIC_H

#include "code_state.h"

/* By their numbers in opcodes. */
enum code_operation {
	CODE_ADD,
	CODE_OR,
	CODE_ADC,
	CODE_SBB,
	CODE_AND,
	CODE_SUB,
	CODE_XOR,
	CODE_COMPARE,
};

uint64_t code_truncate(uint64_t number, unsigned size_bytes);
/* The result; the flags go into *state. */
struct code_value code_compute(struct code_state *state, enum code_operation operation, unsigned size_bytes,
                               struct code_value a, struct code_value b);
/* By the number in the opcode. What it does to the flags is for the caller. */
struct code_value code_shift(unsigned which, unsigned size_bytes, struct code_value value,
                             struct code_value count);
/* rdx:rax = rax * value. */
bool code_multiply_wide(struct code_state *state, unsigned size_bytes, struct code_value value,
                        bool is_signed);
/* Of a conditional instruction, by the low four bits of its opcode: 1 or 0; -1: not known. */
int code_condition(const struct code_state *state, unsigned code);

#endif
