#include "eh_frame.h"

#include <stddef.h>

#include "cfa_program.h"

enum {
	BINARY_SEARCH_ENCODING =
	    0x3b, /* signed 4 bytes relative to .eh_frame_hdr: what every linker writes */
};

struct entry {
	uint64_t code_start, code_end;
	struct cfa_encoding encoding;
	bool has_augmentation_size, is_signal_frame;
	struct dwarf_cursor common_program, program;
};

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
	entry->encoding.pointer_encoding = 0;
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
			entry->encoding.pointer_encoding = (uint8_t)dwarf_cursor_fixed(&data, 1);
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
	entry->encoding.code_alignment = dwarf_cursor_uleb(&cursor);
	entry->encoding.data_alignment = dwarf_cursor_sleb(&cursor);
	uint64_t ra = version == 1 ? dwarf_cursor_fixed(&cursor, 1) : dwarf_cursor_uleb(&cursor);
	if (ra != DWARF_REGISTER_RA || !read_augmentation(&cursor, augmentation, entry))
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
	entry->code_start = dwarf_cursor_encoded(&cursor, entry->encoding.pointer_encoding, 0);
	entry->code_end =
	    entry->code_start + dwarf_cursor_encoded(&cursor, entry->encoding.pointer_encoding & 0x0f, 0);
	if (entry->has_augmentation_size)
		dwarf_cursor_skip_block(&cursor);
	if (cursor.failed)
		return ENTRY_BROKEN;
	entry->program = cursor;
	return address >= entry->code_start && address < entry->code_end ? ENTRY_MATCHES : ENTRY_ELSEWHERE;
}

static bool scan_entries(const struct eh_frame_view *view, uint64_t section, uint64_t address,
                         struct entry *entry)
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
	return low && read_entry(view, view->header + (uint64_t)table_value(cursor.at, low - 1, 1), address,
	                         entry, &next) == ENTRY_MATCHES;
}

/* --- from a row to a rule --- */

static bool is_expression(const struct dwarf_cursor *expression, const uint8_t *bytes, uint64_t size_bytes)
{
	return expression->end - expression->at == size_bytes &&
	       !memcmp((const void *)(uintptr_t)expression->at, bytes, size_bytes);
}

/* The linker's entry for .plt: CFA = rsp + 8, and 8 more from the push in each 16 byte stub on:
 * breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus. */
static bool find_plt_offset(const struct cfa_row *row, uint64_t address, int64_t *ret_offset)
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
static bool is_signal_row(const struct cfa_row *row)
{
	static const uint8_t saved_sp[] = {0x77, 0xa0, 0x01, 0x06};
	return row->cfa_expression.at && is_expression(&row->cfa_expression, saved_sp, sizeof saved_sp);
}

static bool fits_32_bits(int64_t value)
{
	return value == (int32_t)value;
}

static struct unwind_rule rule_from_row(const struct entry *entry, struct cfa_row *row, uint64_t address)
{
	struct unwind_rule none = {.kind = UNWIND_NONE};
	if (row->ra.state == CFA_UNDEFINED)
		return (struct unwind_rule){.kind = UNWIND_OUTERMOST};
	if (entry->is_signal_frame)
		return is_signal_row(row) ? (struct unwind_rule){.kind = UNWIND_SIGNAL} : none;
	if (row->cfa_expression.at) {
		if (!find_plt_offset(row, address, &row->cfa_offset))
			return none;
		row->cfa_register = DWARF_REGISTER_SP;
	}
	bool bp_saved = row->bp.state == CFA_AT_OFFSET;
	if ((row->cfa_register != DWARF_REGISTER_SP && row->cfa_register != DWARF_REGISTER_BP) ||
	    row->ra.state != CFA_AT_OFFSET || row->sp.state != CFA_UNCHANGED ||
	    (!bp_saved && row->bp.state != CFA_UNCHANGED) || !fits_32_bits(row->cfa_offset) ||
	    !fits_32_bits(row->ra.offset) || !fits_32_bits(row->bp.offset))
		return none;
	return (struct unwind_rule){
	    .kind = UNWIND_NORMAL,
	    .cfa_from_bp = row->cfa_register == DWARF_REGISTER_BP,
	    .bp_saved = bp_saved,
	    .cfa_offset = (int32_t)row->cfa_offset,
	    .ra_offset = (int32_t)row->ra.offset,
	    .bp_offset = bp_saved ? (int32_t)row->bp.offset : 0,
	};
}

static bool find_function(const struct eh_frame_view *view, uint64_t address, struct entry *entry)
{
	return view->header >= view->low && view->header <= view->high &&
	       view->header_size_bytes <= view->high - view->header && find_entry(view, address, entry);
}

bool eh_frame_is_one_function(const struct eh_frame_view *view, uint64_t address, uint64_t other)
{
	struct entry entry;
	return find_function(view, address, &entry) && other >= entry.code_start && other < entry.code_end;
}

struct unwind_rule eh_frame_find_rule(const struct eh_frame_view *view, uint64_t address)
{
	struct unwind_rule none = {.kind = UNWIND_NONE};
	struct entry entry;
	struct cfa_row initial = {0};
	if (!find_function(view, address, &entry))
		return none;
	if (!cfa_program_run(entry.common_program, &entry.encoding, 0, NULL, UINT64_MAX, &initial))
		return none;
	struct cfa_row row = initial;
	if (!cfa_program_run(entry.program, &entry.encoding, entry.code_start, &initial, address, &row))
		return none;
	struct unwind_rule rule = rule_from_row(&entry, &row, address);
	rule.is_small = entry.code_end - entry.code_start <= EH_FRAME_SMALL_SIZE_BYTES;
	return rule;
}
