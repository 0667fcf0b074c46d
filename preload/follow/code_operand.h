/* Reads and writes the operands of an instruction, once its ModRM byte was taken. */
#ifndef AFTERFORK_CODE_OPERAND_H
#define AFTERFORK_CODE_OPERAND_H

#include "code_instruction.h"

/* The one that is a register or memory. */
struct code_value code_operand_read(struct code_state *state, const struct instruction *insn,
                                    unsigned size_bytes);
bool code_operand_write(struct code_state *state, const struct instruction *insn, unsigned size_bytes,
                        struct code_value value);
/* The one that is a register. */
struct code_value code_operand_read_reg(const struct code_state *state, const struct instruction *insn,
                                        unsigned size_bytes);
/* Any register. Where one cannot be written, as the high bytes, false. */
bool code_operand_write_reg(struct code_state *state, const struct instruction *insn, uint8_t reg,
                            unsigned size_bytes, struct code_value value);

#endif
