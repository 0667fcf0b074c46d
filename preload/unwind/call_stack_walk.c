/* Whole stacks: from registers, or from the innermost frames on that were kept. */
#include <ucontext.h>

#include "call_stack_frame.h"

struct walk {
	struct call_stack_frame frame;
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
		enum call_stack_step step = call_stack_frame_step(
		    &walk->frame, walk->bounds, unwind_rules_find(call_stack_frame_lookup(&walk->frame)));
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
		*ret_flags =
		    call_stack_frame_select(bounds, &walk.frame) ? walk_outwards(&walk) : CALL_STACK_CUT;
	}
	*ret_exact = walk.exact;
	return walk.count;
}

/* Where the frame of the last kept pc begins follows from the rule that led there. */
static bool resume(const struct call_site *site, struct walk *walk, uint32_t rule_inside,
                   uint64_t address_inside)
{
	struct call_stack_frame *frame = &walk->frame;
	struct unwind_rule rule = unwind_rules_expand(rule_inside, address_inside);
	struct call_stack_frame at_slot = {.sp = site->outer_slot};
	if (!call_stack_frame_select(walk->bounds, &at_slot) ||
	    call_stack_word(site->outer_slot) != frame->pc)
		return false;
	if (rule.kind == UNWIND_SIGNAL)
		frame->sp = call_stack_word(site->outer_slot - (REG_RIP - REG_RSP) * WORD_SIZE_BYTES);
	else if (rule.kind == UNWIND_NORMAL)
		frame->sp = site->outer_slot - (uint64_t)(int64_t)rule.ra_offset;
	else
		return false;
	return call_stack_frame_select(walk->bounds, frame);
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
			address = call_stack_frame_lookup(&walk.frame);
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
