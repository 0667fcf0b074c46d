#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "arena.h"
#include "core_fixture.h"

static char locks[THREAD_HELD_MAX * 2];
static struct thread_record *self;

static uint32_t want(const void *lock)
{
	const struct call_registers regs = core_registers();
	return thread_record_want(self, lock, TRACE_LOCK_MUTEX, CALL_pthread_mutex_lock, &regs);
}

static uint32_t hold(const void *lock)
{
	uint32_t index = want(lock);
	thread_record_set(self, index, TRACE_HOLD_HELD);
	return index;
}

static void drop(const void *lock)
{
	thread_record_remove(self, thread_record_find(self, lock));
}

static enum trace_hold_state state_of(const void *lock)
{
	uint32_t index = thread_record_find(self, lock);
	return index == UINT32_MAX ? TRACE_HOLD_NONE : atomic_load(&self->held[index].state);
}

static void expect_held(const char *order)
{
	cr_assert_eq(atomic_load(&self->held_count), strlen(order));
	for (uint32_t i = 0; order[i]; i++)
		cr_assert_eq(self->held[i].lock, (uint64_t)(uintptr_t)&locks[order[i] - 'a'],
		             "entry %u of %s", i, order);
}
static void *lock_named(char name)
{
	return &locks[name - 'a'];
}

Test(thread_record, starts_empty)
{
	self = core_start();
	expect_held("");
	cr_assert_eq(thread_record_find(self, lock_named('a')), UINT32_MAX);
}

Test(thread_record, goes_through_its_states)
{
	self = core_start();
	uint32_t index = want(lock_named('a'));
	cr_assert_eq(state_of(lock_named('a')), TRACE_HOLD_WANT);
	thread_record_set(self, index, TRACE_HOLD_HELD);
	cr_assert_eq(state_of(lock_named('a')), TRACE_HOLD_HELD);
	thread_record_set(self, index, TRACE_HOLD_RELEASING);
	cr_assert_eq(state_of(lock_named('a')), TRACE_HOLD_RELEASING);
	thread_record_remove(self, index);
	cr_assert_eq(state_of(lock_named('a')), TRACE_HOLD_NONE);
	expect_held("");
}

Test(thread_record, keeps_what_the_wrapper_says)
{
	self = core_start();
	const struct call_registers regs = core_registers();
	uint32_t index = thread_record_want(self, locks, TRACE_LOCK_RWLOCK, CALL_mtx_timedlock, &regs);
	const struct held_entry *entry = &self->held[index];
	cr_assert_eq(entry->lock, (uint64_t)(uintptr_t)locks);
	cr_assert_eq(entry->kind, TRACE_LOCK_RWLOCK);
	cr_assert_eq(entry->call, CALL_mtx_timedlock);
	cr_assert_eq(entry->former_tid, 0);
	cr_assert_eq(thread_record_owner_of(self, entry), self->owner_tid);
}

Test(thread_record, takes_locks_out_in_any_order)
{
	self = core_start();
	for (char name = 'a'; name <= 'e'; name++)
		hold(lock_named(name));
	expect_held("abcde");
	drop(lock_named('b'));
	expect_held("aecd");
	drop(lock_named('d'));
	expect_held("aec");
	drop(lock_named('a'));
	expect_held("ce");
	drop(lock_named('e'));
	drop(lock_named('c'));
	expect_held("");
}

Test(thread_record, carries_an_entry_whole_when_it_moves)
{
	self = core_start();
	hold(lock_named('a'));
	const struct call_registers regs = core_registers();
	uint32_t index =
	    thread_record_want(self, lock_named('b'), TRACE_LOCK_SEMAPHORE, CALL_cnd_wait, &regs);
	thread_record_set(self, index, TRACE_HOLD_WAITING);
	self->held[index].former_tid = 4711;
	struct held_entry before = self->held[index];
	drop(lock_named('a'));
	cr_assert_arr_eq(&self->held[0], &before, sizeof before);
	cr_assert_eq(atomic_load(&self->held[1].state), TRACE_HOLD_NONE);
}

Test(thread_record, keeps_an_entry_for_each_level_of_a_recursive_lock)
{
	self = core_start();
	uint32_t outer = hold(lock_named('a'));
	hold(lock_named('b'));
	uint32_t inner = hold(lock_named('a'));
	cr_assert_eq(thread_record_find(self, lock_named('a')), inner);
	drop(lock_named('a'));
	cr_assert_eq(thread_record_find(self, lock_named('a')), outer);
	drop(lock_named('a'));
	expect_held("b");
}

Test(thread_record, pops_the_last_lock_alone)
{
	self = core_start();
	want(lock_named('a'));
	want(lock_named('b'));
	cr_assert_not(thread_record_pop(self, lock_named('a')));
	cr_assert(thread_record_pop(self, lock_named('b')));
	cr_assert_not(thread_record_pop(self, lock_named('b')));
	cr_assert(thread_record_pop(self, lock_named('a')));
	cr_assert_not(thread_record_pop(self, lock_named('a')));
	expect_held("");
}

/* The lock is let go after its entry was taken out: a child may still need to read it. */
Test(thread_record, leaves_a_popped_entry_readable)
{
	self = core_start();
	uint32_t index = want(lock_named('a'));
	struct held_entry before = self->held[index];
	cr_assert(thread_record_pop(self, lock_named('a')));
	cr_assert(thread_record_is_popped(self, index));
	cr_assert_arr_eq(&self->held[index], &before, sizeof before);
}

Test(thread_record, leaves_an_empty_record_alone)
{
	self = core_start();
	thread_record_remove(self, UINT32_MAX);
	thread_record_remove(self, 0);
	thread_record_set(self, UINT32_MAX, TRACE_HOLD_HELD);
	thread_record_set(self, 0, TRACE_HOLD_HELD);
	expect_held("");
	cr_assert_eq(atomic_load(&self->held[0].state), TRACE_HOLD_NONE);
}

Test(thread_record, keeps_the_stack_of_the_caller)
{
	struct call_site site;
	uint64_t walked[CALL_SITE_FRAMES], exact;
	unsigned flags;

	self = core_start();
	const struct call_registers regs = core_registers();
	uint32_t index = thread_record_want(self, locks, TRACE_LOCK_MUTEX, CALL_mtx_lock, &regs);
	thread_record_site(&self->held[index], &site);
	cr_assert_eq(call_stack_walk(&regs, &self->bounds, walked, CALL_SITE_FRAMES, &flags, &exact),
	             CALL_SITE_FRAMES);
	cr_assert_arr_eq(site.pc, walked, sizeof walked);
}

static __attribute__((noinline)) uint64_t hold_from_here(const void *lock)
{
	const struct call_registers regs = core_registers();
	thread_record_want(self, lock, TRACE_LOCK_MUTEX, CALL_mtx_lock, &regs);
	return regs.pc;
}
static __attribute__((noinline)) uint64_t hold_at_depth(const void *lock, int depth)
{
	uint64_t pc = depth ? hold_at_depth(lock, depth - 1) : hold_from_here(lock);
	__asm__ volatile("" ::: "memory");
	return pc;
}

/* The same code at the same depth, called from elsewhere, takes over the cache's entry. */
Test(thread_record, keeps_a_stack_whose_place_in_the_cache_was_taken)
{
	enum { MANY = 100, FEW = 8 };
	struct call_site before[MANY], after;

	self = core_start();
	for (int round = 0; round < 4; round++) {
		int held = round < 2 ? FEW : MANY;
		for (int i = 0; i < held; i++)
			hold_at_depth(&locks[i], i % FEW);
		for (int i = 0; i < held; i++)
			thread_record_site(&self->held[i], &before[i]);
		for (int i = 0; i < 300; i++) {
			hold_at_depth(&locks[MANY], i % 40);
			drop(&locks[MANY]);
		}
		for (int i = 0; i < held; i++) {
			thread_record_site(&self->held[i], &after);
			cr_assert_arr_eq(after.pc, before[i].pc, sizeof after.pc, "entry %d, round %d", i,
			                 round);
			cr_assert_eq(after.outer_slot, before[i].outer_slot);
			cr_assert_eq(after.outer_bp, before[i].outer_bp);
		}
		while (atomic_load(&self->held_count))
			thread_record_remove(self, atomic_load(&self->held_count) - 1);
	}
}

/* It is put off then, since each change of the cache looks over all of them. */
Test(thread_record, keeps_a_stack_in_the_cache_though_many_locks_are_held)
{
	enum { MANY = 200, OFTEN = MANY };

	self = core_start();
	for (int i = 0; i < MANY; i++)
		hold_from_here(&locks[i]);
	for (int i = 0; i < OFTEN; i++) {
		hold_at_depth(&locks[MANY], 3);
		drop(&locks[MANY]);
	}
	hold_at_depth(&locks[MANY], 3);
	cr_assert_not(self->held[MANY].stack & THREAD_STACK_OWN);
}

Test(thread_record, finds_locks_that_are_released_in_order)
{
	enum { MANY = 100 };

	self = core_start();
	for (int i = 0; i < MANY; i++)
		hold(&locks[i]);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t index = thread_record_find_once(self, &locks[i]);
		cr_assert_eq(index, thread_record_find(self, &locks[i]));
		cr_assert(i >= MANY / 2 || index == self->next_removed, "lock %u was searched for", i);
		thread_record_remove(self, index);
		for (uint32_t k = i + 1; k < MANY; k++)
			cr_assert_eq(state_of(&locks[k]), TRACE_HOLD_HELD);
	}
	expect_held("");
	cr_assert_eq(thread_record_find_once(self, &locks[0]), UINT32_MAX);
}

Test(thread_record, grows_beyond_its_first_entries)
{
	enum { MANY = 1000 };

	self = core_start();
	for (uint32_t i = 0; i < MANY; i++)
		cr_assert_eq(hold(&locks[i]), i);
	cr_assert_geq(self->held_capacity, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		cr_assert_eq(thread_record_find(self, &locks[i]), i);
		cr_assert_eq(state_of(&locks[i]), TRACE_HOLD_HELD);
	}
	for (uint32_t i = 0; i < MANY; i++)
		drop(&locks[i]);
	expect_held("");
	cr_assert_eq(thread_record_take_lost(), 0);
}

/* As if the handler had come between the look for room and the entry. */
Test(thread_record, has_room_for_a_lock_that_a_signal_handler_keeps)
{
	uint64_t *neighbour = arena_alloc(64);
	uint32_t count = 0;

	self = core_start();
	for (; self->held_capacity == THREAD_HELD_INITIAL || count < self->held_capacity - 1; count++)
		hold(&locks[count]);
	cr_assert(thread_record_has_room(self));
	hold(&locks[count++]);
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	if (!thread_record_push(self, &locks[count], TRACE_LOCK_MUTEX, CALL_pthread_mutex_lock, regs))
		thread_record_push_missed(self, TRACE_LOCK_MUTEX, CALL_pthread_mutex_lock, regs.pc, regs.sp,
		                          regs.bp);
	count++;
	cr_assert_eq(count, self->held_capacity + 1);
	hold(&locks[count++]);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(thread_record_find(self, &locks[i]), i);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(neighbour[i], 0);
}

Test(thread_record, drops_the_older_half_for_lack_of_memory)
{
	enum { MANY = 100 };

	self = core_start();
	arena_seal(true);
	while (arena_alloc(64))
		;
	for (int i = 0; i < MANY; i++)
		hold(&locks[i]);
	uint64_t lost = thread_record_take_lost();
	cr_assert_gt(lost, 0);
	cr_assert_eq(atomic_load(&self->held_count) + lost, MANY);
	cr_assert_eq(state_of(&locks[MANY - 1]), TRACE_HOLD_HELD);
}

/* Among very many the latest are the likeliest to be held still. */
Test(thread_record, counts_what_no_longer_fits, .timeout = 60)
{
	enum { MORE = 100 };

	self = core_start();
	for (int i = 0; i < THREAD_HELD_MAX + MORE; i++)
		cr_assert_neq(hold(&locks[i]), UINT32_MAX);
	cr_assert_eq(self->held_capacity, THREAD_HELD_MAX);
	cr_assert_leq(atomic_load(&self->held_count), THREAD_HELD_MAX);
	uint64_t lost = thread_record_take_lost();
	cr_assert_eq(atomic_load(&self->held_count) + lost, THREAD_HELD_MAX + MORE);
	cr_assert_eq(thread_record_take_lost(), 0, "told twice");
	for (int i = THREAD_HELD_MAX; i < THREAD_HELD_MAX + MORE; i++)
		cr_assert_eq(state_of(&locks[i]), TRACE_HOLD_HELD);
}

/* One thread locks, another unlocks, again and again: what is left over must not fill the record. */
Test(thread_record, does_not_grow_by_what_other_threads_release, .timeout = 60)
{
	enum { ROUNDS = 100000 };

	self = core_start();
	want(lock_named('x'));
	for (int i = 0; i < ROUNDS; i++)
		want(lock_named((char)('a' + i % 3)));
	cr_assert_leq(self->held_capacity, 64, "%u entries", self->held_capacity);
	cr_assert_neq(thread_record_find(self, lock_named('x')), UINT32_MAX,
	              "a lock that is held was dropped");
	cr_assert_eq(thread_record_take_lost(), 0);
}
