/* The instructions that compute in general registers. What comes out goes where they write it, and into the
 * flags. Each is given behind its opcode; false: one that is not followed. Async-signal-safe. */
#ifndef AFTERFORK_CODE_INTEGER_H
#define AFTERFORK_CODE_INTEGER_H

#include "code_instruction.h"

/* 00 to 3d: operation << 3 | form. */
bool code_integer_arithmetic(struct code_state *state, struct instruction *insn);
/* 80, 81, 83 */
bool code_integer_immediate(struct code_state *state, struct instruction *insn);
/* f6, f7: test, not, neg, mul, imul. */
bool code_integer_unary(struct code_state *state, struct instruction *insn);
/* c0, c1, d0 to d3 */
bool code_integer_shift(struct code_state *state, struct instruction *insn);
/* 84, 85, a8, a9 */
void code_integer_test(struct code_state *state, struct instruction *insn);
/* imul. width_bytes: of the number that follows; 0: none. */
bool code_integer_multiply(struct code_state *state, struct instruction *insn, unsigned width_bytes);
/* movzx, movsx: from so many bytes. */
bool code_integer_extend(struct code_state *state, struct instruction *insn, unsigned from, bool is_signed);
/* cwtl, cltq */
void code_integer_sign_extend(struct code_state *state, unsigned size_bytes);

#endif
