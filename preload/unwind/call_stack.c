/* The innermost frames, and the cache of them. */
#include "call_stack_frame.h"

static inline bool as_place(uint64_t address, uint64_t sp, uint16_t *ret_words)
{
	uint64_t words = (address - sp) / WORD_SIZE_BYTES;
	*ret_words = (uint16_t)words;
	return words < CALL_STACK_WORD_LIVE_BP && (address - sp) % WORD_SIZE_BYTES == 0;
}

static inline bool place_of_bp(const struct call_stack_frame *frame, const uint64_t *live_bp, uint64_t sp,
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
static void capture_more(struct call_stack_frame *frame, struct stack_bounds *bounds, uint64_t sp,
                         uint64_t inner_pc, const uint64_t *live_bp, struct call_stack_cache_more *ret_more)
{
	bool is_glue = true;
	while (is_glue && ret_more->count < CALL_STACK_MORE_FRAMES) {
		uint32_t rule = unwind_rules_find(call_stack_frame_lookup(frame));
		bool from_bp = rule & UNWIND_RULE_FROM_BP;
		struct call_stack_frame next = *frame;
		uint16_t place, bp_place;
		if (!unwind_rules_is_plain(rule) ||
		    (from_bp && ((rule & UNWIND_RULE_WORDS_MASK) != 2 ||
		                 frame->bp_at != frame->slot - WORD_SIZE_BYTES)) ||
		    call_stack_frame_step(&next, bounds, rule) != STEP_DONE ||
		    !as_place(next.slot, sp, &place) || !place_of_bp(&next, live_bp, sp, &bp_place))
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
	struct call_stack_frame frame = {.pc = pc, .sp = sp, .bp_at = (uint64_t)(uintptr_t)bp};
	struct call_stack_cache_entry found = {.sp = sp, .pc = {pc}};
	uint32_t generation = atomic_load_explicit(&unwind_rules_generation, memory_order_relaxed);
	enum call_stack_step step = STEP_BROKEN;
	struct call_stack_cache_more more = {.count = 0};
	bool cacheable = may_store;
	uint32_t flags = 0, glue = UNWIND_RULE_GLUE;
	unsigned count = 1;
	for (bool on_stack = call_stack_frame_select(bounds, &frame); on_stack && count < CALL_SITE_FRAMES;
	     count++) {
		uint32_t rule = unwind_rules_find(call_stack_frame_lookup(&frame));
		glue &= unwind_rules_is_plain(rule) ? rule : 0;
		if (unwind_rules_is_plain(rule) && (rule & UNWIND_RULE_FROM_BP)) {
			flags |= CALL_STACK_ENTRY_USES_BP;
			cacheable &= as_place(call_stack_word(frame.bp_at), sp, &found.base[count - 1]);
			found.base[count - 1]++;
			if (count > 1)
				cacheable &= place_of_bp(&frame, bp, sp, &found.base_at[count - 2]);
		}
		step = call_stack_frame_step(&frame, bounds, rule);
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
		ret_site->outer_bp = call_stack_word(frame.bp_at);
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
