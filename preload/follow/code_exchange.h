/* The instructions that locks are made of: xchg, cmpxchg, xadd, and those of single bits. */
#ifndef AFTERFORK_CODE_EXCHANGE_H
#define AFTERFORK_CODE_EXCHANGE_H

#include "code_instruction.h"

bool code_exchange_is_one(const struct instruction *insn);
bool code_exchange_step(struct code_state *state, struct instruction *insn);

#endif
