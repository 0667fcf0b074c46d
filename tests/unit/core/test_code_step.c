/* code_step() against the processor: the same instruction, run on the same registers. Whatever the one knows
 * afterwards has to be what the other did. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "code_arithmetic.h"
#include "code_step.h"
#include "core_fixture.h"

enum {
	FLAGS = CODE_REGISTERS,
	POINTER = 15,
	INSTRUCTIONS = 100000,
	CODE_SIZE_BYTES = 4096,
	AROUND_BYTES = 160, /* of what rbp points to: as far as an offset of one byte and an operand reach */
};

static uint8_t *code;
static uint8_t stack[CODE_STACK_BYTES] __attribute__((aligned(16)));
static uint8_t *const place = stack + CODE_STACK_BYTES / 2;
static uint64_t seed = 1;

static uint32_t pick(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* Any, but often one at which something changes. */
static uint64_t pick_number(void)
{
	static const uint64_t edges[] = {0,          1,          0x7f,      0x80,
	                                 0xff,       0x7fff,     0x8000,    0x7fffffff,
	                                 0x80000000, UINT32_MAX, INT64_MAX, UINT64_C(1) << 63,
	                                 UINT64_MAX};
	if (pick(2))
		return edges[pick(sizeof edges / sizeof *edges)];
	return (uint64_t)pick(UINT32_MAX) << 40 ^ (uint64_t)pick(UINT32_MAX) << 20 ^ pick(UINT32_MAX);
}

/* With all registers but rsp and r15 as in regs[]; they and the flags come back there. */
static __attribute__((noinline)) void run(uint64_t *regs)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
	                 "push %%rbp\n\t"
	                 "push %%rsi\n\t"
	                 "mov %%rdi, %%r15\n\t"
	                 "mov (%%r15), %%rax\n\tmov 8(%%r15), %%rcx\n\tmov 16(%%r15), %%rdx\n\t"
	                 "mov 24(%%r15), %%rbx\n\tmov 40(%%r15), %%rbp\n\tmov 48(%%r15), %%rsi\n\t"
	                 "mov 56(%%r15), %%rdi\n\tmov 64(%%r15), %%r8\n\tmov 72(%%r15), %%r9\n\t"
	                 "mov 80(%%r15), %%r10\n\tmov 88(%%r15), %%r11\n\tmov 96(%%r15), %%r12\n\t"
	                 "mov 104(%%r15), %%r13\n\tmov 112(%%r15), %%r14\n\t"
	                 "call *(%%rsp)\n\t"
	                 "mov %%rax, (%%r15)\n\tmov %%rcx, 8(%%r15)\n\tmov %%rdx, 16(%%r15)\n\t"
	                 "mov %%rbx, 24(%%r15)\n\tmov %%rbp, 40(%%r15)\n\tmov %%rsi, 48(%%r15)\n\t"
	                 "mov %%rdi, 56(%%r15)\n\tmov %%r8, 64(%%r15)\n\tmov %%r9, 72(%%r15)\n\t"
	                 "mov %%r10, 80(%%r15)\n\tmov %%r11, 88(%%r15)\n\tmov %%r12, 96(%%r15)\n\t"
	                 "mov %%r13, 104(%%r15)\n\tmov %%r14, 112(%%r15)\n\t"
	                 "pushfq\n\tpop %%rax\n\tmov %%rax, 128(%%r15)\n\t"
	                 "pop %%rsi\n\tpop %%rbp\n\tlea 128(%%rsp), %%rsp"
	                 : "+D"(regs)
	                 : "S"(code)
	                 : "rax", "rcx", "rdx", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	                   "memory", "cc");
}

/* What follows the opcode. */
enum operands {
	REGISTERS, /* a ModRM byte that names two registers */
	GROUP,     /* one, whose middle says which instruction it is */
	ADDRESS,   /* one in memory, which is not read */
	NONE,
};

static const struct sample {
	const char *opcode;
	enum operands operands;
	uint8_t first, last; /* of a group */
	uint8_t immediate;   /* bytes; 4 is 2 with the prefix 66 */
	uint8_t opcodes;     /* so many in a row */
} samples[] = {
    {"\x00", REGISTERS, 0, 0, 0, 4},     {"\x08", REGISTERS, 0, 0, 0, 4},
    {"\x10", REGISTERS, 0, 0, 0, 4},     {"\x18", REGISTERS, 0, 0, 0, 4},
    {"\x20", REGISTERS, 0, 0, 0, 4},     {"\x28", REGISTERS, 0, 0, 0, 4},
    {"\x30", REGISTERS, 0, 0, 0, 4},     {"\x38", REGISTERS, 0, 0, 0, 4},
    {"\x2c", NONE, 0, 0, 1, 1},          {"\x3d", NONE, 0, 0, 4, 1},
    {"\x63", REGISTERS, 0, 0, 0, 1},     {"\x69", REGISTERS, 0, 0, 4, 1},
    {"\x6b", REGISTERS, 0, 0, 1, 1},     {"\x80", GROUP, 0, 7, 1, 1},
    {"\x81", GROUP, 0, 7, 4, 1},         {"\x83", GROUP, 0, 7, 1, 1},
    {"\x84", REGISTERS, 0, 0, 0, 2},     {"\x88", REGISTERS, 0, 0, 0, 4},
    {"\x8d", ADDRESS, 0, 0, 0, 1},       {"\x90", NONE, 0, 0, 0, 1},
    {"\x98", NONE, 0, 0, 0, 1},          {"\xa8", NONE, 0, 0, 1, 1},
    {"\xa9", NONE, 0, 0, 4, 1},          {"\xb0", NONE, 0, 0, 1, 4},
    {"\xc0", GROUP, 0, 5, 1, 2},         {"\xc6", GROUP, 0, 0, 1, 1},
    {"\xc7", GROUP, 0, 0, 4, 1},         {"\xd0", GROUP, 0, 5, 0, 4},
    {"\xf6", GROUP, 0, 0, 1, 1},         {"\xf6", GROUP, 2, 3, 0, 2},
    {"\xf7", GROUP, 0, 0, 4, 1},         {"\xfe", GROUP, 0, 1, 0, 2},
    {"\x0f\xaf", REGISTERS, 0, 0, 0, 1}, {"\x0f\xb6", REGISTERS, 0, 0, 0, 2},
    {"\x0f\xbe", REGISTERS, 0, 0, 0, 2}, {"\x0f\x40", REGISTERS, 0, 0, 0, 16},
    {"\x0f\x90", GROUP, 0, 0, 0, 16},    {"\xf7", GROUP, 4, 5, 0, 1},
    {"\x86", REGISTERS, 0, 0, 0, 2},     {"\x90", NONE, 0, 0, 0, 4},
    {"\x95", NONE, 0, 0, 0, 3},          {"\x0f\xb0", REGISTERS, 0, 0, 0, 2},
    {"\x0f\xc0", REGISTERS, 0, 0, 0, 2}, {"\x0f\xa3", REGISTERS, 0, 0, 0, 1},
    {"\x0f\xab", REGISTERS, 0, 0, 0, 1}, {"\x0f\xb3", REGISTERS, 0, 0, 0, 1},
    {"\x0f\xbb", REGISTERS, 0, 0, 0, 1}, {"\x0f\xba", GROUP, 4, 7, 1, 1},
    {"\x0f\xae", GROUP, 5, 7, 0, 1},     {"\x0f\x10", REGISTERS, 0, 0, 0, 2},
    {"\x0f\x6e", REGISTERS, 0, 0, 0, 1}, {"\x0f\x7e", REGISTERS, 0, 0, 0, 1},
    {"\x0f\xd6", REGISTERS, 0, 0, 0, 1},
};

/* In memory: at rbp and an offset of one byte. Neither rsp nor r15 by any prefix; where a byte operand has no
 * REX 4 to 7 are the high bytes. */
static uint8_t pick_modrm(const struct sample *sample, uint8_t rex)
{
	static const uint8_t lows[] = {0, 1, 2, 3, 5, 6, 7};
	bool in_memory = sample->operands != ADDRESS && !(rex & 1) && pick(3) == 0;
	uint8_t rm = in_memory ? CODE_RBP : lows[pick((rex & 1) ? 6 : 7)],
	        reg = lows[pick((rex & 4) ? 6 : 7)];
	if (sample->operands == GROUP)
		reg = (uint8_t)(sample->first + pick(sample->last - sample->first + 1u));
	unsigned mod = in_memory ? 1 : sample->operands == ADDRESS ? pick(3) : 3;
	return (uint8_t)(mod << 6 | reg << 3 | rm);
}

static unsigned put_random(uint8_t *at, unsigned size_bytes)
{
	uint64_t number = pick_number();
	memcpy(at, &number, size_bytes);
	return size_bytes;
}

/* One instruction and a return. */
static unsigned write_code(const struct sample *sample)
{
	uint8_t *at = code;
	uint8_t rex = pick(2) ? (uint8_t)(0x40 | pick(16)) : 0;
	bool is_short = pick(4) == 0;
	if (is_short)
		*at++ = 0x66;
	if (sample->operands == NONE)
		rex &= 0x48;
	if (rex)
		*at++ = rex;
	size_t opcode_bytes = sample->opcode[0] == 0x0f ? 2 : 1;
	memcpy(at, sample->opcode, opcode_bytes);
	at += opcode_bytes;
	at[-1] = (uint8_t)(at[-1] + pick(sample->opcodes));
	if (sample->operands != NONE) {
		uint8_t modrm = pick_modrm(sample, rex);
		*at++ = modrm;
		if (modrm >> 6 == 0 && (modrm & 7) == 5)
			at += put_random(at, 4);
		if (modrm >> 6 == 1)
			at += put_random(at, 1);
		if (modrm >> 6 == 2)
			at += put_random(at, 4);
	}
	at += put_random(at, sample->immediate == 4 && is_short && !(rex & 8) ? 2 : sample->immediate);
	*at = 0xc3;
	return (unsigned)(at - code);
}

static void know_some_memory(struct code_state *state, const uint64_t *regs)
{
	for (int i = -AROUND_BYTES; i < AROUND_BYTES; i++)
		state->memory.stack_known[place + i - stack] = pick(8) != 0;
	for (int i = 0; i < 4; i++) {
		uint8_t *at = place + (int)pick(256) - 128;
		const struct code_value value = {pick_number(), 8, (uint8_t)pick(4)};
		uint64_t number = regs[value.base] + value.number;
		memcpy(at, &number, sizeof number);
		cr_assert(code_memory_store(state, code_number((uint64_t)(uintptr_t)at, 8), 8, value));
	}
}

static struct code_pointers pointers;

/* Known whole, in its low bytes, as what it was at the start, or not at all. */
static void know_some(struct code_state *ret_state, const uint64_t *regs)
{
	static const uint8_t known[] = {0, 1, 2, 4, 8, 8, 8};
	code_memory_init(ret_state, (uint64_t)(uintptr_t)stack + CODE_BELOW_BYTES,
	                 (uint64_t)(uintptr_t)stack + sizeof stack);
	ret_state->memory.pointers = &pointers;
	pointers.count = 0;
	know_some_memory(ret_state, regs);
	for (uint8_t reg = 0; reg < CODE_REGISTERS; reg++) {
		ret_state->reg[reg] = pick(6) ? code_number(regs[reg], known[pick(sizeof known)])
		                              : (struct code_value){0, 8, reg};
	}
	ret_state->reg[CODE_RSP] = ret_state->reg[POINTER] = code_unknown;
	ret_state->reg[CODE_RBP] = code_number(regs[CODE_RBP], 8);
	ret_state->pc = (uint64_t)(uintptr_t)code;
}

static bool agrees(struct code_value value, uint64_t number, const uint64_t *before)
{
	if (!value.known)
		return true;
	uint64_t expected = value.number + (value.base == CODE_NO_BASE ? 0 : before[value.base]);
	return code_truncate(expected ^ number, value.known) == 0;
}

static bool flags_agree(const struct code_state *state, uint64_t flags)
{
	bool others = state->zero == (flags >> 6 & 1) && state->sign == (flags >> 7 & 1) &&
	              state->overflow == (flags >> 11 & 1);
	return (others || !state->flags_known) && (state->carry == (flags & 1) || !state->carry_known);
}

static bool memory_agrees(const struct code_state *state, const uint64_t *before)
{
	for (int i = -AROUND_BYTES; i < AROUND_BYTES; i++) {
		const uint64_t address = (uint64_t)(uintptr_t)place + (uint64_t)i;
		uint64_t number;
		memcpy(&number, place + i, sizeof number);
		if (!agrees(code_memory_load(state, code_number(address, 8), 8), number, before) ||
		    !agrees(code_memory_load(state, code_number(address, 8), 1), number, before))
			return false;
	}
	return true;
}

static void print_code(unsigned length, char *ret_text)
{
	for (unsigned i = 0; i < length; i++)
		ret_text += sprintf(ret_text, "%02x ", code[i]);
}

static void start(void)
{
	core_start();
	code = mmap(NULL, CODE_SIZE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	            -1, 0);
	cr_assert_neq(code, MAP_FAILED);
}

Test(code_step, knows_only_what_the_processor_does)
{
	static struct code_state state;
	unsigned followed = 0;
	start();
	for (int i = 0; i < INSTRUCTIONS; i++) {
		uint64_t before[FLAGS + 1], after[FLAGS + 1];
		char text[64] = "";
		for (int reg = 0; reg < CODE_REGISTERS; reg++)
			before[reg] = pick_number();
		before[CODE_RBP] = (uint64_t)(uintptr_t)place;
		memcpy(after, before, sizeof after);
		unsigned length = write_code(&samples[pick(sizeof samples / sizeof *samples)]);
		know_some(&state, before);
		enum code_step_result result = code_step(&state);
		if (result == CODE_LOST)
			continue;
		followed++;
		run(after);
		print_code(length, text);
		cr_assert_eq(state.pc, (uint64_t)(uintptr_t)code + length, "%s", text);
		cr_assert(memory_agrees(&state, before), "%s: memory", text);
		cr_assert(flags_agree(&state, after[FLAGS]), "%s: flags", text);
		for (int reg = 0; reg < POINTER; reg++)
			cr_assert(reg == CODE_RSP || agrees(state.reg[reg], after[reg], before),
			          "%s: register %d is %#lx + %u, %u bytes; was %#lx, is %#lx", text, reg,
			          state.reg[reg].number, state.reg[reg].base, state.reg[reg].known,
			          before[reg], after[reg]);
	}
	cr_expect_gt(followed, INSTRUCTIONS / 2u);
}

static enum code_step_result step(const char *bytes, size_t size_bytes, struct code_state *ret_state)
{
	uint64_t regs[CODE_REGISTERS] = {0};
	memcpy(code, bytes, size_bytes);
	know_some(ret_state, regs);
	return code_step(ret_state);
}

/* Each does what no rule of ours follows. */
Test(code_step, is_lost_at_what_it_does_not_follow)
{
	static const struct {
		const char *name, *bytes;
		size_t size_bytes;
	} lost[] = {
#define LOST(name, bytes) {name, bytes, sizeof bytes - 1}
	    LOST("xbegin", "\xc7\xf8\0\0\0\0"),
	    LOST("xabort", "\xc6\xf8\0"),
	    LOST("push of two bytes", "\x66\x68\x01\x02"),
	    LOST("pop of two bytes", "\x66\x58"),
	    LOST("rdrand", "\x0f\xc7\xf0"),
	    LOST("cpuid", "\x0f\xa2"),
	    LOST("comiss", "\x0f\x2f\xc1"),
	    LOST("movq of mmx", "\x0f\x6f\xc1"),
	    LOST("pmovmskb", "\x66\x0f\xd7\xc1"),
	    LOST("fcomi", "\xdb\xf1"),
	    LOST("vucomiss", "\xc5\xf8\x2e\xc1"),
	    LOST("loop", "\xe2\x00"),
	    LOST("jrcxz", "\xe3\x00"),
	    LOST("cmpxchg", "\x0f\xb1\xc8"),
	    LOST("lock add of registers", "\xf0\x01\xc8"),
	    LOST("rep movsb", "\xf3\xa4"),
	    LOST("mov to ah", "\xb4\x01"),
	    LOST("store by fs", "\x64\x89\x04\x25\0\0\0\0"),
	    LOST("32-bit address", "\x67\x89\x00"),
	    LOST("ret imm16", "\xc2\x08\x00"),
	    LOST("div", "\xf7\xf1"),
	    LOST("mul of bytes", "\xf6\xe1"),
	    LOST("bts by a register", "\x0f\xab\x08"),
	    LOST("tpause", "\x66\x0f\xae\xf0"),
	    LOST("incsspq", "\xf3\x48\x0f\xae\xe8"),
	    LOST("tzcnt", "\xf3\x0f\xbc\xc1"),
	    LOST("int", "\xcd\x80"),
#undef LOST
	};
	static struct code_state state;
	start();
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
		cr_expect_eq(step(lost[i].bytes, lost[i].size_bytes, &state), CODE_LOST, "%s", lost[i].name);
}
