/* One frame of a stack, and the step from it to its caller. Rules as in call_stack.h; for call_stack*.c only.
 */
#ifndef AFTERFORK_PRELOAD_CALL_STACK_FRAME_H
#define AFTERFORK_PRELOAD_CALL_STACK_FRAME_H

#include "call_stack.h"

enum { WORD_SIZE_BYTES = 8 };

/* One frame: pc will be executed next in it (or, exact, is being executed), with sp then. */
struct call_stack_frame {
	uint64_t pc, sp;
	uint64_t slot;      /* where pc was read */
	uint64_t bp_at;     /* where its rbp can be read */
	uint64_t low, high; /* of the stack that sp lies on */
	bool exact;
};

enum call_stack_step {
	STEP_DONE,
	STEP_OUTERMOST,
	STEP_NULL,   /* its return address is 0, the other mark of an outermost frame */
	STEP_CUT,    /* there is no rule */
	STEP_BROKEN, /* the rule led off the stack */
};

static inline uint64_t call_stack_word(uint64_t address)
{
	return *(const uint64_t *)(uintptr_t)address;
}

/* What the inline functions leave to these: a frame off the thread's own stack, a rule that is not plain. */
bool call_stack_frame_select_other(struct stack_bounds *bounds, struct call_stack_frame *frame);
enum call_stack_step call_stack_frame_step_in_full(struct call_stack_frame *frame,
                                                   struct stack_bounds *bounds, uint32_t packed);

/* Finds the range that frame->sp lies in. */
static inline bool call_stack_frame_select(struct stack_bounds *bounds, struct call_stack_frame *frame)
{
	if (frame->sp % WORD_SIZE_BYTES)
		return false;
	frame->low = bounds->low;
	frame->high = bounds->high;
	return __builtin_expect(frame->sp >= bounds->low && frame->sp < bounds->high, 1) ||
	       call_stack_frame_select_other(bounds, frame);
}

/* The address whose unwind rule holds for the frame: that of the call, not the one behind it. */
static inline uint64_t call_stack_frame_lookup(const struct call_stack_frame *frame)
{
	return frame->pc - !frame->exact;
}

/* Steps to the frame's caller. *frame is its caller after STEP_DONE only. */
static inline __attribute__((always_inline)) enum call_stack_step
call_stack_frame_step(struct call_stack_frame *frame, struct stack_bounds *bounds, uint32_t rule)
{
	if (__builtin_expect(!unwind_rules_is_plain(rule), 0))
		return call_stack_frame_step_in_full(frame, bounds, rule);
	uint64_t base = frame->sp;
	if (rule & UNWIND_RULE_FROM_BP)
		base = call_stack_word(frame->bp_at);
	uint64_t cfa = base + (rule & UNWIND_RULE_WORDS_MASK) * WORD_SIZE_BYTES;
	uint64_t bp_words = rule >> UNWIND_RULE_BP_SHIFT & UNWIND_RULE_BP_MASK;
	uint64_t bp_at = cfa - bp_words * WORD_SIZE_BYTES;
	if (__builtin_expect(cfa <= frame->sp || cfa > frame->high || cfa % WORD_SIZE_BYTES, 0))
		return STEP_BROKEN;
	if (__builtin_expect(bp_at < frame->sp, 0))
		return call_stack_frame_step_in_full(frame, bounds, rule);
	frame->bp_at = bp_words ? bp_at : frame->bp_at;
	frame->slot = cfa - WORD_SIZE_BYTES;
	frame->sp = cfa;
	frame->pc = call_stack_word(frame->slot);
	frame->exact = false;
	return __builtin_expect(frame->pc != 0, 1) ? STEP_DONE : STEP_NULL;
}

#endif
