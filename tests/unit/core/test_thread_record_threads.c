/* What becomes of a thread's record once the thread has ended or vanished. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "core_fixture.h"

static char lock;
static struct thread_record *self;

Test(thread_record, gives_a_released_record_to_the_next_thread)
{
	self = core_start();
	struct thread_record *first = core_invent_thread(100001);
	strcpy(first->name, "first");
	first->start_routine = &lock;
	first->created_count = 3;
	first->former_tid = 9;
	first->fork_noted = true;
	first->is_detached = true;
	first->handle = 7;
	first->bounds.high = 4096;
	thread_record_release(first);
	cr_assert_eq(atomic_load(&first->state), THREAD_FREE);
	struct thread_record *second = thread_record_new(1);
	cr_assert_eq(second, first);
	cr_assert_eq(atomic_load(&second->state), THREAD_ALIVE);
	cr_assert_eq(second->generation, 1);
	cr_assert_eq(second->tid, 0);
	cr_assert_eq(second->owner_tid, 0);
	cr_assert_eq(second->former_tid, 0);
	cr_assert_eq(second->handle, 0);
	cr_assert_eq(second->created_count, 0);
	cr_assert_null(second->start_routine);
	cr_assert_not(second->fork_noted);
	cr_assert_not(second->is_detached);
	cr_assert_eq(second->bounds.high, 0);
	cr_assert_str_eq(second->name, "");
}

Test(thread_record, hands_no_lock_of_an_ended_thread_to_the_next)
{
	self = core_start();
	struct thread_record *first = core_invent_thread(100001);
	core_invent_hold(first, &lock, TRACE_HOLD_WANT);
	cr_assert(thread_record_pop(first, &lock));
	thread_record_release(first);
	struct thread_record *second = core_invent_thread(100002);
	cr_assert_eq(second, first);
	cr_assert_eq(atomic_load(&second->held_count), 0);
	cr_assert_eq(atomic_load(&second->held[0].state), TRACE_HOLD_NONE);
}

Test(thread_record, remembers_a_thread_that_ended_with_a_lock)
{
	self = core_start();
	cr_assert_not(thread_record_any_abandoned());
	struct thread_record *ended = core_invent_thread(100001);
	core_invent_hold(ended, &lock, TRACE_HOLD_HELD);
	thread_record_release(ended);
	cr_assert_eq(atomic_load(&ended->state), THREAD_ENDED);
	cr_assert_neq(thread_record_find(ended, &lock), UINT32_MAX);
	cr_assert_neq(thread_record_new(0), ended);
	cr_assert(thread_record_any_abandoned());
}

Test(thread_record, remembers_a_bounded_number_of_them)
{
	unsigned ended = 0, records = 0;

	self = core_start();
	for (int i = 0; i < 2 * THREAD_ABANDONED_MAX; i++) {
		struct thread_record *record = core_invent_thread(100001 + i);
		core_invent_hold(record, &lock, TRACE_HOLD_HELD);
		thread_record_release(record);
	}
	for (struct thread_record *record = thread_record_first(); record; record = record->next) {
		ended += atomic_load(&record->state) == THREAD_ENDED;
		records++;
	}
	cr_assert_eq(ended, THREAD_ABANDONED_MAX);
	cr_assert_leq(records, THREAD_ABANDONED_MAX + 2);
	cr_assert_eq(thread_record_take_lost(), THREAD_ABANDONED_MAX);
}

enum { THREADS = 8, LIVES = 3000 };
static pthread_barrier_t barrier;

static void *live_often(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < LIVES; i++) {
		struct thread_record *record = thread_record_new(0);
		if (!record)
			return (void *)"no record";
		if (record->tid)
			return (void *)"given to two threads";
		record->tid = 1 + i;
		for (volatile int k = 0; k < 20; k++)
			;
		if (record->tid != 1 + i)
			return (void *)"changed by another thread";
		thread_record_release(record);
	}
	return NULL;
}

Test(thread_record, gives_racing_threads_records_of_their_own, .timeout = 60)
{
	pthread_t thread[THREADS];
	void *fault[THREADS];
	unsigned records = 0;

	self = core_start();
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, live_often, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], &fault[i]);
	for (int i = 0; i < THREADS; i++)
		cr_assert_null(fault[i], "%s", (char *)fault[i]);
	for (struct thread_record *record = thread_record_first(); record; record = record->next)
		records++;
	cr_assert_leq(records, THREADS + 1, "%u records for %d threads at a time", records, THREADS);
}

Test(thread_record, has_a_gate_of_its_own_for_each_of_many_threads)
{
	enum { MANY = 3000 };
	static struct thread_record *made[MANY];

	self = core_start();
	for (int i = 0; i < MANY; i++) {
		made[i] = core_invent_thread(100001 + i);
		cr_assert_null(made[i]->gate->record);
		thread_record_open_gate(made[i], true);
	}
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(made[i]->gate->record, made[i]);
}

Test(thread_record, closes_the_gate_of_an_ended_thread)
{
	self = core_start();
	struct thread_gate *gate = self->gate;
	cr_assert_eq(thread_record_gate, gate);
	cr_assert_eq(gate->record, self);
	core_end_thread();
	cr_assert_null(gate->record);
	cr_assert_null(thread_record_gate->record);
	cr_assert_neq(thread_record_gate, gate);
	cr_assert_null(thread_record_self);
}

static pthread_mutex_t let_go;

/* A thread that was just letting go of the lock, whose word the caller sets. */
static struct thread_record *vanish_while_letting_go(int32_t owner_in_word)
{
	core_start();
	struct thread_record *vanished = core_invent_thread(4711);
	core_invent_hold(vanished, &let_go, TRACE_HOLD_WANT);
	cr_assert(thread_record_pop(vanished, &let_go));
	core_lock_by_hand(&let_go, owner_in_word);
	cr_assert_eq(atomic_load(&vanished->held_count), 0);
	return vanished;
}

Test(thread_record, keeps_who_vanished_while_letting_go)
{
	struct thread_record *vanished = vanish_while_letting_go(4711);
	struct thread_record *next = thread_record_new(vanished->generation + 2);
	cr_assert_neq(next, vanished);
	cr_assert_eq(atomic_load(&vanished->state), THREAD_ALIVE);
	cr_assert_eq(vanished->generation + 2, next->generation);
}

Test(thread_record, uses_again_the_record_of_who_had_let_go)
{
	struct thread_record *vanished = vanish_while_letting_go(4712);
	uint32_t generation = vanished->generation;
	cr_assert_not_null(thread_record_new(generation + 2));
	cr_assert(atomic_load(&vanished->state) == THREAD_FREE || vanished->generation == generation + 2);
}
