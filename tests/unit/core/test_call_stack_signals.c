/* Stacks that signal handlers interrupt, and handlers that capture stacks. */
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "arena.h"
#include "call_stack_fixture.h"
#include "module_map.h"

static void check_in_handler(int signal)
{
	(void)signal;
	check_stack();
	recurse(2, check_stack);
	recurse(5, check_stack);
}

static void handle(int signal, int flags)
{
	struct sigaction action = {.sa_handler = check_in_handler, .sa_flags = flags};
	cr_assert_eq(sigaction(signal, &action, NULL), 0);
}

/* The trap leaves a pc behind it that is no return address: right after a prologue instruction it matters. */
static NOINLINE void trap(void)
{
	__asm__ volatile("int3");
	sink++;
}

static void use_signal_stack(void)
{
	stack_t stack = {.ss_sp = arena_alloc(STACK_SIZE_BYTES), .ss_size = STACK_SIZE_BYTES};
	cr_assert_eq(sigaltstack(&stack, NULL), 0);
}

/* The one pc that is no return address: of code in [start, start + size). */
static void expect_one_exact_pc(const void *start, unsigned size)
{
	expect_complete(8);
	cr_assert_eq(__builtin_popcountl(last_walk.exact), 1, "exact %lx", last_walk.exact);
	uint64_t pc = last_walk.pc[__builtin_ctzl(last_walk.exact)];
	cr_expect_lt(pc - (uint64_t)(uintptr_t)start, size, "0x%lx is not in %p", pc, start);
}

static void walk_through_handlers(void)
{
	const struct module *libc = module_map_find_or_refresh((uint64_t)(uintptr_t)&getppid);
	cr_assert_not_null(libc);
	raise(SIGUSR1);
	expect_one_exact_pc((const void *)libc->exec_start, (unsigned)(libc->exec_end - libc->exec_start));
	recurse(3, trap);
	expect_one_exact_pc((const void *)&trap, 32);
	cr_expect_eq(checks, 6);
}

Test(call_stack, walks_through_a_signal_handler)
{
	handle(SIGUSR1, 0);
	handle(SIGTRAP, 0);
	walk_through_handlers();
}

Test(call_stack, walks_from_a_signal_stack_to_the_interrupted_one)
{
	use_signal_stack();
	handle(SIGUSR1, SA_ONSTACK);
	handle(SIGTRAP, SA_ONSTACK);
	const struct call_registers here = {.sp = (uint64_t)(uintptr_t)__builtin_frame_address(0)};
	cr_assert(call_stack_find_bounds(here.sp, &bounds.low, &bounds.high));
	walk_through_handlers();
	cr_expect_eq(bounds.other_lookups, 1);
}

static volatile sig_atomic_t handled;
static void capture_in_handler(int signal)
{
	(void)signal;
	for (int i = 0; i < 8; i++)
		capture_here();
	handled++;
}

/* A handler stores into the cache at any instruction of a capture. */
Test(call_stack, captures_right_while_a_handler_captures_with_the_same_cache)
{
	struct sigaction action = {.sa_handler = capture_in_handler};
	struct itimerval often = {.it_interval = {0, 100}, .it_value = {0, 100}};
	struct call_site first[4];
	check_stack();
	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (unsigned round = 0; handled < 200; round++) {
		struct call_site site[4] = {capture_here(), capture_here(), capture_here(), capture_here()};
		if (round == 0)
			memcpy(first, site, sizeof first);
		cr_assert_arr_eq(site, first, sizeof first, "round %u", round);
		if (round % 64 == 63) /* half of what is captured is captured anew */
			for (unsigned i = 0; i < CALL_STACK_CACHE_ENTRIES; i += 2)
				cache.entry[i].sp = 0;
	}
}
