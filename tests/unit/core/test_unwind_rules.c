/* Rules from hand-made .eh_frame bytes. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "eh_frame.h"
#include "module_map.h"
#include "unwind_rules.h"

enum { CODE_SIZE_BYTES = 0x1000, HEADER_SIZE_BYTES = 20, PAGE_SIZE_BYTES = 4096, SECTION_SIZE_BYTES = 1024 };
enum { RBX = 3, RBP = 6, RSP = 7, R10 = 10, RA = 16 };

/* .eh_frame_hdr with one row, one common entry, one entry, the end. */
struct section {
	_Alignas(8) uint8_t bytes[SECTION_SIZE_BYTES];
	unsigned size;
	uint64_t code; /* nothing is there: no rule reads code */
	struct eh_frame_view view;
};

struct program {
	uint8_t bytes[128];
	unsigned size;
};
#define PROGRAM(...) ((struct program){.bytes = {__VA_ARGS__}, .size = sizeof((uint8_t[]){__VA_ARGS__})})

struct entry_form {
	const char *augmentation;
	uint8_t version, encoding;
	bool is_64_bit, without_table;
};
static const struct entry_form usual_form = {.augmentation = "zR", .version = 1, .encoding = 0x1b};
static struct program usual_start(void)
{
	return PROGRAM(0x0c, RSP, 8, 0x80 | RA, 1);
}

static void put(struct section *section, const void *bytes, unsigned size)
{
	cr_assert_leq(section->size + size, (unsigned)SECTION_SIZE_BYTES);
	memcpy(section->bytes + section->size, bytes, size);
	section->size += size;
}
static void put_number(struct section *section, uint64_t value, unsigned size)
{
	put(section, &value, size);
}
static void put_program(struct section *section, const struct program *program)
{
	put(section, program->bytes, program->size);
}

static void put_encoded(struct section *section, uint8_t encoding, uint64_t value)
{
	static const unsigned sizes[] = {8, 0, 2, 4, 8, 0, 0, 0, 8, 0, 2, 4, 8};
	if (encoding == 0x50)
		section->size = (section->size + 7) & ~7u;
	else if (encoding & 0x10)
		value -= (uint64_t)(uintptr_t)(section->bytes + section->size);
	if ((encoding & 0x0f) == 0x01 || (encoding & 0x0f) == 0x09) {
		for (unsigned i = 0; i < 10; i++, value >>= 7)
			put_number(section, i < 9 ? (value & 0x7f) | 0x80 : value & 0x7f, 1);
		return;
	}
	put_number(section, value, encoding == 0x50 ? 8 : sizes[encoding & 0x0f]);
}

/* Returns where the length stands, to be filled by end_entry(). */
static unsigned begin_entry(struct section *section, const struct entry_form *form)
{
	if (form->is_64_bit)
		put_number(section, 0xffffffff, 4);
	put_number(section, 0, form->is_64_bit ? 8 : 4);
	return section->size;
}
static void end_entry(struct section *section, const struct entry_form *form, unsigned start)
{
	while (section->size % 8)
		put_number(section, 0, 1);
	uint64_t size = section->size - start;
	unsigned field = form->is_64_bit ? 8 : 4;
	memcpy(section->bytes + start - field, &size, field);
}

static void put_common_entry(struct section *section, const struct entry_form *form,
                             const struct program *program)
{
	unsigned start = begin_entry(section, form);
	put_number(section, 0, form->is_64_bit ? 8 : 4);
	put_number(section, form->version, 1);
	put(section, form->augmentation, (unsigned)strlen(form->augmentation) + 1);
	put_number(section, 1, 1);    /* code alignment */
	put_number(section, 0x78, 1); /* data alignment -8 */
	put_number(section, RA, 1);
	if (form->augmentation[0] == 'z') {
		bool personality = strchr(form->augmentation, 'P') != NULL;
		put_number(section, personality ? 7 : 1, 1);
		if (personality)
			put(section, "\x9b\x11\x22\x33\x44\x1b",
			    6); /* indirect pcrel sdata4, then the LSDA's encoding */
		put_number(section, form->encoding, 1);
	}
	put_program(section, program);
	end_entry(section, form, start);
}

static void make_section(struct section *section, const struct entry_form *form, const struct program *common,
                         const struct program *program)
{
	memset(section, 0, sizeof *section);
	uint64_t base = (uint64_t)(uintptr_t)section->bytes;
	section->code = base + 0x2000;
	put(section, form->without_table ? "\x01\x1b\xff\xff" : "\x01\x1b\x03\x3b", 4);
	put_number(section, HEADER_SIZE_BYTES, 4); /* from here to .eh_frame */
	put_number(section, 1, 4);
	put_number(section, section->code - base, 4);
	put_number(section, 0, 4);
	put_number(section, 0, 4); /* .eh_frame begins aligned to 8 */
	unsigned first = section->size;
	put_common_entry(section, form, common);
	uint32_t row = section->size;
	memcpy(section->bytes + 16, &row, 4);
	unsigned start = begin_entry(section, form);
	put_number(section, start - first, form->is_64_bit ? 8 : 4);
	put_encoded(section, form->encoding, section->code);
	put_encoded(section, form->encoding == 0x50 ? 0x50 : form->encoding & 0x0f, CODE_SIZE_BYTES);
	if (form->augmentation[0] == 'z')
		put_number(section, 0, 1);
	put_program(section, program);
	end_entry(section, form, start);
	put_number(section, 0, 4);
	section->view = (struct eh_frame_view){base, HEADER_SIZE_BYTES, base, base + section->size};
}

static struct unwind_rule rule_at(const struct section *section, uint64_t offset)
{
	return eh_frame_find_rule(&section->view, section->code + offset);
}

static void expect_normal(struct unwind_rule rule, bool from_bp, int cfa_offset, int bp_offset)
{
	cr_expect_eq(rule.kind, UNWIND_NORMAL);
	cr_expect_eq(rule.cfa_from_bp, from_bp);
	cr_expect_eq(rule.cfa_offset, cfa_offset, "CFA offset %d, not %d", rule.cfa_offset, cfa_offset);
	cr_expect_eq(rule.ra_offset, -8);
	cr_expect_eq(rule.bp_saved, bp_offset != 0);
	cr_expect_eq(rule.bp_offset, bp_offset, "rbp at %d, not %d", rule.bp_offset, bp_offset);
}

/* The rule at the end of a program that has no rows but one, after the usual common entry. */
static struct unwind_rule rule_of(struct program program)
{
	struct section section;
	struct program common = usual_start();
	make_section(&section, &usual_form, &common, &program);
	return rule_at(&section, 0);
}

static const struct program prologue = {
    .bytes = {0x41, 0x0e, 16, 0x80 | RBP, 2, 0x43, 0x0d, RBP, 0x44, 0x0c, RSP, 8, 0xc0 | RBP},
    .size = 13,
};

static void expect_prologue(const struct section *section)
{
	expect_normal(rule_at(section, 0), false, 8, 0);
	expect_normal(rule_at(section, 1), false, 16, -16);
	expect_normal(rule_at(section, 3), false, 16, -16);
	expect_normal(rule_at(section, 4), true, 16, -16);
	expect_normal(rule_at(section, 7), true, 16, -16);
	expect_normal(rule_at(section, 8), false, 8, 0);
	expect_normal(rule_at(section, CODE_SIZE_BYTES - 1), false, 8, 0);
	cr_expect_eq(rule_at(section, CODE_SIZE_BYTES).kind, UNWIND_NONE);
	cr_expect_eq(rule_at(section, (uint64_t)-1).kind, UNWIND_NONE);
}

Test(unwind_rules, follows_a_function_with_frame_pointer_row_by_row)
{
	struct section section;
	struct program common = usual_start();
	make_section(&section, &usual_form, &common, &prologue);
	expect_prologue(&section);
}

Test(unwind_rules, reads_every_pointer_encoding_and_entry_form)
{
	static const uint8_t encodings[] = {0x00, 0x01, 0x04, 0x08, 0x09, 0x0c, 0x10, 0x12,
	                                    0x13, 0x14, 0x19, 0x1a, 0x1b, 0x1c, 0x50};
	struct section section;
	struct program common = usual_start();
	for (unsigned i = 0; i < sizeof encodings; i++)
		for (unsigned variant = 0; variant < 8; variant++) {
			struct entry_form form = {.augmentation = variant & 4 ? "zPLR" : "zR",
			                          .version = variant & 1 ? 3 : 1,
			                          .encoding = encodings[i],
			                          .is_64_bit = variant & 2,
			                          .without_table = variant & 1};
			make_section(&section, &form, &common, &prologue);
			expect_prologue(&section);
		}
	struct entry_form plain = {.augmentation = "", .version = 1};
	make_section(&section, &plain, &common, &prologue);
	expect_prologue(&section);
}

Test(unwind_rules, refuses_forms_that_it_does_not_know)
{
	struct section section;
	struct program common = usual_start();
	static const struct entry_form unknown[] = {
	    {.augmentation = "zRX", .version = 1, .encoding = 0x1b},
	    {.augmentation = "eh", .version = 1},
	    {.augmentation = "zR", .version = 2, .encoding = 0x1b},
	    {.augmentation = "zR", .version = 1, .encoding = 0x2b},
	    {.augmentation = "zR", .version = 1, .encoding = 0x4b},
	};
	for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		make_section(&section, &unknown[i], &common, &prologue);
		cr_expect_eq(rule_at(&section, 4).kind, UNWIND_NONE, "form %u", i);
	}
}

Test(unwind_rules, advances_by_one_two_and_four_bytes_and_to_a_location)
{
	struct section section;
	struct program common = usual_start();
	struct program program =
	    PROGRAM(0x02, 0xc8, 0x0e, 16, 0x03, 0x2c, 0x01, 0x0e, 24, 0x04, 0x58, 0x02, 0, 0, 0x0e, 32);
	make_section(&section, &usual_form, &common, &program);
	expect_normal(rule_at(&section, 199), false, 8, 0);
	expect_normal(rule_at(&section, 200), false, 16, 0);
	expect_normal(rule_at(&section, 499), false, 16, 0);
	expect_normal(rule_at(&section, 500), false, 24, 0);
	expect_normal(rule_at(&section, 1099), false, 24, 0);
	expect_normal(rule_at(&section, 1100), false, 32, 0);

	struct entry_form absolute = {.augmentation = "zR", .version = 1, .encoding = 0x04};
	program = PROGRAM(0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0x0e, 40);
	uint64_t location = (uint64_t)(uintptr_t)section.bytes + 0x2000 + 77;
	memcpy(program.bytes + 1, &location, 8);
	make_section(&section, &absolute, &common, &program);
	expect_normal(rule_at(&section, 76), false, 8, 0);
	expect_normal(rule_at(&section, 77), false, 40, 0);
}

Test(unwind_rules, remembers_and_restores_states_nested)
{
	struct section section;
	struct program common = usual_start();
	struct program program = PROGRAM(0x0e, 16, 0x86, 2, 0x0a, 0x41, 0x0e, 24, 0x0a, 0x41, 0x0d, RBP,
	                                 0xc0 | RBP, 0x41, 0x0b, 0x41, 0x0b);
	make_section(&section, &usual_form, &common, &program);
	expect_normal(rule_at(&section, 0), false, 16, -16);
	expect_normal(rule_at(&section, 1), false, 24, -16);
	expect_normal(rule_at(&section, 2), true, 24, 0);
	expect_normal(rule_at(&section, 3), false, 24, -16);
	expect_normal(rule_at(&section, 4), false, 16, -16);
	cr_expect_eq(rule_of(PROGRAM(0x0b)).kind, UNWIND_NONE, "nothing was remembered");
	cr_expect_eq(rule_of(PROGRAM(10, 10, 10, 10, 10, 10, 10, 10, 10)).kind, UNWIND_NONE,
	             "more than is kept");
}

Test(unwind_rules, understands_every_way_to_say_an_offset)
{
	expect_normal(rule_of(PROGRAM(0x05, RBP, 3)), false, 8, -24);
	expect_normal(rule_of(PROGRAM(0x11, RBP, 4)), false, 8, -32);
	expect_normal(rule_of(PROGRAM(0x2f, RBP, 0x7b)), false, 8, 984); /* minus 123 times -8 */
	expect_normal(rule_of(PROGRAM(0x12, RBP, 0x7e)), true, 16, 0);
	expect_normal(rule_of(PROGRAM(0x13, 0x7d)), false, 24, 0);
	expect_normal(rule_of(PROGRAM(0x0e, 0x80, 0x80, 0x01)), false, 16384, 0);
	expect_normal(rule_of(PROGRAM(0x86, 2, 0x06, RBP)), false, 8, 0);
	expect_normal(rule_of(PROGRAM(0x86, 2, 0x08, RBP)), false, 8, 0);
	expect_normal(rule_of(PROGRAM(0x2e, 0x90, 0x01, 0x0e, 16)), false, 16, 0);
	expect_normal(rule_of(PROGRAM(0x00, 0x00, 0x0e, 16)), false, 16, 0);
	struct unwind_rule moved = rule_of(PROGRAM(0x80 | RA, 3));
	cr_expect_eq(moved.kind, UNWIND_NORMAL);
	cr_expect_eq(moved.ra_offset, -24);
}

Test(unwind_rules, passes_over_what_other_registers_need)
{
	expect_normal(rule_of(PROGRAM(0x09, RBX, 1, 0x10, RBX, 3, 0x0e, 99, 0x0e, 0x16, RBX, 1, 0x0e, 0x14,
	                              RBX, 2, 0x15, RBX, 2, 0x07, RBX, 0x80 | RBX, 5, 0x0e, 48)),
	              false, 48, 0);
}

Test(unwind_rules, cuts_where_no_simple_rule_exists)
{
	cr_expect_eq(rule_of(PROGRAM(0x09, RBP, 1)).kind, UNWIND_NONE, "rbp in a register");
	cr_expect_eq(rule_of(PROGRAM(0x10, RBP, 2, 0x76, 0)).kind, UNWIND_NONE, "rbp by expression");
	cr_expect_eq(rule_of(PROGRAM(0x16, RBP, 2, 0x76, 0)).kind, UNWIND_NONE, "rbp by value expression");
	cr_expect_eq(rule_of(PROGRAM(0x14, RBP, 2)).kind, UNWIND_NONE, "rbp by value offset");
	cr_expect_eq(rule_of(PROGRAM(0x07, RBP)).kind, UNWIND_NONE, "rbp lost");
	cr_expect_eq(rule_of(PROGRAM(0x80 | RSP, 2)).kind, UNWIND_NONE, "rsp saved");
	cr_expect_eq(rule_of(PROGRAM(0x0d, R10)).kind, UNWIND_NONE, "CFA from r10");
	cr_expect_eq(rule_of(PROGRAM(0x0f, 3, 0x76, 0x78, 0x06)).kind, UNWIND_NONE, "CFA by expression");
	cr_expect_eq(rule_of(PROGRAM(0x09, RA, 1)).kind, UNWIND_NONE, "return address in a register");
	cr_expect_eq(rule_of(PROGRAM(0x08, RA)).kind, UNWIND_NONE, "return address not saved");
	cr_expect_eq(rule_of(PROGRAM(0x2d)).kind, UNWIND_NONE, "another architecture's instruction");
	cr_expect_eq(rule_of(PROGRAM(0x1c)).kind, UNWIND_NONE, "no instruction");
	cr_expect_eq(rule_of(PROGRAM(0x0f, 0xff, 0x7f)).kind, UNWIND_NONE, "a block past the end");
}

Test(unwind_rules, knows_outermost_frames_signal_frames_and_linkage_stubs)
{
	cr_expect_eq(rule_of(PROGRAM(0x07, RA)).kind, UNWIND_OUTERMOST);

	struct section section;
	struct entry_form signal_form = {.augmentation = "zRS", .version = 1, .encoding = 0x1b};
	struct program none = {.size = 0}, saved_sp = PROGRAM(0x0f, 4, 0x77, 0xa0, 0x01, 0x06),
	               common = usual_start();
	make_section(&section, &signal_form, &none, &saved_sp);
	cr_expect_eq(rule_at(&section, 0).kind, UNWIND_SIGNAL);
	make_section(&section, &signal_form, &common, &none);
	cr_expect_eq(rule_at(&section, 0).kind, UNWIND_NONE, "a signal frame that is not the kernel's");

	struct program stub = PROGRAM(0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);
	make_section(&section, &usual_form, &common, &stub);
	uint64_t first = 16 - section.code % 16;
	expect_normal(rule_at(&section, first + 10), false, 8, 0);
	expect_normal(rule_at(&section, first + 11), false, 16, 0);
}

/* The bytes at the very end, or start, of readable memory. */
static struct section *between_guards(void)
{
	char *pages = mmap(NULL, 3 * PAGE_SIZE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + PAGE_SIZE_BYTES, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE), 0);
	return (struct section *)(pages + PAGE_SIZE_BYTES);
}

Test(unwind_rules, reads_nothing_outside_the_given_memory_when_truncated_at_any_byte)
{
	struct section section;
	struct program common = usual_start();
	make_section(&section, &usual_form, &common, &prologue);
	uint8_t *page = (uint8_t *)between_guards();
	for (unsigned size = 0; size <= section.size; size++) {
		uint8_t *start = page + PAGE_SIZE_BYTES - size;
		memcpy(start, section.bytes, size);
		uint64_t base = (uint64_t)(uintptr_t)start;
		struct eh_frame_view view = {base, HEADER_SIZE_BYTES, base, base + size};
		struct unwind_rule rule = eh_frame_find_rule(&view, base + 0x2000 + 4);
		bool whole = size >= section.size - 4; /* without the end mark */
		cr_expect_eq(rule.kind, whole ? UNWIND_NORMAL : UNWIND_NONE, "%u of %u bytes", size,
		             section.size);
	}
}

Test(unwind_rules, survives_any_bytes)
{
	struct section *section = between_guards();
	struct program common = usual_start();
	uint32_t random = 12345;
	for (unsigned round = 0; round < 200000; round++) {
		struct entry_form form = usual_form;
		form.without_table = round & 1;
		make_section(section, &form, &common, &prologue);
		for (unsigned change = 0; change <= round % 5; change++) {
			random = random * 1664525 + 1013904223;
			section->bytes[(random >> 8) % section->size] = (uint8_t)(random >> 24);
		}
		struct unwind_rule rule = rule_at(section, round % 12);
		cr_assert_leq(rule.kind, UNWIND_SIGNAL);
	}
}
