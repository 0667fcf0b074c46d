/* Moves of vector registers, as compilers fill and copy structs with: what is in the registers is not
 * followed, so what comes from them is not known. */
#ifndef AFTERFORK_CODE_VECTOR_H
#define AFTERFORK_CODE_VECTOR_H

#include "code_instruction.h"

bool code_vector_is_one(const struct instruction *insn);
bool code_vector_step(struct code_state *state, struct instruction *insn);

#endif
