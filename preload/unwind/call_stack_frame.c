#include "call_stack_frame.h"

#include <ucontext.h>

#include "maps_reader.h"
#include "module_map.h"

enum { OTHER_LOOKUPS_MAX = 64, RED_ZONE_SIZE_BYTES = 128 };

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

bool call_stack_frame_select_other(struct stack_bounds *bounds, struct call_stack_frame *frame)
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

static bool holds_word(const struct call_stack_frame *frame, uint64_t address)
{
	return address >= frame->low && address < frame->high && address % WORD_SIZE_BYTES == 0;
}

/* The stack pointer points to the ucontext_t that the kernel saved. */
static enum call_stack_step step_signal(struct call_stack_frame *frame, struct stack_bounds *bounds)
{
	uint64_t registers = frame->sp + offsetof(ucontext_t, uc_mcontext.gregs);
	uint64_t sp_at = registers + REG_RSP * WORD_SIZE_BYTES;
	uint64_t pc_at = registers + REG_RIP * WORD_SIZE_BYTES;
	if (!holds_word(frame, registers) || !holds_word(frame, pc_at))
		return STEP_BROKEN;
	frame->bp_at = registers + REG_RBP * WORD_SIZE_BYTES;
	frame->slot = pc_at;
	frame->sp = call_stack_word(sp_at);
	frame->pc = call_stack_word(pc_at);
	frame->exact = true;
	return frame->pc && call_stack_frame_select(bounds, frame) ? STEP_DONE : STEP_BROKEN;
}

enum call_stack_step call_stack_frame_step_in_full(struct call_stack_frame *frame,
                                                   struct stack_bounds *bounds, uint32_t packed)
{
	struct unwind_rule rule = unwind_rules_expand(packed, call_stack_frame_lookup(frame));
	if (rule.kind == UNWIND_OUTERMOST)
		return STEP_OUTERMOST;
	if (rule.kind == UNWIND_SIGNAL)
		return step_signal(frame, bounds);
	if (rule.kind == UNWIND_NONE)
		return STEP_CUT;
	uint64_t cfa = (rule.cfa_from_bp ? call_stack_word(frame->bp_at) : frame->sp) +
	               (uint64_t)(int64_t)rule.cfa_offset;
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
	frame->pc = call_stack_word(slot);
	frame->exact = false;
	return frame->pc ? STEP_DONE : STEP_NULL;
}
