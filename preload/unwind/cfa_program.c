#include "cfa_program.h"

#include <stddef.h>

enum { REMEMBERED_STATES_MAX = 8, OPERAND_MASK = 0x3f };

static struct cfa_register_rule *rule_of(struct cfa_row *row, uint64_t reg)
{
	switch (reg) {
	case DWARF_REGISTER_BP:
		return &row->bp;
	case DWARF_REGISTER_SP:
		return &row->sp;
	case DWARF_REGISTER_RA:
		return &row->ra;
	}
	return NULL;
}

static void set_rule(struct cfa_row *row, uint64_t reg, enum cfa_state state, int64_t offset)
{
	struct cfa_register_rule *rule = rule_of(row, reg);
	if (rule)
		*rule = (struct cfa_register_rule){state, offset};
}

static void set_cfa(struct cfa_row *row, uint64_t reg, int64_t offset)
{
	row->cfa_register = reg;
	row->cfa_offset = offset;
	row->cfa_expression.at = 0;
}

struct execution {
	struct dwarf_cursor *program;
	const struct cfa_encoding *encoding;
	const struct cfa_row *initial; /* what DW_CFA_restore goes back to; NULL in the common program */
	struct cfa_row *row;
	uint64_t location;
	unsigned remembered_count;
	struct cfa_row remembered[REMEMBERED_STATES_MAX];
};

static void restore_rule(struct execution *run, uint64_t reg)
{
	struct cfa_register_rule *rule = rule_of(run->row, reg);
	if (!run->initial)
		run->program->failed = true;
	else if (rule)
		*rule = *rule_of((struct cfa_row *)(uintptr_t)run->initial, reg);
}

static void remember_state(struct execution *run)
{
	if (run->remembered_count == REMEMBERED_STATES_MAX)
		run->program->failed = true;
	else
		run->remembered[run->remembered_count++] = *run->row;
}

static void restore_state(struct execution *run)
{
	if (!run->remembered_count)
		run->program->failed = true;
	else
		*run->row = run->remembered[--run->remembered_count];
}

static void set_cfa_expression(struct execution *run)
{
	uint64_t size_bytes = dwarf_cursor_uleb(run->program);
	uint64_t at = run->program->at;
	dwarf_cursor_skip(run->program, size_bytes);
	run->row->cfa_expression = dwarf_cursor_at(at, at, run->program->at);
}

static void set_offset(struct execution *run, uint64_t reg, int64_t factored)
{
	set_rule(run->row, reg, CFA_AT_OFFSET, factored * run->encoding->data_alignment);
}

static void advance(struct execution *run, uint64_t delta)
{
	run->location += delta * run->encoding->code_alignment;
}

static bool execute_location(struct execution *run, uint8_t opcode)
{
	struct dwarf_cursor *program = run->program;
	switch (opcode) {
	case 0x01: /* set_loc */
		run->location = dwarf_cursor_encoded(program, run->encoding->pointer_encoding, 0);
		return true;
	case 0x02: /* advance_loc1 */
		advance(run, dwarf_cursor_fixed(program, 1));
		return true;
	case 0x03: /* advance_loc2 */
		advance(run, dwarf_cursor_fixed(program, 2));
		return true;
	case 0x04: /* advance_loc4 */
		advance(run, dwarf_cursor_fixed(program, 4));
		return true;
	default:
		return false;
	}
}

/* Of two operands the first is read into `reg`: in one call their order would be the compiler's choice. */
static bool execute_cfa(struct execution *run, uint8_t opcode)
{
	struct dwarf_cursor *program = run->program;
	int64_t factor = run->encoding->data_alignment;
	uint64_t reg;
	switch (opcode) {
	case 0x0c: /* def_cfa */
		reg = dwarf_cursor_uleb(program);
		set_cfa(run->row, reg, (int64_t)dwarf_cursor_uleb(program));
		return true;
	case 0x0d: /* def_cfa_register */
		set_cfa(run->row, dwarf_cursor_uleb(program), run->row->cfa_offset);
		return true;
	case 0x0e: /* def_cfa_offset */
		run->row->cfa_offset = (int64_t)dwarf_cursor_uleb(program);
		return true;
	case 0x0f: /* def_cfa_expression */
		set_cfa_expression(run);
		return true;
	case 0x12: /* def_cfa_sf */
		reg = dwarf_cursor_uleb(program);
		set_cfa(run->row, reg, dwarf_cursor_sleb(program) * factor);
		return true;
	case 0x13: /* def_cfa_offset_sf */
		run->row->cfa_offset = dwarf_cursor_sleb(program) * factor;
		return true;
	default:
		return false;
	}
}

static void execute_register(struct execution *run, uint8_t opcode)
{
	struct dwarf_cursor *program = run->program;
	uint64_t reg;
	switch (opcode) {
	case 0x00: /* nop */
		break;
	case 0x05: /* offset_extended */
		reg = dwarf_cursor_uleb(program);
		set_offset(run, reg, (int64_t)dwarf_cursor_uleb(program));
		break;
	case 0x06: /* restore_extended */
		restore_rule(run, dwarf_cursor_uleb(program));
		break;
	case 0x07: /* undefined */
		set_rule(run->row, dwarf_cursor_uleb(program), CFA_UNDEFINED, 0);
		break;
	case 0x08: /* same_value */
		set_rule(run->row, dwarf_cursor_uleb(program), CFA_UNCHANGED, 0);
		break;
	case 0x09: /* register */
		set_rule(run->row, dwarf_cursor_uleb(program), CFA_OTHER, 0);
		dwarf_cursor_uleb(program);
		break;
	case 0x0a: /* remember_state */
		remember_state(run);
		break;
	case 0x0b: /* restore_state */
		restore_state(run);
		break;
	case 0x10: /* expression */
	case 0x16: /* val_expression */
		set_rule(run->row, dwarf_cursor_uleb(program), CFA_OTHER, 0);
		dwarf_cursor_skip_block(program);
		break;
	case 0x11: /* offset_extended_sf */
		reg = dwarf_cursor_uleb(program);
		set_offset(run, reg, dwarf_cursor_sleb(program));
		break;
	case 0x14: /* val_offset */
	case 0x15: /* val_offset_sf */
		set_rule(run->row, dwarf_cursor_uleb(program), CFA_OTHER, 0);
		dwarf_cursor_uleb(program);
		break;
	case 0x2e: /* GNU_args_size */
		dwarf_cursor_uleb(program);
		break;
	case 0x2f: /* GNU_negative_offset_extended */
		reg = dwarf_cursor_uleb(program);
		set_offset(run, reg, -(int64_t)dwarf_cursor_uleb(program));
		break;
	default:
		program->failed = true;
	}
}

static void execute_extended(struct execution *run, uint8_t opcode)
{
	if (!execute_location(run, opcode) && !execute_cfa(run, opcode))
		execute_register(run, opcode);
}

bool cfa_program_run(struct dwarf_cursor program, const struct cfa_encoding *encoding, uint64_t code_start,
                     const struct cfa_row *initial, uint64_t address, struct cfa_row *row)
{
	struct execution run = {.program = &program,
	                        .encoding = encoding,
	                        .initial = initial,
	                        .row = row,
	                        .location = code_start};
	while (!program.failed && program.at < program.end) {
		uint8_t byte = (uint8_t)dwarf_cursor_fixed(&program, 1);
		uint8_t operand = byte & OPERAND_MASK;
		switch (byte & ~OPERAND_MASK) {
		case 0x40: /* advance_loc */
			advance(&run, operand);
			break;
		case 0x80: /* offset */
			set_offset(&run, operand, (int64_t)dwarf_cursor_uleb(&program));
			break;
		case 0xc0: /* restore */
			restore_rule(&run, operand);
			break;
		default:
			execute_extended(&run, byte);
		}
		if (run.location > address)
			break;
	}
	return !program.failed;
}
