/* The table that keeps the rules of a process's code. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "eh_frame.h"
#include "module_map.h"
#include "unwind_rules.h"

static bool same_rule(struct unwind_rule a, struct unwind_rule b)
{
	if (a.kind != b.kind || a.kind != UNWIND_NORMAL)
		return a.kind == b.kind;
	return a.cfa_from_bp == b.cfa_from_bp && a.bp_saved == b.bp_saved && a.cfa_offset == b.cfa_offset &&
	       a.ra_offset == b.ra_offset && a.bp_offset == b.bp_offset;
}

static const struct module *libc_module(void)
{
	module_map_refresh();
	const struct module *module = module_map_find((uint64_t)(uintptr_t)&getppid);
	cr_assert_not_null(module);
	return module;
}

/* Each address of libc's code in steps, by the table and by .eh_frame itself. */
static unsigned count_differences(const struct module *module, unsigned step)
{
	struct eh_frame_view view = {module->eh_frame_hdr, module->eh_frame_hdr_size, module->unwind_start,
	                             module->unwind_end};
	unsigned differences = 0;
	for (uint64_t address = module->exec_start; address < module->exec_end; address += step) {
		uint32_t rule = unwind_rules_find(address);
		differences +=
		    !same_rule(unwind_rules_expand(rule, address), eh_frame_find_rule(&view, address));
	}
	return differences;
}

Test(unwind_rules, table_gives_what_eh_frame_says_when_learned_and_when_found)
{
	cr_expect_eq(count_differences(libc_module(), 97), 0);
	cr_expect_eq(count_differences(libc_module(), 97), 0);
}

Test(unwind_rules, table_grows_with_what_is_in_it)
{
	const struct module *module = libc_module();
	cr_expect_eq(atomic_load(&unwind_rules_slot_mask), UNWIND_RULE_SLOTS_AT_START - 1);
	for (uint64_t i = 0; i < 8; i++)
		unwind_rules_find(module->exec_start + 1009 * i);
	cr_expect_eq(atomic_load(&unwind_rules_slot_mask), UNWIND_RULE_SLOTS_AT_START - 1);
	for (uint64_t i = 0; i < UNWIND_RULE_SLOTS_AT_START; i++)
		unwind_rules_find(module->exec_start + 1009 * i);
	cr_expect_gt(atomic_load(&unwind_rules_slot_mask), UNWIND_RULE_SLOTS_AT_START - 1);
	cr_expect_eq(count_differences(module, 1009), 0);
	for (uint64_t i = 0; i < UNWIND_RULE_SLOTS; i++)
		unwind_rules_find(module->exec_start + 11 * i);
	cr_expect_eq(atomic_load(&unwind_rules_slot_mask), UNWIND_RULE_SLOTS - 1);
}

Test(unwind_rules, full_table_still_answers)
{
	for (uint64_t i = 0; i < UNWIND_RULE_SLOTS; i++)
		atomic_store(&unwind_rules_slots[i], (i + 1) << UNWIND_RULE_BITS);
	cr_expect_eq(count_differences(libc_module(), 1009), 0);
}

/* The module is looked up once, before: a thread that finds another reading the map sees no module yet. */
static void *race(void *module)
{
	return (void *)(uintptr_t)count_differences(module, 61);
}

Test(unwind_rules, racing_threads_learn_the_same)
{
	pthread_t thread[4];
	const struct module *module = libc_module();
	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, race, (void *)(uintptr_t)module), 0);
	for (int i = 0; i < 4; i++) {
		void *differences;
		pthread_join(thread[i], &differences);
		cr_expect_null(differences);
	}
}

static bool is_in_libc(uint64_t address, const void *data)
{
	const struct module *module = data;
	return address >= module->start && address < module->end;
}

Test(unwind_rules, forgets_what_it_is_told_and_starts_a_generation)
{
	const struct module *module = libc_module();
	uint64_t own = (uint64_t)(uintptr_t)&is_in_libc, other = (uint64_t)(uintptr_t)&getppid;
	unwind_rules_find(own);
	unwind_rules_find(other);
	uint32_t generation = atomic_load(&unwind_rules_generation);
	unwind_rules_forget(is_in_libc, module);
	cr_expect_eq(atomic_load(&unwind_rules_generation), generation + UNWIND_RULES_GENERATION_STEP);
	cr_expect_eq(atomic_load(&unwind_rules_slots[unwind_rules_slot_of(own)]) >> UNWIND_RULE_BITS, own);
	cr_expect_eq(atomic_load(&unwind_rules_slots[unwind_rules_slot_of(other)]), 0);
}

static __attribute__((noinline)) uint64_t address_here(void)
{
	__asm__ volatile(""); /* two calls are two */
	return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

/* Larger than any wrapper of a lock. */
static __attribute__((noinline)) uint64_t address_in_a_large_function(void)
{
	uint64_t address = address_here();
	__asm__ volatile(".fill 300, 1, 0x90");
	return address;
}

static __attribute__((noinline)) void addresses_in_a_small_function(uint64_t *ret_first, uint64_t *ret_second)
{
	*ret_first = address_here();
	*ret_second = address_here();
	__asm__ volatile("");
}

static bool may_be_wrapper(uint64_t pc)
{
	return unwind_rules_find(pc - 1) & UNWIND_RULE_GLUE;
}

Test(unwind_rules, takes_a_small_function_for_a_wrapper_until_it_releases_a_lock)
{
	uint64_t lock, unlock, elsewhere = address_in_a_large_function();
	module_map_refresh();
	addresses_in_a_small_function(&lock, &unlock);
	cr_expect_not(may_be_wrapper(elsewhere));
	cr_expect(may_be_wrapper(lock));
	cr_expect_not(unwind_rules_learn_release(lock, elsewhere));
	cr_expect_not(unwind_rules_learn_release(lock, 0));
	cr_expect(may_be_wrapper(lock));
	struct unwind_rule before = unwind_rules_expand(unwind_rules_find(lock - 1), lock - 1);
	cr_expect(unwind_rules_learn_release(lock, unlock));
	cr_expect_not(may_be_wrapper(lock));
	cr_expect(may_be_wrapper(unlock));
	cr_expect(same_rule(unwind_rules_expand(unwind_rules_find(lock - 1), lock - 1), before));
}
