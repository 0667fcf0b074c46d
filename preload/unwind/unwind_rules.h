/* One table of unwind rules per code address for the whole process, learned from the modules' .eh_frame.
 *
 * Lock-free and async-signal-safe. A slot is one word, address and rule together: it is read, filled and
 * emptied by single atomic accesses, so that racing threads at worst learn the same rule twice, and a fork
 * copies a sound table at any moment. A full table costs time (the rule is worked out again at each use),
 * never a wrong answer.
 *
 *   bits 17..63  the code address
 *   bit  16      CFA = rbp + offset, or no plain rule; else CFA = rsp + offset, and offset is not 0
 *   bit  15      the function may be no more than a wrapper of a lock: it is small
 *   bits 11..14  0: rbp unchanged; 2 and more: the caller's rbp stands that many words below the CFA, and
 *                never below rsp; 1: no plain rule, the low bits are an index of a rule kept in full
 *   bits 0..10   CFA offset in words; the return address stands right below the CFA
 */
#ifndef AFTERFORK_PRELOAD_UNWIND_RULES_H
#define AFTERFORK_PRELOAD_UNWIND_RULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "eh_frame.h"

enum {
	UNWIND_RULE_SLOTS = 1 << 16,
	UNWIND_RULE_SLOTS_AT_START = 1 << 9, /* a page of them */
	UNWIND_RULE_BITS = 17,
	UNWIND_RULE_MASK = (1 << UNWIND_RULE_BITS) - 1,
	UNWIND_RULE_WORDS_MASK = 0x7ff,
	UNWIND_RULE_BP_SHIFT = 11,
	UNWIND_RULE_BP_MASK = 15,
	UNWIND_RULE_BP_IN_FULL = 1,
	UNWIND_RULE_GLUE = 1 << 15,
	UNWIND_RULE_FROM_BP = 1 << 16, /* of a plain rule */
	UNWIND_RULE_NOT_FROM_SP = UNWIND_RULE_FROM_BP,
};

extern _Atomic uint64_t unwind_rules_slots[UNWIND_RULE_SLOTS];
/* Of the slots in use: the table grows with what is in it, since a fork pays for each page that was written.
 * What a smaller one had elsewhere is learned again. */
extern _Atomic uint32_t unwind_rules_slot_mask;
/* Grows by UNWIND_RULES_GENERATION_STEP whenever rules were forgotten: what was derived from them is void. */
enum { UNWIND_RULES_GENERATION_STEP = 256 };
extern _Atomic uint32_t unwind_rules_generation;

/* Searches on behind the first slot; learns what is not there. */
uint32_t unwind_rules_find_further(uint64_t address);

/* Neighbouring code shares pages and cache lines of the table. */
static inline uint32_t unwind_rules_slot_by(uint64_t address, uint32_t mask)
{
	return (uint32_t)((address >> 2) ^ (address >> 18)) & mask;
}
static inline uint32_t unwind_rules_mask(void)
{
	return atomic_load_explicit(&unwind_rules_slot_mask, memory_order_relaxed);
}
static inline uint32_t unwind_rules_slot_of(uint64_t address)
{
	return unwind_rules_slot_by(address, unwind_rules_mask());
}

/* The rule (bits 0..16) at the instruction that holds `address`: for a return address pass it less one. mask
 * is unwind_rules_mask(), read once for several. */
static inline uint32_t unwind_rules_find_by(uint64_t address, uint32_t mask)
{
	uint64_t word = atomic_load_explicit(&unwind_rules_slots[unwind_rules_slot_by(address, mask)],
	                                     memory_order_acquire);
	if (__builtin_expect(word >> UNWIND_RULE_BITS == address, 1))
		return (uint32_t)word & UNWIND_RULE_MASK;
	return unwind_rules_find_further(address);
}
static inline uint32_t unwind_rules_find(uint64_t address)
{
	return unwind_rules_find_by(address, unwind_rules_mask());
}

static inline bool unwind_rules_is_plain(uint32_t rule)
{
	return (rule >> UNWIND_RULE_BP_SHIFT & UNWIND_RULE_BP_MASK) != UNWIND_RULE_BP_IN_FULL;
}

/* What unwind_rules_find(address) found, spelled out. */
struct unwind_rule unwind_rules_expand(uint32_t rule, uint64_t address);

/* A lock was taken by the call that returns to `lock_pc`, and one released by that which returns to
 * `unlock_pc`: a function that does both is no wrapper. True if that is so. */
bool unwind_rules_learn_release(uint64_t lock_pc, uint64_t unlock_pc);

/* Forgets the rules of all addresses that is_stale() names, and with them every stack kept in a thread's
 * cache. */
void unwind_rules_forget(bool (*is_stale)(uint64_t address, const void *data), const void *data);

#endif
