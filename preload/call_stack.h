/* Call stacks taken inside the traced program.
 *
 * Rules of this file's implementation: no allocator, no lock, no libc function that could be
 * intercepted or that takes a lock (dl_iterate_phdr, backtrace, _Unwind_*, unw_* all do). Reads of the
 * stack are bounded by the thread's known stack range; a frame that has no simple unwind rule
 * ends the stack, which is then marked as cut. errno is never touched.
 *
 * call_stack_capture() is the hot path: a hit in the thread's validated cache reads
 * a cache entry and up to three stack slots. See docs/performance.md.
 */
#ifndef AFTERFORK_PRELOAD_CALL_STACK_H
#define AFTERFORK_PRELOAD_CALL_STACK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CALL_SITE_FRAMES = 4,
	CALL_STACK_CACHE_ENTRIES = 128, /* power of two, a thread */
};
enum { CALL_STACK_CUT = 1, CALL_STACK_TRUNCATED = 2 }; /* the values of TRACE_STACK_* */

/* The register state at an intercepted call, as its caller sees it after the return. */
struct call_registers {
	uint64_t pc; /* return address of the intercepted call */
	uint64_t sp; /* stack pointer after that return */
	uint64_t bp; /* the caller's rbp */
};

/* In a wrapper compiled with -fno-omit-frame-pointer: the state of its caller. */
#define CALL_REGISTERS_OF_CALLER()                                            \
	((struct call_registers){                                              \
		.pc = ((const uint64_t *)__builtin_frame_address(0))[1],       \
		.sp = (uint64_t)(uintptr_t)__builtin_frame_address(0) + 16,    \
		.bp = ((const uint64_t *)__builtin_frame_address(0))[0],       \
	})

/* What a record keeps of a stack: the innermost return addresses and what is needed to walk on
 * from the last of them, later and from a copy of the stack, as long as that slot still holds it. */
struct call_site {
	uint64_t pc[CALL_SITE_FRAMES]; /* innermost first; 0 after the last */
	uint64_t outer_slot;           /* address that pc[3] was read from; 0: pc[] is all there is */
	uint64_t outer_bp;             /* rbp in pc[3]'s frame */
};

/* The range of a thread's stack: [low, high). A second range serves signal stacks and coroutines. */
struct stack_bounds {
	uint64_t low, high;
	uint64_t other_low, other_high;
	uint32_t other_lookups;
};

struct call_stack_cache_entry {
	uint64_t pc, sp, bp;  /* bp compared only where bp_mask says so */
	uint64_t bp_mask;
	struct call_site site;
	uint64_t slot[CALL_SITE_FRAMES - 1]; /* where site.pc[1..3] stand; an address of a zero word where unused */
};
struct call_stack_cache {
	struct call_stack_cache_entry entry[CALL_STACK_CACHE_ENTRIES];
};

/* Fills *ret_site for the caller described by regs. Touches cache, bounds and the thread's own
 * stack; on a miss also the process-wide rule table. Async-signal-safe, never fails: a stack that
 * cannot be walked has pc[0] alone. Not re-entrant on one cache without harm, so a signal handler
 * that interrupts it may store an entry: entries are published by writing `pc` last and
 * voided by clearing it first. Returns CALL_STACK_CUT if fewer than four frames were found and
 * the last one is not the thread's outermost, else 0. */
unsigned call_stack_capture(struct call_stack_cache *cache, struct stack_bounds *bounds,
			    const struct call_registers *regs, struct call_site *ret_site);

/* Writes the return addresses of the stack at regs, innermost first, into ret_pc[0..max).
 * Returns how many; *ret_flags gets CALL_STACK_*. Walks this thread's stack, or, given another
 * thread's bounds in a child of fork, the child's copy of a vanished thread's stack. A signal frame is
 * walked through. If pc of frame i is exact (interrupted by a signal) bit i of *ret_exact is set. */
unsigned call_stack_walk(const struct call_registers *regs, struct stack_bounds *bounds, uint64_t *ret_pc,
			 unsigned max, unsigned *ret_flags, uint64_t *ret_exact);

/* The same from a kept site: its frames, and the outer ones where outer_slot still holds the same address. */
unsigned call_stack_finish(const struct call_site *site, struct stack_bounds *bounds, uint64_t *ret_pc, unsigned max,
			   unsigned *ret_flags, uint64_t *ret_exact);

/* Finds the bounds of the stack that sp lies in, from /proc/self/maps. False when it cannot be read. */
bool call_stack_find_bounds(uint64_t sp, uint64_t *ret_low, uint64_t *ret_high);

#endif
