/* Who is named as the holder of a lock, and when nobody is. */
#include "child_check_fixture.h"
#include "trace_writer.h"

static void expect_holder(const struct child_use *use, const struct thread_record *holder)
{
	cr_assert_eq(use->suspect.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(use->suspect.holder, holder);
	cr_assert_eq(use->suspect.holder_tid, HOLDER);
	cr_assert_eq(use->suspect.holder_entry, 0);
	cr_assert(use->suspect.proof & TRACE_PROOF_RECORD);
	cr_assert(use->suspect.proof & TRACE_PROOF_PRIVATE_MAPPING);
	cr_assert(use->suspect.proof & TRACE_PROOF_ONLY_THREAD);
	cr_assert_not_null(use->suspect.fork);
	cr_assert_eq(use->suspect.fork->tid, gettid());
	cr_assert_eq(use->suspect.fork->vanished_threads, 1);
}

static void expect_named_by_owner(enum trace_hold_state state)
{
	struct thread_record *holder = vanished_holder(state, HOLDER);
	struct child_use use = use_lock(CHILD_LOCK);

	expect_holder(&use, holder);
	cr_assert(use.suspect.proof & TRACE_PROOF_OWNER_WORD);
	cr_assert_eq(use.suspect.state.owner_tid, HOLDER);
}

Test(child_check, names_the_vanished_holder)
{
	expect_named_by_owner(TRACE_HOLD_HELD);
}
Test(child_check, names_the_vanished_holder_that_had_just_come)
{
	expect_named_by_owner(TRACE_HOLD_WANT);
}
Test(child_check, names_the_vanished_holder_that_was_about_to_go)
{
	expect_named_by_owner(TRACE_HOLD_RELEASING);
}
Test(child_check, names_the_vanished_holder_that_had_been_waiting)
{
	expect_named_by_owner(TRACE_HOLD_WAITING);
}

static void expect_named_without_owner(enum trace_hold_state state)
{
	struct thread_record *holder = vanished_holder(state, 0);
	struct child_use use = use_lock(CHILD_LOCK);

	expect_holder(&use, holder);
	cr_assert_not(use.suspect.proof & TRACE_PROOF_OWNER_WORD);
}

Test(child_check, names_the_only_one_that_was_coming)
{
	expect_named_without_owner(TRACE_HOLD_WANT);
}
Test(child_check, names_the_only_one_that_was_going)
{
	expect_named_without_owner(TRACE_HOLD_RELEASING);
}
Test(child_check, names_the_only_one_that_was_waking_up)
{
	expect_named_without_owner(TRACE_HOLD_WAITING);
}

/* unlock takes the entry out first, so the lock may still be owned while its entry stands one above the
 * count. */
Test(child_check, names_the_vanished_holder_that_had_taken_its_entry_out)
{
	start();
	struct thread_record *holder = core_invent_thread(HOLDER);
	core_invent_hold(holder, lock, TRACE_HOLD_WANT);
	cr_assert(thread_record_pop(holder, lock));
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	struct child_use use = use_lock(CHILD_LOCK);
	expect_holder(&use, holder);
}

/* The entry of an acquisition long over still stands one above the count. */
Test(child_check, tells_the_latest_acquisition_and_no_former_one)
{
	static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER;

	start();
	struct thread_record *holder = core_invent_thread(HOLDER);
	core_invent_hold(holder, &outer, TRACE_HOLD_WANT);
	core_invent_hold(holder, lock, TRACE_HOLD_WANT);
	cr_assert(thread_record_pop(holder, lock));
	cr_assert(thread_record_pop(holder, &outer));
	core_invent_hold(holder, lock, TRACE_HOLD_WANT);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	struct child_use use = use_lock(CHILD_LOCK);
	expect_holder(&use, holder);
}

Test(child_check, names_nobody_of_two_that_were_coming)
{
	start();
	core_invent_hold(core_invent_thread(HOLDER), lock, TRACE_HOLD_WANT);
	core_invent_hold(core_invent_thread(OTHER), lock, TRACE_HOLD_WANT);
	core_lock_by_hand(lock, 0);
	core_become_child(self);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_null(use.suspect.holder);
	cr_assert_eq(use.suspect.holder_tid, 0);
	cr_assert_eq(use.suspect.holder_entry, UINT32_MAX);
	cr_assert_not(use.suspect.proof & TRACE_PROOF_RECORD);
	cr_assert_not_null(use.suspect.fork);
}

Test(child_check, says_nothing_of_a_lock_that_nobody_had_to_do_with)
{
	start();
	core_invent_thread(HOLDER);
	core_lock_by_hand(lock, 0);
	core_become_child(self);
	expect_nothing();
}

/* A thread that the child made is just coming or going: its entry is there as long as it is in that window.
 */
Test(child_check, says_nothing_where_a_live_thread_may_be_coming)
{
	vanished_holder(TRACE_HOLD_WANT, 0);
	core_invent_hold(core_invent_thread(LIVE), lock, TRACE_HOLD_WANT);
	expect_nothing();
}

Test(child_check, names_the_vanished_owner_that_kept_no_record)
{
	start();
	struct thread_record *holder = core_invent_thread(HOLDER);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(use.suspect.holder, holder);
	cr_assert_eq(use.suspect.holder_tid, HOLDER);
	cr_assert_eq(use.suspect.holder_entry, UINT32_MAX);
	cr_assert(use.suspect.proof & TRACE_PROOF_OWNER_WORD);
	cr_assert_not(use.suspect.proof & TRACE_PROOF_RECORD);
}

Test(child_check, blames_the_owner_and_no_waiter)
{
	start();
	core_invent_hold(core_invent_thread(OTHER), lock, TRACE_HOLD_WANT);
	struct thread_record *holder = core_invent_thread(HOLDER);
	core_invent_hold(holder, lock, TRACE_HOLD_HELD);
	core_invent_hold(core_invent_thread(NOBODY), lock, TRACE_HOLD_WANT);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	cr_assert_eq(use_lock(CHILD_LOCK).suspect.holder, holder);
}

Test(child_check, tells_the_attempts_apart)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_VANISHED);
	expect(CHILD_TIMED, TRACE_TIMED_WAIT_ON_VANISHED);
	expect(CHILD_TRY, TRACE_TRY_FAILED_ON_VANISHED);
	expect(CHILD_UNLOCK, TRACE_FOREIGN_UNLOCK);
	expect(CHILD_WAIT, TRACE_FOREIGN_UNLOCK);
}

Test(child_check, says_nothing_of_a_free_lock)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	*lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	expect_nothing();
}

Test(child_check, says_nothing_of_a_lock_that_a_live_thread_owns)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	core_invent_thread(LIVE);
	core_lock_by_hand(lock, LIVE);
	expect_nothing();
}

/* Thread ids come again, at once in a new PID namespace: who lives owns it, wherever its record stands. */
Test(child_check, says_nothing_of_a_live_owner_with_the_id_of_a_vanished_one)
{
	start();
	struct thread_record *spare = core_invent_thread(NOBODY);
	core_invent_hold(core_invent_thread(HOLDER), lock, TRACE_HOLD_HELD);
	thread_record_release(spare);
	atomic_fetch_sub(&process.live_threads, 1);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	cr_assert_eq(core_invent_thread(HOLDER), spare,
	             "the record of the ended thread is expected to be used again");
	expect_nothing();
}

Test(child_check, says_nothing_of_an_owner_that_it_never_saw)
{
	vanished_holder(TRACE_HOLD_HELD, NOBODY);
	expect_nothing();
}

Test(child_check, says_nothing_in_a_process_that_is_no_child)
{
	start();
	core_invent_hold(core_invent_thread(HOLDER), lock, TRACE_HOLD_HELD);
	core_lock_by_hand(lock, HOLDER);
	expect_nothing();
}

Test(child_check, blames_no_fork_for_a_thread_that_had_ended_before)
{
	start();
	struct thread_record *ended = core_invent_thread(HOLDER);
	core_invent_hold(ended, lock, TRACE_HOLD_HELD);
	thread_record_release(ended);
	core_invent_thread(OTHER);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_ENDED_THREAD);
	cr_assert_eq(use.suspect.holder, ended);
	cr_assert_null(use.suspect.fork);
	expect(CHILD_TRY, 0);
	expect(CHILD_TIMED, 0);
	expect(CHILD_UNLOCK, 0);
}

static void share(int flags, bool marked)
{
	pthread_mutexattr_t attributes;

	start();
	lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, marked ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_mutex_init(lock, &attributes);
	core_invent_hold(core_invent_thread(HOLDER), lock, TRACE_HOLD_HELD);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
}

Test(child_check, says_nothing_of_a_lock_in_shared_memory)
{
	share(MAP_SHARED, true);
	expect_nothing();
}

Test(child_check, says_nothing_of_an_unmarked_lock_in_shared_memory)
{
	share(MAP_SHARED, false);
	expect_nothing();
}

Test(child_check, is_not_misled_by_the_mark_of_a_lock_in_private_memory)
{
	share(MAP_PRIVATE, true);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_VANISHED);
}

/* /proc cannot be read there, so the mark decides. */
Test(child_check, trusts_the_mark_inside_a_sandbox)
{
	share(MAP_PRIVATE, true);
	trace_writer_seal(true);
	expect_nothing();
}

Test(child_check, claims_no_proof_of_the_mapping_inside_a_sandbox)
{
	share(MAP_PRIVATE, false);
	trace_writer_seal(true);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_not(use.suspect.proof & TRACE_PROOF_PRIVATE_MAPPING);
}

Test(child_check, says_nothing_of_a_lock_that_the_child_made_anew_and_a_new_thread_holds)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	cr_assert_eq(pthread_mutex_init(lock, NULL), 0);
	core_invent_hold(core_invent_thread(LIVE), lock, TRACE_HOLD_HELD);
	core_lock_by_hand(lock, LIVE);
	expect_nothing();
}

Test(child_check, claims_no_proof_of_a_single_thread_where_there_are_more)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	core_invent_thread(LIVE);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_not(use.suspect.proof & TRACE_PROOF_ONLY_THREAD);
}

Test(child_check, names_the_fork_at_which_the_holder_vanished)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	const struct fork_note *first = use_lock(CHILD_LOCK).suspect.fork;
	core_invent_thread(OTHER);
	core_become_child(self);
	cr_assert_eq(process.generation, 2);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(use.suspect.fork, first);
}

Test(child_check, knows_in_a_grandchild_what_the_child_held)
{
	inherit(&recursive);
	core_become_child(self);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_PARENT_OWNER);
	cr_assert_eq(use.suspect.holder_tid, FORMER);
}
