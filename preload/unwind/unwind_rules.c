#include "unwind_rules.h"

#include <stddef.h>

#include "module_map.h"
#include "placement.h"

enum {
	PROBES_MAX = 32, /* four cache lines; beyond, working a rule out again is as good */
	WORD_SIZE_BYTES = 8,
	FULL_RULES_MAX = 2047,
	NOT_KEPT = 2047, /* in place of an index: neither plain nor in the table of full rules */
};
#define ADDRESS_END (UINT64_C(1) << 47)

_Atomic uint64_t unwind_rules_slots[UNWIND_RULE_SLOTS] PAGES_OF_ITS_OWN;
_Atomic uint32_t unwind_rules_slot_mask = UNWIND_RULE_SLOTS_AT_START - 1;
_Atomic uint32_t unwind_rules_generation = UNWIND_RULES_GENERATION_STEP;

/* Rules that the 17 bits cannot say, each once; few in any program. Filled from the front, never emptied. */
static _Atomic uint64_t full_rules[FULL_RULES_MAX] PAGES_OF_ITS_OWN;

/* --- a full rule as one word --- */

#define FULL_RULE_VALID (UINT64_C(1) << 63)

static bool pack_full(const struct unwind_rule *rule, uint64_t *ret_word)
{
	if (rule->cfa_offset != (int32_t)((uint32_t)rule->cfa_offset << 8) >> 8 ||
	    rule->ra_offset != (int16_t)rule->ra_offset || rule->bp_offset != (int16_t)rule->bp_offset)
		return false;
	*ret_word = FULL_RULE_VALID | (uint64_t)rule->kind << 58 | (uint64_t)rule->cfa_from_bp << 57 |
	            (uint64_t)rule->bp_saved << 56 | (uint64_t)((uint32_t)rule->cfa_offset & 0xffffff) << 32 |
	            (uint64_t)(uint16_t)rule->ra_offset << 16 | (uint16_t)rule->bp_offset;
	return true;
}

static struct unwind_rule unpack_full(uint64_t word)
{
	return (struct unwind_rule){
	    .kind = (enum unwind_kind)(word >> 58 & 7),
	    .cfa_from_bp = word >> 57 & 1,
	    .bp_saved = word >> 56 & 1,
	    .cfa_offset = (int32_t)(word >> 24) >> 8,
	    .ra_offset = (int16_t)(word >> 16),
	    .bp_offset = (int16_t)word,
	};
}

static uint32_t rule_in_full(uint32_t index)
{
	return UNWIND_RULE_NOT_FROM_SP | UNWIND_RULE_BP_IN_FULL << UNWIND_RULE_BP_SHIFT | index;
}

static uint32_t keep_in_full(const struct unwind_rule *rule)
{
	uint64_t word;
	if (!pack_full(rule, &word))
		return rule_in_full(NOT_KEPT);
	for (uint32_t i = 0; i < FULL_RULES_MAX; i++) {
		uint64_t found = 0;
		if (atomic_compare_exchange_strong(&full_rules[i], &found, word) || found == word)
			return rule_in_full(i);
	}
	return rule_in_full(NOT_KEPT);
}

/* --- a plain rule as 17 bits --- */

static bool pack_plain(const struct unwind_rule *rule, uint32_t *ret_rule)
{
	uint32_t cfa_words = (uint32_t)rule->cfa_offset / WORD_SIZE_BYTES;
	uint32_t bp_words = rule->bp_saved ? (uint32_t)-rule->bp_offset / WORD_SIZE_BYTES : 0;
	if (rule->kind != UNWIND_NORMAL || rule->ra_offset != -WORD_SIZE_BYTES || rule->cfa_offset < 0 ||
	    rule->cfa_offset % WORD_SIZE_BYTES || cfa_words > UNWIND_RULE_WORDS_MASK)
		return false;
	if (rule->bp_saved && (rule->bp_offset > -2 * WORD_SIZE_BYTES || rule->bp_offset % WORD_SIZE_BYTES ||
	                       bp_words > UNWIND_RULE_BP_MASK))
		return false;
	if (!rule->cfa_from_bp && (cfa_words == 0 || bp_words > cfa_words))
		return false;
	*ret_rule = (rule->cfa_from_bp ? UNWIND_RULE_FROM_BP : 0u) |
	            (rule->is_small ? UNWIND_RULE_GLUE : 0u) | bp_words << UNWIND_RULE_BP_SHIFT | cfa_words;
	return true;
}

static struct unwind_rule unpack_plain(uint32_t rule)
{
	int32_t bp_words = rule >> UNWIND_RULE_BP_SHIFT & UNWIND_RULE_BP_MASK;
	return (struct unwind_rule){
	    .kind = UNWIND_NORMAL,
	    .cfa_from_bp = rule & UNWIND_RULE_FROM_BP,
	    .bp_saved = bp_words != 0,
	    .is_small = rule & UNWIND_RULE_GLUE,
	    .cfa_offset = (int32_t)(rule & UNWIND_RULE_WORDS_MASK) * WORD_SIZE_BYTES,
	    .ra_offset = -WORD_SIZE_BYTES,
	    .bp_offset = -bp_words * WORD_SIZE_BYTES,
	};
}

/* --- learning --- */

static struct eh_frame_view view_of(const struct module *module)
{
	return (struct eh_frame_view){
	    .header = module->eh_frame_hdr,
	    .header_size_bytes = module->eh_frame_hdr_size,
	    .low = module->unwind_start,
	    .high = module->unwind_end,
	};
}

/* False when the answer may be another one the next time: it must not be kept. */
static bool learn(uint64_t address, struct unwind_rule *ret_rule)
{
	*ret_rule = (struct unwind_rule){.kind = UNWIND_NONE};
	if (address >= ADDRESS_END)
		return false;
	const struct module *module;
	if (!module_map_look_up(address, &module))
		return false;
	if (!module || !module->eh_frame_hdr)
		return true;
	struct eh_frame_view view = view_of(module);
	*ret_rule = eh_frame_find_rule(&view, address);
	return true;
}

/* Before one in 16 is taken: what is not in its first slot takes longer to find. */
static void make_room(bool is_full)
{
	static _Atomic uint32_t taken;
	uint32_t mask = atomic_load(&unwind_rules_slot_mask);
	is_full |= atomic_fetch_add_explicit(&taken, !is_full, memory_order_relaxed) > mask / 16;
	if (is_full && mask < UNWIND_RULE_SLOTS - 1)
		atomic_compare_exchange_strong(&unwind_rules_slot_mask, &mask, mask * 2 + 1);
}

static uint32_t learn_into(_Atomic uint64_t *slot, uint64_t address)
{
	struct unwind_rule rule;
	uint32_t packed;
	if (!learn(address, &rule))
		return rule_in_full(NOT_KEPT);
	if (!pack_plain(&rule, &packed)) {
		packed = keep_in_full(&rule);
		if (packed == rule_in_full(NOT_KEPT))
			return packed;
	}
	uint64_t empty = 0;
	/* Another thread may have been faster, with this address or another: then this rule is learned again.
	 */
	if (slot)
		atomic_compare_exchange_strong(slot, &empty, address << UNWIND_RULE_BITS | packed);
	make_room(!slot);
	return packed;
}

/* True: *ret_rule is the address's. Else *ret_slot is where it may go, or NULL. */
static bool search(uint64_t address, uint32_t *ret_rule, _Atomic uint64_t **ret_slot)
{
	*ret_slot = NULL;
	uint32_t mask = unwind_rules_mask(), first = unwind_rules_slot_by(address, mask);
	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		_Atomic uint64_t *slot = &unwind_rules_slots[(first + i) & mask];
		uint64_t word = atomic_load_explicit(slot, memory_order_acquire);
		if (word && word >> UNWIND_RULE_BITS == address) {
			*ret_rule = (uint32_t)word & UNWIND_RULE_MASK;
			return true;
		}
		if (!word) {
			*ret_slot = slot;
			return false;
		}
	}
	return false;
}

uint32_t unwind_rules_find_further(uint64_t address)
{
	_Atomic uint64_t *free_slot;
	uint32_t rule;
	return search(address, &rule, &free_slot) ? rule : learn_into(free_slot, address);
}

/* The slot of an address that is there, or NULL. */
static _Atomic uint64_t *find_slot(uint64_t address, uint64_t *ret_word)
{
	uint32_t mask = unwind_rules_mask(), first = unwind_rules_slot_by(address, mask);
	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		_Atomic uint64_t *slot = &unwind_rules_slots[(first + i) & mask];
		*ret_word = atomic_load_explicit(slot, memory_order_acquire);
		if (*ret_word >> UNWIND_RULE_BITS == address)
			return slot;
	}
	return NULL;
}

bool unwind_rules_learn_release(uint64_t lock_pc, uint64_t unlock_pc)
{
	const struct module *module = module_map_find(lock_pc - 1);
	if (!module || !module->eh_frame_hdr)
		return false;
	struct eh_frame_view view = view_of(module);
	if (!eh_frame_is_one_function(&view, lock_pc - 1, unlock_pc - 1))
		return false;
	uint64_t word;
	_Atomic uint64_t *slot = find_slot(lock_pc - 1, &word);
	if (slot && unwind_rules_is_plain((uint32_t)word))
		atomic_compare_exchange_strong(slot, &word, word & ~(uint64_t)UNWIND_RULE_GLUE);
	return true;
}

struct unwind_rule unwind_rules_expand(uint32_t rule, uint64_t address)
{
	if (unwind_rules_is_plain(rule))
		return unpack_plain(rule);
	uint32_t index = rule & UNWIND_RULE_WORDS_MASK;
	if (index != NOT_KEPT)
		return unpack_full(atomic_load_explicit(&full_rules[index], memory_order_acquire));
	struct unwind_rule learned;
	learn(address, &learned);
	return learned;
}

void unwind_rules_forget(bool (*is_stale)(uint64_t address, const void *data), const void *data)
{
	for (uint32_t i = 0; i <= atomic_load(&unwind_rules_slot_mask); i++) {
		uint64_t word = atomic_load_explicit(&unwind_rules_slots[i], memory_order_acquire);
		if (word && is_stale(word >> UNWIND_RULE_BITS, data))
			atomic_compare_exchange_strong(&unwind_rules_slots[i], &word, 0);
	}
	atomic_fetch_add(&unwind_rules_generation, UNWIND_RULES_GENERATION_STEP);
}
