/* The walk of stacks as most are: four frames on the thread's own stack, each with a rule that counts from
 * rsp. Rules as in call_stack.h. It is inlined where a lock's stack is not in the cache: a program whose
 * stacks vary comes here each time. */
#ifndef AFTERFORK_PRELOAD_CALL_STACK_PLAIN_H
#define AFTERFORK_PRELOAD_CALL_STACK_PLAIN_H

#include "call_stack.h"

/* Fills ret_pc[0..CALL_SITE_FRAMES], the last one with 0, and the cache's entry, unless that is NULL. Returns
 * a call site's outer_slot, or 0, with nothing changed, where the stack is another one: for
 * call_stack_capture(). */
static inline __attribute__((always_inline)) uint64_t
call_stack_capture_plain(struct call_stack_cache *cache, struct call_stack_cache_entry *entry,
                         const struct stack_bounds *bounds, const struct call_registers *regs,
                         uint64_t *ret_pc, uint64_t *ret_outer_bp)
{
	const uint64_t sp = regs->sp, *words = (const uint64_t *)(uintptr_t)sp;
	uint32_t generation = atomic_load_explicit(&unwind_rules_generation, memory_order_relaxed);
	uint32_t mask = unwind_rules_mask();
	if (sp < bounds->low || sp % sizeof *words)
		return 0;
	int64_t room = (int64_t)(bounds->high - sp) / (int64_t)sizeof *words;
	uint64_t pc[CALL_SITE_FRAMES] = {regs->pc};
	uint64_t end = 0, slots = 0, bp_place = CALL_STACK_WORD_LIVE_BP;
	uint32_t glue = UNWIND_RULE_GLUE;
#pragma GCC unroll 3
	for (unsigned i = 0; i < CALL_SITE_FRAMES - 1; i++) {
		uint32_t rule = unwind_rules_find_by(pc[i] - 1, mask);
		uint64_t saved = rule >> UNWIND_RULE_BP_SHIFT & UNWIND_RULE_BP_MASK;
		end += rule & UNWIND_RULE_WORDS_MASK;
		if (__builtin_expect(rule & UNWIND_RULE_NOT_FROM_SP || (int64_t)end > room, 0))
			return 0;
		pc[i + 1] = words[end - 1];
		slots |= (end - 1) << 16 * i;
		bp_place = saved ? end - saved : bp_place;
		glue &= rule;
	}
	if (__builtin_expect(!pc[CALL_SITE_FRAMES - 1] || glue || end >= CALL_STACK_WORD_LIVE_BP, 0))
		return 0;
	*ret_outer_bp = bp_place == CALL_STACK_WORD_LIVE_BP ? regs->bp : words[bp_place];
	/* Word by word: copied in pairs they would have to wait for the single words. */
#pragma GCC unroll 4
	for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
		*(volatile uint64_t *)&ret_pc[i] = pc[i];
	ret_pc[CALL_SITE_FRAMES] = 0;
	if (__builtin_expect(entry != NULL, 1)) {
		uint32_t stores = call_stack_begin_store(cache, entry);
#pragma GCC unroll 4
		for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
			*(volatile uint64_t *)&entry->pc[i] = pc[i];
		__atomic_store_n((uint64_t *)(void *)entry->slot, slots | bp_place << 48, __ATOMIC_RELAXED);
		entry->state = generation;
		call_stack_end_store(cache, entry, sp, stores);
	}
	return (uint64_t)(uintptr_t)&words[end - 1];
}

#endif
