#include <criterion/criterion.h>

#include "core_fixture.h"
#include "wake_site.h"

static struct thread_record *self;
static const char object, other;

static void wake(struct thread_record *thread, bool holds)
{
	const struct call_registers regs = core_registers();
	wake_site_wake(thread, &object, CALL_sem_post, holds, &regs);
}

static struct wake_facts facts_of(const void *at)
{
	struct wake_facts facts = {0};
	cr_assert(wake_site_find(at, &facts));
	return facts;
}

Test(wake_site, knows_nothing_of_what_was_never_seen)
{
	struct wake_facts facts;

	self = core_start();
	cr_assert_not(wake_site_find(&object, &facts));
	wake_site_see(&object);
	cr_assert(wake_site_find(&object, &facts));
	cr_assert_not(wake_site_find(&other, &facts));
}

Test(wake_site, keeps_the_first_two_threads_and_how_they_posted)
{
	self = core_start();
	struct thread_record *second = core_invent_thread(7), *third = core_invent_thread(8);
	wake_site_init(&object, 3);
	wake(self, true);
	cr_assert_null(facts_of(&object).wakers[0].thread, "who gives back what it took wakes nobody");
	cr_assert_not(facts_of(&object).by_others);
	wake(self, false);
	wake(self, false);
	cr_assert_null(facts_of(&object).wakers[1].thread);
	wake(second, false);
	wake(third, false);
	struct wake_facts facts = facts_of(&object);
	cr_assert_eq(facts.initial_value, 3);
	cr_assert_eq(facts.wakers[0].thread, self);
	cr_assert_neq(facts.wakers[0].past.pc[0], 0);
	cr_assert_eq(facts.wakers[1].tid, 7);
	cr_assert(facts.by_holder && facts.by_others);
}

Test(wake_site, asks_for_a_holder_s_first_post_only)
{
	self = core_start();
	cr_assert_not(wake_site_knows_holder(&object));
	wake_site_init(&object, 1);
	cr_assert_not(wake_site_knows_holder(&object));
	wake(self, false);
	cr_assert_not(wake_site_knows_holder(&object));
	wake(self, true);
	cr_assert(wake_site_knows_holder(&object));
	cr_assert_not(wake_site_knows_holder(&other));
	wake_site_init(&object, 1);
	cr_assert_not(wake_site_knows_holder(&object), "another object at the same place");
}

Test(wake_site, forgets_all_but_that_others_posted)
{
	self = core_start();
	wake(self, false);
	wake_site_forget(&object, false);
	cr_assert(facts_of(&object).by_others);
	cr_assert_null(facts_of(&object).wakers[0].thread);
	wake_site_init(&object, 1);
	cr_assert(facts_of(&object).by_others);
	wake_site_forget(&object, true);
	struct wake_facts facts;
	cr_assert_not(wake_site_find(&object, &facts));
}

Test(wake_site, says_since_which_fork_it_knows_an_object)
{
	self = core_start();
	core_invent_thread(7);
	wake_site_see(&object);
	core_become_child(self);
	cr_assert_eq(facts_of(&object).generation, 0);
	wake_site_init(&object, 0);
	cr_assert_eq(facts_of(&object).generation, 1);
}
