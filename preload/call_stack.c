#include "call_stack.h"

#include <stddef.h>
#include <ucontext.h>

#include "maps_reader.h"
#include "module_map.h"

enum { OTHER_LOOKUPS_MAX = 64, WORD_SIZE_BYTES = 8, RED_ZONE_SIZE_BYTES = 128 };

/* One frame: pc will be executed next in it (or, exact, is being executed), with sp then. */
struct frame {
	uint64_t pc, sp;
	uint64_t slot;      /* where pc was read */
	uint64_t bp_at;     /* where its rbp can be read */
	uint64_t low, high; /* of the stack that sp lies on */
	bool exact;
};

enum step {
	STEP_DONE,
	STEP_OUTERMOST,
	STEP_NULL,   /* its return address is 0, the other mark of an outermost frame */
	STEP_CUT,    /* there is no rule */
	STEP_BROKEN, /* the rule led off the stack */
};

static uint64_t read_word(uint64_t address)
{
	return *(const uint64_t *)(uintptr_t)address;
}

/* --- bounds --- */

bool call_stack_find_bounds(uint64_t sp, uint64_t *ret_low, uint64_t *ret_high)
{
	struct maps_reader reader;
	struct maps_entry entry;
	uint64_t previous_end = 0, low = 0, high = 0;
	if (module_map_is_sealed() || !maps_reader_open(&reader))
		return false;
	while (maps_reader_next(&reader, &entry) && (!high || entry.start == high)) {
		bool is_initial_stack = entry.path[0] == '[' && entry.path[1] == 's' && entry.path[2] == 't';
		if (high && entry.readable && !entry.inode) {
			high = entry.end; /* one stack, split by madvise or mprotect */
		} else if (!high && entry.start <= sp && sp < entry.end && entry.readable) {
			/* The initial thread's stack grows: what lies below it is its own. */
			low = is_initial_stack ? previous_end : entry.start;
			high = entry.end;
		} else if (high) {
			break;
		}
		previous_end = entry.end;
	}
	maps_reader_close(&reader);
	if (!high)
		return false;
	*ret_low = low;
	*ret_high = high;
	return true;
}

static bool select_other_range(struct stack_bounds *bounds, struct frame *frame)
{
	if (frame->sp < bounds->other_low || frame->sp >= bounds->other_high) {
		if (bounds->other_lookups >= OTHER_LOOKUPS_MAX)
			return false;
		bounds->other_lookups++;
		if (!call_stack_find_bounds(frame->sp, &bounds->other_low, &bounds->other_high))
			return false;
	}
	frame->low = bounds->other_low;
	frame->high = bounds->other_high;
	return true;
}

/* Finds the range that frame->sp lies in. */
static inline bool select_range(struct stack_bounds *bounds, struct frame *frame)
{
	if (frame->sp % WORD_SIZE_BYTES)
		return false;
	frame->low = bounds->low;
	frame->high = bounds->high;
	return __builtin_expect(frame->sp >= bounds->low && frame->sp < bounds->high, 1) ||
	       select_other_range(bounds, frame);
}

/* --- one step outwards --- */

static bool holds_word(const struct frame *frame, uint64_t address)
{
	return address >= frame->low && address < frame->high && address % WORD_SIZE_BYTES == 0;
}

static uint64_t lookup_address(const struct frame *frame)
{
	return frame->pc - !frame->exact;
}

/* The stack pointer points to the ucontext_t that the kernel saved. */
static enum step step_signal(struct frame *frame, struct stack_bounds *bounds)
{
	uint64_t registers = frame->sp + offsetof(ucontext_t, uc_mcontext.gregs);
	uint64_t sp_at = registers + REG_RSP * WORD_SIZE_BYTES;
	uint64_t pc_at = registers + REG_RIP * WORD_SIZE_BYTES;
	if (!holds_word(frame, registers) || !holds_word(frame, pc_at))
		return STEP_BROKEN;
	frame->bp_at = registers + REG_RBP * WORD_SIZE_BYTES;
	frame->slot = pc_at;
	frame->sp = read_word(sp_at);
	frame->pc = read_word(pc_at);
	frame->exact = true;
	return frame->pc && select_range(bounds, frame) ? STEP_DONE : STEP_BROKEN;
}

static enum step step_in_full(struct frame *frame, struct stack_bounds *bounds, uint32_t packed)
{
	struct unwind_rule rule = unwind_rules_expand(packed, lookup_address(frame));
	if (rule.kind == UNWIND_OUTERMOST)
		return STEP_OUTERMOST;
	if (rule.kind == UNWIND_SIGNAL)
		return step_signal(frame, bounds);
	if (rule.kind == UNWIND_NONE)
		return STEP_CUT;
	uint64_t cfa =
	    (rule.cfa_from_bp ? read_word(frame->bp_at) : frame->sp) + (uint64_t)(int64_t)rule.cfa_offset;
	uint64_t slot = cfa + (uint64_t)(int64_t)rule.ra_offset;
	uint64_t bp_at = rule.bp_saved ? cfa + (uint64_t)(int64_t)rule.bp_offset : frame->bp_at;
	/* A function that makes no call may keep rbp in the red zone. */
	uint64_t lowest = frame->exact ? frame->sp - RED_ZONE_SIZE_BYTES : frame->sp;
	if (cfa <= frame->sp || cfa > frame->high || cfa % WORD_SIZE_BYTES || !holds_word(frame, slot) ||
	    slot < frame->sp || (rule.bp_saved && (!holds_word(frame, bp_at) || bp_at < lowest)))
		return STEP_BROKEN;
	frame->bp_at = bp_at;
	frame->slot = slot;
	frame->sp = cfa;
	frame->pc = read_word(slot);
	frame->exact = false;
	return frame->pc ? STEP_DONE : STEP_NULL;
}

/* Steps to the frame's caller. *frame is its caller after STEP_DONE only. */
static inline __attribute__((always_inline)) enum step step_out(struct frame *frame,
                                                                struct stack_bounds *bounds, uint32_t rule)
{
	if (__builtin_expect(!unwind_rules_is_plain(rule), 0))
		return step_in_full(frame, bounds, rule);
	uint64_t base = frame->sp;
	if (rule & UNWIND_RULE_FROM_BP)
		base = read_word(frame->bp_at);
	uint64_t cfa = base + (rule & UNWIND_RULE_WORDS_MASK) * WORD_SIZE_BYTES;
	uint64_t bp_words = rule >> UNWIND_RULE_BP_SHIFT & UNWIND_RULE_BP_MASK;
	uint64_t bp_at = cfa - bp_words * WORD_SIZE_BYTES;
	if (__builtin_expect(cfa <= frame->sp || cfa > frame->high || cfa % WORD_SIZE_BYTES, 0))
		return STEP_BROKEN;
	if (__builtin_expect(bp_at < frame->sp, 0))
		return step_in_full(frame, bounds, rule);
	frame->bp_at = bp_words ? bp_at : frame->bp_at;
	frame->slot = cfa - WORD_SIZE_BYTES;
	frame->sp = cfa;
	frame->pc = read_word(frame->slot);
	frame->exact = false;
	return __builtin_expect(frame->pc != 0, 1) ? STEP_DONE : STEP_NULL;
}

/* --- capture --- */

static inline bool as_place(uint64_t address, uint64_t sp, uint16_t *ret_words)
{
	uint64_t words = (address - sp) / WORD_SIZE_BYTES;
	*ret_words = (uint16_t)words;
	return words < CALL_STACK_WORD_LIVE_BP && (address - sp) % WORD_SIZE_BYTES == 0;
}

static inline bool place_of_bp(const struct frame *frame, const uint64_t *live_bp, uint64_t sp,
                               uint16_t *ret_words)
{
	if (frame->bp_at != (uint64_t)(uintptr_t)live_bp)
		return as_place(frame->bp_at, sp, ret_words);
	*ret_words = CALL_STACK_WORD_LIVE_BP;
	return true;
}

void call_stack_read_entry(const struct call_stack_cache_entry *entry, uint64_t outer_bp,
                           struct call_site *ret_site)
{
	const struct call_stack_cache_more *more = call_stack_cache_more_of(entry);
	uint32_t state = entry->state;
	uint64_t outer_place = entry->slot[CALL_SITE_FRAMES - 2];
	*ret_site = (struct call_site){.outer_bp = outer_bp};
	for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
		ret_site->pc[i] = entry->pc[i];
	if (state & CALL_STACK_ENTRY_SHORT) {
		ret_site->outer_bp = state & CALL_STACK_ENTRY_CUT;
		return;
	}
	/* The count is bounded anew: a signal handler's stack may be there by now. */
	for (unsigned i = 0; state & CALL_STACK_ENTRY_DEEP && i < more->count && i < CALL_STACK_MORE_FRAMES;
	     i++) {
		ret_site->pc[CALL_SITE_FRAMES + i] = more->pc[i];
		outer_place = more->slot[i];
	}
	ret_site->outer_slot = entry->sp + outer_place * WORD_SIZE_BYTES;
}

static void store(struct call_stack_cache *cache, struct call_stack_cache_entry *entry,
                  const struct call_stack_cache_entry *value, const struct call_stack_cache_more *more)
{
	uint32_t stores = call_stack_begin_store(cache, entry);
	for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
		entry->pc[i] = value->pc[i];
	entry->state = value->state;
	for (unsigned i = 0; i < CALL_SITE_FRAMES - 1; i++) {
		entry->slot[i] = value->slot[i];
		entry->base[i] = value->base[i];
	}
	for (unsigned i = 0; i < CALL_SITE_FRAMES - 2; i++)
		entry->base_at[i] = value->base_at[i];
	entry->outer_bp = value->outer_bp;
	if (more->count)
		*call_stack_cache_more_of(entry) = *more;
	call_stack_end_store(cache, entry, value->sp, stores);
}

/* Steps out through a lock's wrappers to the function that called them, and to its caller. *frame, the fourth
 * frame, becomes the outermost one of *ret_more. */
static void capture_more(struct frame *frame, struct stack_bounds *bounds, uint64_t sp, uint64_t inner_pc,
                         const uint64_t *live_bp, struct call_stack_cache_more *ret_more)
{
	bool is_glue = true;
	while (is_glue && ret_more->count < CALL_STACK_MORE_FRAMES) {
		uint32_t rule = unwind_rules_find(lookup_address(frame));
		bool from_bp = rule & UNWIND_RULE_FROM_BP;
		struct frame next = *frame;
		uint16_t place, bp_place;
		if (!unwind_rules_is_plain(rule) ||
		    (from_bp && ((rule & UNWIND_RULE_WORDS_MASK) != 2 ||
		                 frame->bp_at != frame->slot - WORD_SIZE_BYTES)) ||
		    step_out(&next, bounds, rule) != STEP_DONE || !as_place(next.slot, sp, &place) ||
		    !place_of_bp(&next, live_bp, sp, &bp_place))
			return;
		/* What calls itself is more than a wrapper. */
		is_glue = rule & UNWIND_RULE_GLUE && frame->pc != inner_pc;
		inner_pc = frame->pc;
		*frame = next;
		ret_more->from_bp |= (uint8_t)(from_bp << ret_more->count);
		ret_more->slot[ret_more->count] = place;
		ret_more->pc[ret_more->count++] = next.pc;
	}
}

static unsigned capture_by_rules(struct call_stack_cache *cache, struct stack_bounds *bounds,
                                 const struct call_registers *regs, bool may_store,
                                 struct call_site *ret_site)
{
	const uint64_t pc = regs->pc, sp = regs->sp, *bp = &regs->bp;
	struct frame frame = {.pc = pc, .sp = sp, .bp_at = (uint64_t)(uintptr_t)bp};
	struct call_stack_cache_entry found = {.sp = sp, .pc = {pc}};
	uint32_t generation = atomic_load_explicit(&unwind_rules_generation, memory_order_relaxed);
	enum step step = STEP_BROKEN;
	struct call_stack_cache_more more = {.count = 0};
	bool cacheable = may_store;
	uint32_t flags = 0, glue = UNWIND_RULE_GLUE;
	unsigned count = 1;
	for (bool on_stack = select_range(bounds, &frame); on_stack && count < CALL_SITE_FRAMES; count++) {
		uint32_t rule = unwind_rules_find(lookup_address(&frame));
		glue &= unwind_rules_is_plain(rule) ? rule : 0;
		if (unwind_rules_is_plain(rule) && (rule & UNWIND_RULE_FROM_BP)) {
			flags |= CALL_STACK_ENTRY_USES_BP;
			cacheable &= as_place(read_word(frame.bp_at), sp, &found.base[count - 1]);
			found.base[count - 1]++;
			if (count > 1)
				cacheable &= place_of_bp(&frame, bp, sp, &found.base_at[count - 2]);
		}
		step = step_out(&frame, bounds, rule);
		if (step != STEP_DONE)
			break;
		cacheable &= unwind_rules_is_plain(rule) && as_place(frame.slot, sp, &found.slot[count - 1]);
		found.pc[count] = frame.pc;
	}
	unsigned cut = 0;
	if (glue && count == CALL_SITE_FRAMES)
		capture_more(&frame, bounds, sp, found.pc[CALL_SITE_FRAMES - 2], bp, &more);
	for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
		ret_site->pc[i] = found.pc[i];
	for (unsigned i = 0; i < CALL_STACK_MORE_FRAMES; i++)
		ret_site->pc[CALL_SITE_FRAMES + i] = more.pc[i];
	flags |= more.count ? CALL_STACK_ENTRY_DEEP : 0;
	if (count == CALL_SITE_FRAMES) {
		ret_site->outer_slot = frame.slot;
		ret_site->outer_bp = read_word(frame.bp_at);
		cacheable &= place_of_bp(&frame, bp, sp, &found.outer_bp);
	} else {
		cut = step == STEP_OUTERMOST || step == STEP_NULL ? 0 : CALL_STACK_CUT;
		flags |= CALL_STACK_ENTRY_SHORT | cut;
		cacheable &= step == STEP_OUTERMOST || step == STEP_CUT;
		ret_site->outer_slot = 0;
		ret_site->outer_bp = cut;
	}
	found.state = generation | flags;
	if (cacheable)
		store(cache, call_stack_cache_entry_for(cache, pc, sp), &found, &more);
	return cut;
}

unsigned call_stack_capture_further(struct call_stack_cache *cache, struct stack_bounds *bounds,
                                    const struct call_registers *regs, bool may_store,
                                    struct call_site *ret_site)
{
	const struct call_stack_cache_entry *entry =
	    call_stack_find_special(cache, regs, CALL_STACK_ENTRY_ANY);
	if (entry && call_stack_more_is_exact(entry, regs->sp)) {
		uint32_t state = *(const volatile uint32_t *)&entry->state;
		call_stack_read_entry(entry, call_stack_outer_bp(entry, regs), ret_site);
		atomic_signal_fence(memory_order_seq_cst);
		if (*(const volatile uint64_t *)&entry->sp == regs->sp)
			return state & CALL_STACK_CUT;
	}
	return capture_by_rules(cache, bounds, regs, may_store, ret_site);
}

/* --- whole stacks --- */

struct walk {
	struct frame frame;
	struct stack_bounds *bounds;
	uint64_t *pc;
	unsigned count, max;
	uint64_t exact;
};

static void append(struct walk *walk)
{
	if (walk->frame.exact && walk->count < 64)
		walk->exact |= UINT64_C(1) << walk->count;
	walk->pc[walk->count++] = walk->frame.pc;
}

/* Appends the callers of walk->frame. Returns CALL_STACK_*. */
static unsigned walk_outwards(struct walk *walk)
{
	for (;;) {
		enum step step =
		    step_out(&walk->frame, walk->bounds, unwind_rules_find(lookup_address(&walk->frame)));
		if (step == STEP_OUTERMOST || step == STEP_NULL)
			return 0;
		if (step != STEP_DONE)
			return CALL_STACK_CUT;
		if (walk->count == walk->max)
			return CALL_STACK_TRUNCATED;
		append(walk);
	}
}

unsigned call_stack_walk(const struct call_registers *regs, struct stack_bounds *bounds, uint64_t *ret_pc,
                         unsigned max, unsigned *ret_flags, uint64_t *ret_exact)
{
	uint64_t bp = regs->bp;
	struct walk walk = {.frame = {.pc = regs->pc, .sp = regs->sp, .bp_at = (uint64_t)(uintptr_t)&bp},
	                    .bounds = bounds,
	                    .pc = ret_pc,
	                    .max = max};
	*ret_flags = CALL_STACK_TRUNCATED;
	if (max) {
		append(&walk);
		*ret_flags = select_range(bounds, &walk.frame) ? walk_outwards(&walk) : CALL_STACK_CUT;
	}
	*ret_exact = walk.exact;
	return walk.count;
}

/* Where the frame of the last kept pc begins follows from the rule that led there. */
static bool resume(const struct call_site *site, struct walk *walk, uint32_t rule_inside,
                   uint64_t address_inside)
{
	struct frame *frame = &walk->frame;
	struct unwind_rule rule = unwind_rules_expand(rule_inside, address_inside);
	struct frame at_slot = {.sp = site->outer_slot};
	if (!select_range(walk->bounds, &at_slot) || read_word(site->outer_slot) != frame->pc)
		return false;
	if (rule.kind == UNWIND_SIGNAL)
		frame->sp = read_word(site->outer_slot - (REG_RIP - REG_RSP) * WORD_SIZE_BYTES);
	else if (rule.kind == UNWIND_NORMAL)
		frame->sp = site->outer_slot - (uint64_t)(int64_t)rule.ra_offset;
	else
		return false;
	return select_range(walk->bounds, frame);
}

unsigned call_stack_finish(const struct call_site *site, const struct stack_bounds *bounds, uint64_t *ret_pc,
                           unsigned max, unsigned *ret_flags, uint64_t *ret_exact)
{
	/* A second range found earlier may have been unmapped since; to look it up again is not counted. */
	struct stack_bounds current = {.low = bounds->low, .high = bounds->high};
	struct walk walk = {.frame = {.bp_at = (uint64_t)(uintptr_t)&site->outer_bp},
	                    .bounds = &current,
	                    .pc = ret_pc,
	                    .max = max};
	uint32_t rule = 0;
	uint64_t address = 0;
	bool all = true;
	for (unsigned i = 0; i < CALL_SITE_FRAMES_MAX && site->pc[i]; i++) {
		if (i) {
			address = lookup_address(&walk.frame);
			rule = unwind_rules_find(address);
			walk.frame.exact = unwind_rules_expand(rule, address).kind == UNWIND_SIGNAL;
		}
		walk.frame.pc = site->pc[i];
		all = walk.count < max;
		if (!all)
			break;
		append(&walk);
	}
	if (!all)
		*ret_flags = CALL_STACK_TRUNCATED;
	else if (!site->outer_slot)
		*ret_flags = site->outer_bp ? CALL_STACK_CUT : 0;
	else
		*ret_flags = resume(site, &walk, rule, address) ? walk_outwards(&walk) : CALL_STACK_CUT;
	*ret_exact = walk.exact;
	return walk.count;
}
