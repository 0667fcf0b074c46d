#include "eh_frame.h"

#include "dwarf_cursor.h"

enum {
	REGISTER_BP = 6,
	REGISTER_SP = 7,
	REGISTER_RA = 16,
	REMEMBERED_STATES_MAX = 8,
	BINARY_SEARCH_ENCODING = 0x3b, /* signed 4 bytes relative to .eh_frame_hdr: what every linker writes */
	OPERAND_MASK = 0x3f,
};

enum register_state { REGISTER_UNCHANGED = 0, REGISTER_AT_OFFSET, REGISTER_UNDEFINED, REGISTER_OTHER };
struct register_rule {
	enum register_state state;
	int64_t offset; /* from the CFA */
};

/* One row of the table that call frame instructions describe, as far as it matters here. */
struct row {
	struct register_rule bp, sp, ra;
	uint64_t cfa_register;
	int64_t cfa_offset;
	struct dwarf_cursor cfa_expression; /* at != 0: the CFA is this expression's value */
};

struct entry {
	uint64_t code_start, code_end;
	uint64_t code_alignment;
	int64_t data_alignment;
	uint8_t pointer_encoding;
	bool has_augmentation_size, is_signal_frame;
	struct dwarf_cursor common_program, program;
};

/* --- call frame instructions --- */

static struct register_rule *rule_of(struct row *row, uint64_t reg)
{
	switch (reg) {
	case REGISTER_BP:
		return &row->bp;
	case REGISTER_SP:
		return &row->sp;
	case REGISTER_RA:
		return &row->ra;
	}
	return NULL;
}

static void set_rule(struct row *row, uint64_t reg, enum register_state state, int64_t offset)
{
	struct register_rule *rule = rule_of(row, reg);
	if (rule)
		*rule = (struct register_rule){state, offset};
}

static void set_cfa(struct row *row, uint64_t reg, int64_t offset)
{
	row->cfa_register = reg;
	row->cfa_offset = offset;
	row->cfa_expression.at = 0;
}

struct execution {
	struct dwarf_cursor *program;
	const struct entry *entry;
	const struct row *initial; /* what DW_CFA_restore goes back to; NULL in the common program */
	struct row *row;
	uint64_t location;
	unsigned remembered_count;
	struct row remembered[REMEMBERED_STATES_MAX];
};

static void skip_block(struct dwarf_cursor *program)
{
	uint64_t size_bytes = dwarf_cursor_uleb(program);
	dwarf_cursor_skip(program, size_bytes);
}

static void restore_rule(struct execution *run, uint64_t reg)
{
	struct register_rule *rule = rule_of(run->row, reg);
	if (!run->initial)
		run->program->failed = true;
	else if (rule)
		*rule = *rule_of((struct row *)(uintptr_t)run->initial, reg);
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
	set_rule(run->row, reg, REGISTER_AT_OFFSET, factored * run->entry->data_alignment);
}

static void advance(struct execution *run, uint64_t delta) { run->location += delta * run->entry->code_alignment; }

/* Of two operands the first is read into `reg`: in one call their order would be the compiler's choice. */
static void execute_extended(struct execution *run, uint8_t opcode)
{
	struct dwarf_cursor *program = run->program;
	int64_t factor = run->entry->data_alignment;
	uint64_t reg;
	switch (opcode) {
	case 0x00: /* nop */
		break;
	case 0x01: /* set_loc */
		run->location = dwarf_cursor_encoded(program, run->entry->pointer_encoding, 0);
		break;
	case 0x02: /* advance_loc1 */
		advance(run, dwarf_cursor_fixed(program, 1));
		break;
	case 0x03: /* advance_loc2 */
		advance(run, dwarf_cursor_fixed(program, 2));
		break;
	case 0x04: /* advance_loc4 */
		advance(run, dwarf_cursor_fixed(program, 4));
		break;
	case 0x05: /* offset_extended */
		reg = dwarf_cursor_uleb(program);
		set_offset(run, reg, (int64_t)dwarf_cursor_uleb(program));
		break;
	case 0x06: /* restore_extended */
		restore_rule(run, dwarf_cursor_uleb(program));
		break;
	case 0x07: /* undefined */
		set_rule(run->row, dwarf_cursor_uleb(program), REGISTER_UNDEFINED, 0);
		break;
	case 0x08: /* same_value */
		set_rule(run->row, dwarf_cursor_uleb(program), REGISTER_UNCHANGED, 0);
		break;
	case 0x09: /* register */
		set_rule(run->row, dwarf_cursor_uleb(program), REGISTER_OTHER, 0);
		dwarf_cursor_uleb(program);
		break;
	case 0x0a: /* remember_state */
		remember_state(run);
		break;
	case 0x0b: /* restore_state */
		restore_state(run);
		break;
	case 0x0c: /* def_cfa */
		reg = dwarf_cursor_uleb(program);
		set_cfa(run->row, reg, (int64_t)dwarf_cursor_uleb(program));
		break;
	case 0x0d: /* def_cfa_register */
		set_cfa(run->row, dwarf_cursor_uleb(program), run->row->cfa_offset);
		break;
	case 0x0e: /* def_cfa_offset */
		run->row->cfa_offset = (int64_t)dwarf_cursor_uleb(program);
		break;
	case 0x0f: /* def_cfa_expression */
		set_cfa_expression(run);
		break;
	case 0x10: /* expression */
	case 0x16: /* val_expression */
		set_rule(run->row, dwarf_cursor_uleb(program), REGISTER_OTHER, 0);
		skip_block(program);
		break;
	case 0x11: /* offset_extended_sf */
		reg = dwarf_cursor_uleb(program);
		set_offset(run, reg, dwarf_cursor_sleb(program));
		break;
	case 0x12: /* def_cfa_sf */
		reg = dwarf_cursor_uleb(program);
		set_cfa(run->row, reg, dwarf_cursor_sleb(program) * factor);
		break;
	case 0x13: /* def_cfa_offset_sf */
		run->row->cfa_offset = dwarf_cursor_sleb(program) * factor;
		break;
	case 0x14: /* val_offset */
	case 0x15: /* val_offset_sf */
		set_rule(run->row, dwarf_cursor_uleb(program), REGISTER_OTHER, 0);
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

/* Runs a program up to the row that holds `address`. */
static bool execute(struct dwarf_cursor program, const struct entry *entry, const struct row *initial,
		    uint64_t address, struct row *row)
{
	struct execution run = {
		.program = &program, .entry = entry, .initial = initial, .row = row, .location = entry->code_start};
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

/* --- entries --- */

/* Leaves the cursor behind the length and narrows it to the entry. */
static bool read_length(struct dwarf_cursor *cursor, bool *ret_is_64_bit)
{
	uint64_t size_bytes = dwarf_cursor_fixed(cursor, 4);
	*ret_is_64_bit = size_bytes == 0xffffffff;
	if (*ret_is_64_bit)
		size_bytes = dwarf_cursor_fixed(cursor, 8);
	if (cursor->failed || !size_bytes || size_bytes > cursor->end - cursor->at)
		return false;
	cursor->end = cursor->at + size_bytes;
	return true;
}

static bool read_augmentation(struct dwarf_cursor *cursor, const char *augmentation, struct entry *entry)
{
	entry->pointer_encoding = 0;
	if (!*augmentation)
		return true;
	if (*augmentation++ != 'z')
		return false;
	entry->has_augmentation_size = true;
	uint64_t size_bytes = dwarf_cursor_uleb(cursor);
	struct dwarf_cursor data = *cursor;
	for (; *augmentation; augmentation++) {
		switch (*augmentation) {
		case 'R':
			entry->pointer_encoding = (uint8_t)dwarf_cursor_fixed(&data, 1);
			break;
		case 'P': {
			uint8_t encoding = (uint8_t)dwarf_cursor_fixed(&data, 1);
			dwarf_cursor_encoded(&data, encoding & ~DWARF_PE_INDIRECT, 0);
			break;
		}
		case 'L':
			dwarf_cursor_fixed(&data, 1);
			break;
		case 'S':
			entry->is_signal_frame = true;
			break;
		default:
			return false;
		}
	}
	dwarf_cursor_skip(cursor, size_bytes);
	return !data.failed;
}

static bool read_common_entry(struct dwarf_cursor cursor, struct entry *entry)
{
	bool is_64_bit;
	if (!read_length(&cursor, &is_64_bit) || dwarf_cursor_fixed(&cursor, is_64_bit ? 8 : 4) != 0)
		return false;
	uint8_t version = (uint8_t)dwarf_cursor_fixed(&cursor, 1);
	const char *augmentation = (const char *)(uintptr_t)cursor.at;
	while (dwarf_cursor_fixed(&cursor, 1))
		;
	if (cursor.failed || (version != 1 && version != 3))
		return false;
	entry->code_alignment = dwarf_cursor_uleb(&cursor);
	entry->data_alignment = dwarf_cursor_sleb(&cursor);
	uint64_t ra = version == 1 ? dwarf_cursor_fixed(&cursor, 1) : dwarf_cursor_uleb(&cursor);
	if (ra != REGISTER_RA || !read_augmentation(&cursor, augmentation, entry))
		return false;
	entry->common_program = cursor;
	return !cursor.failed;
}

enum entry_match { ENTRY_MATCHES, ENTRY_ELSEWHERE, ENTRY_BROKEN };

/* Reads the frame description entry at `at`. *ret_next is the address of the one behind it. */
static enum entry_match read_entry(const struct eh_frame_view *view, uint64_t at, uint64_t address,
				   struct entry *entry, uint64_t *ret_next)
{
	struct dwarf_cursor cursor = dwarf_cursor_at(at, view->low, view->high);
	bool is_64_bit;
	if (!read_length(&cursor, &is_64_bit))
		return ENTRY_BROKEN;
	*ret_next = cursor.end;
	uint64_t field = cursor.at;
	uint64_t distance = dwarf_cursor_fixed(&cursor, is_64_bit ? 8 : 4);
	if (!distance) /* a common entry */
		return ENTRY_ELSEWHERE;
	*entry = (struct entry){0};
	if (!read_common_entry(dwarf_cursor_at(field - distance, view->low, view->high), entry))
		return ENTRY_BROKEN;
	entry->code_start = dwarf_cursor_encoded(&cursor, entry->pointer_encoding, 0);
	entry->code_end = entry->code_start + dwarf_cursor_encoded(&cursor, entry->pointer_encoding & 0x0f, 0);
	if (entry->has_augmentation_size)
		skip_block(&cursor);
	if (cursor.failed)
		return ENTRY_BROKEN;
	entry->program = cursor;
	return address >= entry->code_start && address < entry->code_end ? ENTRY_MATCHES : ENTRY_ELSEWHERE;
}

static bool scan_entries(const struct eh_frame_view *view, uint64_t section, uint64_t address, struct entry *entry)
{
	enum entry_match match;
	do
		match = read_entry(view, section, address, entry, &section);
	while (match == ENTRY_ELSEWHERE);
	return match == ENTRY_MATCHES;
}

static int64_t table_value(uint64_t table, uint64_t index, unsigned column)
{
	int32_t value;
	memcpy(&value, (const void *)(uintptr_t)(table + index * 8 + column * 4), sizeof value);
	return value;
}

static bool find_entry(const struct eh_frame_view *view, uint64_t address, struct entry *entry)
{
	struct dwarf_cursor cursor =
		dwarf_cursor_at(view->header, view->low, view->header + view->header_size_bytes);
	uint8_t version = (uint8_t)dwarf_cursor_fixed(&cursor, 1);
	uint8_t section_encoding = (uint8_t)dwarf_cursor_fixed(&cursor, 1);
	uint8_t count_encoding = (uint8_t)dwarf_cursor_fixed(&cursor, 1);
	uint8_t table_encoding = (uint8_t)dwarf_cursor_fixed(&cursor, 1);
	uint64_t section = dwarf_cursor_encoded(&cursor, section_encoding, view->header);
	if (cursor.failed || version != 1 || section_encoding == DWARF_PE_OMIT)
		return false;
	if (count_encoding == DWARF_PE_OMIT || table_encoding != BINARY_SEARCH_ENCODING)
		return scan_entries(view, section, address, entry);
	uint64_t count = dwarf_cursor_encoded(&cursor, count_encoding, view->header);
	if (cursor.failed || count > (cursor.end - cursor.at) / 8)
		return false;
	int64_t wanted = (int64_t)(address - view->header);
	uint64_t low = 0, high = count; /* the last row at or below the address lies in [low - 1, high - 1] */
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (table_value(cursor.at, middle, 0) <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	uint64_t next;
	return low && read_entry(view, view->header + (uint64_t)table_value(cursor.at, low - 1, 1), address, entry,
				 &next) == ENTRY_MATCHES;
}

/* --- from a row to a rule --- */

static bool is_expression(const struct dwarf_cursor *expression, const uint8_t *bytes, uint64_t size_bytes)
{
	return expression->end - expression->at == size_bytes &&
	       !memcmp((const void *)(uintptr_t)expression->at, bytes, size_bytes);
}

/* The linker's entry for .plt: CFA = rsp + 8, and 8 more from the push in each 16 byte stub on:
 * breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus. */
static bool find_plt_offset(const struct row *row, uint64_t address, int64_t *ret_offset)
{
	uint8_t expected[] = {0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x30, 0x2a, 0x33, 0x24, 0x22};
	enum { LITERAL = 6 };
	const struct dwarf_cursor *expression = &row->cfa_expression;
	if (expression->end - expression->at != sizeof expected)
		return false;
	uint8_t literal = ((const uint8_t *)(uintptr_t)expression->at)[LITERAL];
	expected[LITERAL] = literal;
	if (literal < 0x30 || literal > 0x3f || !is_expression(expression, expected, sizeof expected))
		return false;
	*ret_offset = (address & 15) >= literal - 0x30u ? 16 : 8;
	return true;
}

/* breg7 160, deref: rsp as saved in the ucontext_t that the stack pointer points to. */
static bool is_signal_row(const struct row *row)
{
	static const uint8_t saved_sp[] = {0x77, 0xa0, 0x01, 0x06};
	return row->cfa_expression.at && is_expression(&row->cfa_expression, saved_sp, sizeof saved_sp);
}

static bool fits_32_bits(int64_t value) { return value == (int32_t)value; }

static struct unwind_rule rule_from_row(const struct entry *entry, struct row *row, uint64_t address)
{
	struct unwind_rule none = {.kind = UNWIND_NONE};
	if (row->ra.state == REGISTER_UNDEFINED)
		return (struct unwind_rule){.kind = UNWIND_OUTERMOST};
	if (entry->is_signal_frame)
		return is_signal_row(row) ? (struct unwind_rule){.kind = UNWIND_SIGNAL} : none;
	if (row->cfa_expression.at) {
		if (!find_plt_offset(row, address, &row->cfa_offset))
			return none;
		row->cfa_register = REGISTER_SP;
	}
	bool bp_saved = row->bp.state == REGISTER_AT_OFFSET;
	if ((row->cfa_register != REGISTER_SP && row->cfa_register != REGISTER_BP) ||
	    row->ra.state != REGISTER_AT_OFFSET || row->sp.state != REGISTER_UNCHANGED ||
	    (!bp_saved && row->bp.state != REGISTER_UNCHANGED) || !fits_32_bits(row->cfa_offset) ||
	    !fits_32_bits(row->ra.offset) || !fits_32_bits(row->bp.offset))
		return none;
	return (struct unwind_rule){
		.kind = UNWIND_NORMAL,
		.cfa_from_bp = row->cfa_register == REGISTER_BP,
		.bp_saved = bp_saved,
		.cfa_offset = (int32_t)row->cfa_offset,
		.ra_offset = (int32_t)row->ra.offset,
		.bp_offset = bp_saved ? (int32_t)row->bp.offset : 0,
	};
}

struct unwind_rule eh_frame_find_rule(const struct eh_frame_view *view, uint64_t address)
{
	struct unwind_rule none = {.kind = UNWIND_NONE};
	struct entry entry;
	struct row initial = {0};
	if (view->header < view->low || view->header > view->high ||
	    view->header_size_bytes > view->high - view->header || !find_entry(view, address, &entry))
		return none;
	if (!execute(entry.common_program, &entry, NULL, UINT64_MAX, &initial))
		return none;
	struct row row = initial;
	if (!execute(entry.program, &entry, &initial, address, &row))
		return none;
	return rule_from_row(&entry, &row, address);
}
