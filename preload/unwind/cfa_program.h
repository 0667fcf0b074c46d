/* Runs the call frame instructions of .eh_frame, as far as they tell the CFA, rbp, rsp and the return
 * address. Async-signal-safe, no state, no allocation. */
#ifndef AFTERFORK_PRELOAD_CFA_PROGRAM_H
#define AFTERFORK_PRELOAD_CFA_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "dwarf_cursor.h"

enum { DWARF_REGISTER_BP = 6, DWARF_REGISTER_SP = 7, DWARF_REGISTER_RA = 16 };

enum cfa_state { CFA_UNCHANGED = 0, CFA_AT_OFFSET, CFA_UNDEFINED, CFA_OTHER };
struct cfa_register_rule {
	enum cfa_state state;
	int64_t offset; /* from the CFA */
};

/* One row of the table that call frame instructions describe, as far as it matters here. */
struct cfa_row {
	struct cfa_register_rule bp, sp, ra;
	uint64_t cfa_register;
	int64_t cfa_offset;
	struct dwarf_cursor cfa_expression; /* at != 0: the CFA is this expression's value */
};

/* From the common entry. */
struct cfa_encoding {
	uint64_t code_alignment;
	int64_t data_alignment;
	uint8_t pointer_encoding;
};

/* Applies the program to *row up to the row that holds `address`; code_start is where its first row begins.
 * `initial` is what DW_CFA_restore goes back to, NULL in a common entry's own program. False for a program
 * that is broken or holds an instruction that x86-64 does not have. */
bool cfa_program_run(struct dwarf_cursor program, const struct cfa_encoding *encoding, uint64_t code_start,
                     const struct cfa_row *initial, uint64_t address, struct cfa_row *row);

#endif
