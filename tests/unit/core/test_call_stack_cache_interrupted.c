/* The cache of call_stack_capture() with a signal handler that comes before each of its instructions, and
 * captures a stack itself.
 *
 * One run is made step by step, to learn which instructions there are. Then each gets a breakpoint, in a run
 * of its own: to step to it each time takes a million signals. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "call_stack_cache_fixture.h"
#include "core_fixture.h"

/* A sanitizer's checks make of each instruction many. */
enum {
	INSTRUCTIONS_MAX = CORE_IS_SANITIZED ? 100000 : 2000,
	INTERRUPT_EACH = CORE_IS_SANITIZED ? 50 : 1,
};

enum { BREAKPOINT = 0xcc };
#define TRAP_FLAG 0x100UL /* in rflags: a trap after each instruction */

static uintptr_t seen[INSTRUCTIONS_MAX]; /* addresses, in the order of the run */
static volatile unsigned step, interruptions;
static struct call_registers in_handler;

static struct {
	volatile uint8_t *at;
	uint8_t replaced;
	unsigned passes_left; /* of the same instruction before the one that is meant */
	bool is_stepped_over;
} breakpoint;

/* The breakpoint may stand in what AddressSanitizer calls at the begin of a function: a handler that came
 * there, too, before it took the breakpoint away, would end the test. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

UNCHECKED static void keep_step(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	if (step < INSTRUCTIONS_MAX)
		seen[step] = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	step++;
}

UNCHECKED static void meet_breakpoint(int signal, siginfo_t *info, void *context)
{
	greg_t *registers_now = ((ucontext_t *)context)->uc_mcontext.gregs;
	(void)signal, (void)info;
	if (breakpoint.is_stepped_over) {
		breakpoint.is_stepped_over = false;
		registers_now[REG_EFL] &= ~(greg_t)TRAP_FLAG;
		*breakpoint.at = BREAKPOINT;
		return;
	}
	*breakpoint.at = breakpoint.replaced;
	registers_now[REG_RIP]--;
	if (breakpoint.passes_left) {
		breakpoint.passes_left--;
		breakpoint.is_stepped_over = true;
		registers_now[REG_EFL] |= TRAP_FLAG;
		return;
	}
	unsigned flags;
	capture_with(&cache, &in_handler, &flags);
	interruptions++;
}

static void set_handler(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	cr_assert_eq(sigaction(SIGTRAP, &action, NULL), 0);
}

/* Before the instruction that was the run's `index`th. */
static void set_breakpoint(unsigned index)
{
	uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE), at = seen[index];
	cr_assert_eq(mprotect((void *)(at & -page_size), page_size, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	breakpoint.passes_left = 0;
	for (unsigned i = 0; i < index; i++)
		breakpoint.passes_left += seen[i] == at;
	breakpoint.at = (volatile uint8_t *)at;
	breakpoint.replaced = *breakpoint.at;
	*breakpoint.at = BREAKPOINT;
}

static __attribute__((noinline)) struct call_site capture_with_flag(const struct call_registers *regs,
                                                                    unsigned long trap_flag)
{
	struct call_site site;
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"r"(trap_flag) : "memory", "cc");
	call_stack_capture(&cache, &bounds, regs, true, &site);
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
	return site;
}

enum cache_state { CACHE_EMPTY, CACHE_SAME_LAYOUT, CACHE_HIT };

static void bring_into(enum cache_state state, const struct call_registers *regs, uint64_t other_caller)
{
	const uint64_t caller = stack[4];
	unsigned flags;
	memset(&cache, 0, sizeof cache);
	if (state == CACHE_SAME_LAYOUT)
		stack[4] = other_caller;
	if (state != CACHE_EMPTY)
		capture_with(&cache, regs, &flags);
	stack[4] = caller;
}

static void learn_instructions(enum cache_state state, const struct call_registers *regs,
                               uint64_t other_caller)
{
	/* Once without: functions that are called are found by the loader at their first call. */
	for (unsigned long trap_flag = 0; trap_flag <= TRAP_FLAG; trap_flag += TRAP_FLAG) {
		bring_into(state, regs, other_caller);
		step = 0;
		set_handler(keep_step);
		capture_with_flag(regs, trap_flag);
	}
	cr_assert_gt(step, 20);
	cr_assert_leq(step, INSTRUCTIONS_MAX);
}

static void interrupt_everywhere(enum cache_state state, const struct call_registers *regs,
                                 uint64_t other_caller)
{
	struct call_stack_cache empty = {0};
	unsigned flags;
	struct call_site expected = capture_with(&empty, regs, &flags);
	learn_instructions(state, regs, other_caller);
	set_handler(meet_breakpoint);
	for (unsigned index = 0; index < step; index += INTERRUPT_EACH) {
		const unsigned before = interruptions;
		bring_into(state, regs, other_caller);
		set_breakpoint(index);
		struct call_site site = capture_with_flag(regs, 0);
		cr_assert_eq(interruptions, before + 1, "at instruction %u", index);
		cr_assert_arr_eq(&site, &expected, sizeof site, "at instruction %u", index);
		expect_cached_as_fresh(regs);
		expect_cached_as_fresh(&in_handler);
	}
}

/* The handler's stack is kept in the same entry. */
static void choose_handlers_stack(const struct call_registers *regs, uint32_t its_rule)
{
	const struct call_stack_cache_entry *entry = call_stack_cache_entry_for(&cache, regs->pc, regs->sp);
	unsigned code = 100;
	do
		in_handler = registers(++code, 20, 44);
	while (call_stack_cache_entry_for(&cache, in_handler.pc, in_handler.sp) != entry);
	set_rule(CODE(code), its_rule);
	stack[21] = CODE(4), stack[22] = 55, stack[25] = CODE(5), stack[26] = CODE(2), stack[27] = CODE(3);
}

Test(call_stack_cache, is_right_whatever_instruction_a_handler_interrupts)
{
	make_stack();
	set_simple_rules();
	stack[1] = CODE(1), stack[3] = 77, stack[4] = CODE(2), stack[5] = 88, stack[6] = CODE(3);
	struct call_registers regs = registers(0, 0, 66);
	choose_handlers_stack(&regs, rule(false, 2, 0));
	for (enum cache_state state = CACHE_EMPTY; state <= CACHE_HIT; state++)
		interrupt_everywhere(state, &regs, CODE(5));
	cr_expect_gt(interruptions, 100 / INTERRUPT_EACH);
}

/* The same where both stacks are kept deep. */
Test(call_stack_cache, is_right_behind_wrappers_whatever_instruction_a_handler_interrupts)
{
	make_stack();
	set_simple_rules();
	for (unsigned code = 0; code < 6; code++)
		set_rule(CODE(code), rule(false, 2, 0) | UNWIND_RULE_GLUE);
	for (unsigned i = 1; i < 18; i++)
		stack[i] = CODE(i / 2 % 6);
	for (unsigned i = 20; i < STACK_WORDS; i++)
		stack[i] = CODE(i / 2 % 5);
	struct call_registers regs = registers(0, 0, 66);
	choose_handlers_stack(&regs, rule(false, 2, 0) | UNWIND_RULE_GLUE);
	cr_assert_neq(expect_cached_as_fresh(&regs).pc[6], 0);
	cr_assert_neq(expect_cached_as_fresh(&in_handler).pc[6], 0);
	for (enum cache_state state = CACHE_EMPTY; state <= CACHE_HIT; state++)
		interrupt_everywhere(state, &regs, CODE(5));
	cr_expect_gt(interruptions, 100 / INTERRUPT_EACH);
}
