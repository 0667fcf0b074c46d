/* Call stacks taken inside the traced program.
 *
 * Rules of this file's implementation: no allocator, no lock, no libc function that could be
 * intercepted or that takes a lock (dl_iterate_phdr, backtrace, _Unwind_*, unw_* all do). Reads of the
 * stack are bounded by the thread's known stack range; a frame that has no simple unwind rule
 * ends the stack, which is then marked as cut. errno is never touched.
 *
 * call_stack_capture() is the hot path: a hit in the thread's validated cache reads one cache line
 * and four stack slots; a miss walks three frames by rules of one shared table. See docs/performance.md.
 */
#ifndef AFTERFORK_PRELOAD_CALL_STACK_H
#define AFTERFORK_PRELOAD_CALL_STACK_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind_rules.h"

enum {
	CALL_SITE_FRAMES = 4,
	CALL_SITE_FRAMES_MAX = 10,      /* where the innermost functions are wrappers of the lock */
	CALL_STACK_CACHE_ENTRIES = 128, /* of each thread; a power of two */
};
enum { CALL_STACK_CUT = 1, CALL_STACK_TRUNCATED = 2 }; /* the values of TRACE_STACK_* */

/* The register state at an intercepted call, as its caller sees it after the return. */
struct call_registers {
	uint64_t pc; /* return address of the intercepted call */
	uint64_t sp; /* stack pointer after that return */
	uint64_t bp; /* the caller's rbp */
};

/* In a wrapper compiled with -fno-omit-frame-pointer: the state of its caller. */
#define CALL_REGISTERS_OF_CALLER()                                                                           \
	((struct call_registers){                                                                            \
	    .pc = ((const uint64_t *)__builtin_frame_address(0))[1],                                         \
	    .sp = (uint64_t)(uintptr_t)__builtin_frame_address(0) + 16,                                      \
	    .bp = ((const uint64_t *)__builtin_frame_address(0))[0],                                         \
	})

/* What a record keeps of a stack: the innermost return addresses and what is needed to walk on
 * from the last of them, later and from a copy of the stack, as long as that slot still holds it.
 *
 * They are 4, but more where the functions of the first three may be wrappers that return with the lock held,
 * as those of the C++ library are where they are not inlined: then up to the first that is not, whose
 * caller's address stands where it is safe until that function returns. */
struct call_site {
	uint64_t pc[CALL_SITE_FRAMES_MAX]; /* innermost first; 0 after the last */
	uint64_t outer_slot; /* address that the last pc was read from; 0: pc[] is all there is */
	uint64_t outer_bp;   /* rbp in the last pc's frame; where outer_slot is 0: CALL_STACK_CUT or 0 */
};

/* The range of a thread's stack: [low, high). A second range serves signal stacks and coroutines. */
struct stack_bounds {
	uint64_t low, high;
	uint64_t other_low, other_high;
	uint32_t other_lookups;
};

/* One cache line. Places on the stack are counted in words upwards from sp.
 *
 * An entry is exact for (pc[0], sp) as long as its slots hold what they held: the layout of a frame follows
 * from its return address, but for one whose CFA counts from rbp (alloca), and for those the rbp is compared
 * too. Each slot is read only after all before it were right, so it lies in a frame that is really there. */
enum { CALL_STACK_WORD_LIVE_BP = 0xffff }; /* no place on the stack: the caller's rbp itself */
struct call_stack_cache_entry {
	uint64_t sp; /* 0: empty; written last */
	uint64_t pc[CALL_SITE_FRAMES];
	uint16_t slot[CALL_SITE_FRAMES - 1]; /* where pc[1..3] stand */
	uint16_t outer_bp;                   /* where rbp of the outermost frame kept stands */
	uint32_t state; /* generation of the unwind rules | CALL_STACK_ENTRY_*, 0 for the plain case */
	uint16_t padding;
	/* Of frames whose CFA counts from rbp: that rbp, as a place plus one; else 0. The first frame's is
	 * the caller's own, those of the two next were read at base_at[]. */
	uint16_t base[CALL_SITE_FRAMES - 1];
	uint16_t base_at[CALL_SITE_FRAMES - 2];
} __attribute__((aligned(64)));
static_assert(sizeof(struct call_stack_cache_entry) == 64, "one cache line");
static_assert(offsetof(struct call_stack_cache_entry, slot) % 8 == 0, "slots are read as one word");
static_assert(offsetof(struct call_stack_cache_entry, state) == 48, "state and base[0] are read as one word");
static_assert(offsetof(struct call_stack_cache_entry, base[1]) == 56,
              "base[1], base[2], base_at[] are one word");
enum {
	CALL_STACK_ENTRY_CUT = CALL_STACK_CUT,
	CALL_STACK_ENTRY_SHORT = 4,   /* fewer than CALL_SITE_FRAMES frames */
	CALL_STACK_ENTRY_USES_BP = 8, /* some base[] is not 0 */
	CALL_STACK_ENTRY_DEEP = 16,   /* more frames are kept in the cache's more[] */
	CALL_STACK_ENTRY_ANY =
	    CALL_STACK_ENTRY_CUT | CALL_STACK_ENTRY_SHORT | CALL_STACK_ENTRY_USES_BP | CALL_STACK_ENTRY_DEEP,
};

/* The frames of a deep entry behind its first four. Where rbp of the one before is its base, that stands
 * right below the return address that led there, and this return address right above the place it points to.
 */
enum { CALL_STACK_MORE_FRAMES = CALL_SITE_FRAMES_MAX - CALL_SITE_FRAMES };
struct call_stack_cache_more {
	uint64_t pc[CALL_STACK_MORE_FRAMES];
	uint16_t slot[CALL_STACK_MORE_FRAMES]; /* where they stand */
	uint8_t count;
	uint8_t from_bp; /* bit i: pc[i] was found by the rbp of the frame before */
} __attribute__((aligned(64)));
static_assert(sizeof(struct call_stack_cache_more) == 64, "one cache line");
static_assert(offsetof(struct call_stack_cache_more, slot) == 48,
              "slots, count and from_bp are read as two words");

/* Belongs to one thread. All zero is empty. */
struct call_stack_cache {
	uint32_t stores; /* counted to notice a signal handler that stored an entry into one half written */
	struct call_stack_cache_entry entry[CALL_STACK_CACHE_ENTRIES];
	struct call_stack_cache_more more[CALL_STACK_CACHE_ENTRIES]; /* touched for deep entries only */
};
enum {
	CALL_STACK_CACHE_MORE_OFFSET =
	    offsetof(struct call_stack_cache, more) - offsetof(struct call_stack_cache, entry)
};

static inline struct call_stack_cache_entry *call_stack_cache_entry_for(struct call_stack_cache *cache,
                                                                        uint64_t pc, uint64_t sp)
{
	/* No multiplication: this is the head of the chain of loads that a hit waits for, and pc, which was
	 * just pushed, comes late. Neighbouring calls and frames (sp is a multiple of 16) get neighbouring
	 * entries. */
	enum { ENTRY_SHIFT = 6 };
	uint64_t index = (pc << ENTRY_SHIFT ^ sp << (ENTRY_SHIFT - 4) ^ sp >> 4) &
	                 (uint64_t)(CALL_STACK_CACHE_ENTRIES - 1) << ENTRY_SHIFT;
	return (struct call_stack_cache_entry *)(void *)((char *)cache->entry + index);
}

static inline struct call_stack_cache_more *
call_stack_cache_more_of(const struct call_stack_cache_entry *entry)
{
	return (struct call_stack_cache_more *)((uintptr_t)entry + CALL_STACK_CACHE_MORE_OFFSET);
}

/* An entry is changed between the two. A signal handler that does so in between leaves it empty. */
static inline uint32_t call_stack_begin_store(struct call_stack_cache *cache,
                                              struct call_stack_cache_entry *entry)
{
	uint32_t stores = ++cache->stores;
	*(volatile uint64_t *)&entry->sp = 0;
	atomic_signal_fence(memory_order_seq_cst);
	return stores;
}
static inline void call_stack_end_store(struct call_stack_cache *cache, struct call_stack_cache_entry *entry,
                                        uint64_t sp, uint32_t stores)
{
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)&entry->sp = sp;
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(*(volatile uint32_t *)&cache->stores != stores, 0))
		*(volatile uint64_t *)&entry->sp = 0;
}

/* Spells out an entry. outer_bp is what call_stack_outer_bp() gave when it was exact. */
void call_stack_read_entry(const struct call_stack_cache_entry *entry, uint64_t outer_bp,
                           struct call_site *ret_site);

/* What call_stack_capture() does when the plain hit fails. */
unsigned call_stack_capture_further(struct call_stack_cache *cache, struct stack_bounds *bounds,
                                    const struct call_registers *regs, bool may_store,
                                    struct call_site *ret_site);

/* The cache's entry where it is exact, else NULL. Reads the entry and the slots that it names.
 *
 * A signal handler may put its own stack into the entry between any two instructions. It does so under
 * another sp, since its frames lie below this one or on another stack: places that were read while sp was
 * right may be followed. */
static inline const struct call_stack_cache_entry *call_stack_find(struct call_stack_cache *cache,
                                                                   uint64_t pc, uint64_t sp)
{
	const struct call_stack_cache_entry *entry = call_stack_cache_entry_for(cache, pc, sp);
	const uint64_t *words = (const uint64_t *)(uintptr_t)sp;
	uint64_t slots = __atomic_load_n((const uint64_t *)(const void *)entry->slot, __ATOMIC_RELAXED);
	atomic_signal_fence(memory_order_seq_cst);
	bool is_exact =
	    entry->sp == sp && entry->pc[0] == pc &&
	    entry->state == atomic_load_explicit(&unwind_rules_generation, memory_order_relaxed) &&
	    words[slots & 0xffff] == entry->pc[1] && words[slots >> 16 & 0xffff] == entry->pc[2] &&
	    words[slots >> 32 & 0xffff] == entry->pc[3];
	return __builtin_expect(is_exact, 1) ? entry : NULL;
}

/* False where a frame of the entry, if it is deep, behind the first four is another one now. */
static inline bool call_stack_more_is_exact(const struct call_stack_cache_entry *entry, uint64_t sp)
{
	if (!(*(const volatile uint32_t *)&entry->state & CALL_STACK_ENTRY_DEEP))
		return *(const volatile uint64_t *)&entry->sp == sp;
	const struct call_stack_cache_more *more = call_stack_cache_more_of(entry);
	const uint64_t *words = (const uint64_t *)(uintptr_t)sp;
	const uint64_t *packed = (const uint64_t *)(const void *)more->slot;
	uint64_t inner = __atomic_load_n(&entry->slot[CALL_SITE_FRAMES - 2], __ATOMIC_RELAXED);
	uint64_t slots = __atomic_load_n(&packed[0], __ATOMIC_RELAXED);
	uint64_t rest = __atomic_load_n(&packed[1], __ATOMIC_RELAXED);
	unsigned count = rest >> 32 & 0xff, from_bp = rest >> 40 & 0xff;
	atomic_signal_fence(memory_order_seq_cst);
	/* As in call_stack_find(): places that were read while sp was right may be followed. */
	if (*(const volatile uint64_t *)&entry->sp != sp)
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint64_t slot = slots & 0xffff;
		if ((from_bp >> i & 1 && words[inner - 1] != sp + (slot - 1) * sizeof *words) ||
		    words[slot] != more->pc[i])
			return false;
		inner = slot;
		slots = i == 3 ? rest : slots >> 16;
	}
	return true;
}

/* The same as call_stack_find() for entries that are not plain: frames found by rbp, fewer or more than four;
 * `flags` are those that it may have. Of a deep one call_stack_more_is_exact() has to be asked, too. */
static inline __attribute__((always_inline)) struct call_stack_cache_entry *
call_stack_find_special(struct call_stack_cache *cache, const struct call_registers *regs, uint32_t accepted)
{
	const uint64_t pc = regs->pc, sp = regs->sp;
	struct call_stack_cache_entry *entry = call_stack_cache_entry_for(cache, pc, sp);
	const uint64_t *words = (const uint64_t *)(uintptr_t)sp;
	uint64_t slots = __atomic_load_n((const uint64_t *)(const void *)entry->slot, __ATOMIC_RELAXED);
	uint64_t state = __atomic_load_n((const uint64_t *)(const void *)&entry->state, __ATOMIC_RELAXED);
	uint64_t bases = __atomic_load_n((const uint64_t *)(const void *)&entry->base[1], __ATOMIC_RELAXED);
	atomic_signal_fence(memory_order_seq_cst);
	uint32_t flags =
	    (uint32_t)state ^ atomic_load_explicit(&unwind_rules_generation, memory_order_relaxed);
	if (entry->sp != sp || entry->pc[0] != pc || !flags || flags & ~accepted)
		return NULL;
	uint64_t base = state >> 48, at = CALL_STACK_WORD_LIVE_BP;
#pragma GCC unroll 3
	for (unsigned i = 0; i < CALL_SITE_FRAMES - 1; i++) {
		if (accepted & flags & CALL_STACK_ENTRY_SHORT && !entry->pc[i + 1])
			break;
		if (base &&
		    (at == CALL_STACK_WORD_LIVE_BP ? regs->bp : words[at]) != sp + (base - 1) * sizeof *words)
			return NULL;
		if (words[slots >> 16 * i & 0xffff] != entry->pc[i + 1])
			return NULL;
		base = bases >> 16 * i & 0xffff;
		at = bases >> 32 >> 16 * i & 0xffff;
	}
	return entry;
}

/* The rbp of the outermost frame of an entry that call_stack_find() or call_stack_find_special() gave. Of no
 * meaning for a short one. */
static inline uint64_t call_stack_outer_bp(const struct call_stack_cache_entry *entry,
                                           const struct call_registers *regs)
{
	uint16_t place = __atomic_load_n(&entry->outer_bp, __ATOMIC_RELAXED);
	atomic_signal_fence(memory_order_seq_cst);
	if (place == CALL_STACK_WORD_LIVE_BP || __builtin_expect(entry->sp != regs->sp, 0))
		return regs->bp;
	return ((const uint64_t *)(uintptr_t)regs->sp)[place];
}

/* Fills *ret_site for the caller described by regs. Touches cache, bounds and the thread's own
 * stack; on a miss also the process-wide rule table. Async-signal-safe, never fails: a stack that
 * cannot be walked has pc[0] alone. The cache stays as it is unless may_store. A signal handler may interrupt
 * it and capture with the same cache. Returns CALL_STACK_CUT if fewer than four frames were found and the
 * last one is not the thread's outermost, else 0. */
static inline unsigned call_stack_capture(struct call_stack_cache *cache, struct stack_bounds *bounds,
                                          const struct call_registers *regs, bool may_store,
                                          struct call_site *ret_site)
{
	const struct call_stack_cache_entry *entry = call_stack_find(cache, regs->pc, regs->sp);
	if (entry) {
		for (int i = 0; i < CALL_SITE_FRAMES; i++)
			ret_site->pc[i] = entry->pc[i];
		for (int i = CALL_SITE_FRAMES; i < CALL_SITE_FRAMES_MAX; i++)
			ret_site->pc[i] = 0;
		ret_site->outer_slot = regs->sp + sizeof(uint64_t) * entry->slot[CALL_SITE_FRAMES - 2];
		ret_site->outer_bp = call_stack_outer_bp(entry, regs);
		atomic_signal_fence(memory_order_seq_cst);
		if (__builtin_expect(*(const volatile uint64_t *)&entry->sp == regs->sp, 1))
			return 0;
	}
	return call_stack_capture_further(cache, bounds, regs, may_store, ret_site);
}

/* Writes the return addresses of the stack at regs, innermost first, into ret_pc[0..max).
 * Returns how many; *ret_flags gets CALL_STACK_*. Walks this thread's stack, or, given another
 * thread's bounds in a child of fork, the child's copy of a vanished thread's stack. A signal frame is
 * walked through. If pc of frame i is exact (interrupted by a signal) bit i of *ret_exact is set. */
unsigned call_stack_walk(const struct call_registers *regs, struct stack_bounds *bounds, uint64_t *ret_pc,
                         unsigned max, unsigned *ret_flags, uint64_t *ret_exact);

/* The same from a kept site: its frames, and the outer ones where outer_slot still holds the same address.
 * The second range of bounds is not trusted but looked up anew. */
unsigned call_stack_finish(const struct call_site *site, const struct stack_bounds *bounds, uint64_t *ret_pc,
                           unsigned max, unsigned *ret_flags, uint64_t *ret_exact);

/* Finds the bounds of the stack that sp lies in, from /proc/self/maps. False when it cannot be read. */
bool call_stack_find_bounds(uint64_t sp, uint64_t *ret_low, uint64_t *ret_high);

#endif
