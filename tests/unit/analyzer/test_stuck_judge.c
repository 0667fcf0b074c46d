/* Verdicts over made-up processes: what is claimed, and above all what is not. */
#include "stuck_judge_fixture.h"

TestSuite(stuck_judge, .init = set_up, .fini = release);

Test(stuck_judge, blames_the_fork_for_a_home_made_lock)
{
	add_frame(0, "/opt/shop", "take");
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	wait_at(0, BSS);
	struct stuck_judgement judgement = expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	cr_assert_eq(judgement.observed, TRACE_STUCK_ON_VANISHED);
	cr_assert(judgement.proof & TRACE_PROOF_ONLY_THREAD);
}

Test(stuck_judge, says_nothing_without_vanished_threads_or_knowledge)
{
	add_frame(0, "/opt/shop", "take");
	process.vanished_threads = 0;
	expect(STUCK_UNCLEAR, 0);
	process.vanished_threads = 1;
	process.has_more_threads = true;
	expect(STUCK_UNCLEAR, 0);
	process.has_more_threads = false;
	process.signals_known = false;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, says_nothing_where_another_process_could_wake)
{
	add_frame(0, "/opt/shop", "take");
	process.memory_is_shared = true;
	expect(STUCK_UNCLEAR, 0);
	process.memory_is_shared = false;
	wait_at(0, SHARED);
	expect(STUCK_UNCLEAR, 0);
	wait_at(0, 0x10); /* not mapped */
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, says_nothing_where_a_signal_handler_could_wake)
{
	add_frame(0, "/opt/shop", "take");
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, blames_nobody_where_only_who_asks_the_program_to_end_could_wake)
{
	add_frame(0, "/opt/shop", "take");
	process.caught_signals = SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGTERM);
	expect(STUCK_UNTIL_ASKED, TRACE_LOCK_FUTEX);
	process.thread_count = 2;
	expect(STUCK_UNTIL_ASKED, TRACE_LOCK_FUTEX);
	wait_at(1, SHARED);
	expect(STUCK_UNCLEAR, 0);
	process.thread_count = 1;
	process.caught_signals |= SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
	process.caught_signals = SIGNAL_BIT(SIGINT);
	process.vanished_threads = 0;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, says_nothing_inside_a_signal_handler)
{
	add_frame(0, "/lib/libc.so.6", "setenv");
	add_frame(0, "/opt/shop", "on_signal");
	add_frame(0, "/opt/shop", "work");
	wait_at(0, LIBC);
	expect(STUCK_BY_FORK, TRACE_LOCK_LIBC);
	frames[0][2].is_exact = true;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, does_not_blame_the_fork_where_libc_was_entered_twice)
{
	add_frame(0, "/lib/libc.so.6", "");
	add_frame(0, "/lib/libc.so.6", "setenv");
	add_frame(0, "/opt/shop", "malloc");
	add_frame(0, "/lib/libc.so.6", "");
	add_frame(0, "/lib/libc.so.6", "fgetgrent");
	add_frame(0, "/opt/shop", "main");
	wait_at(0, LIBC);
	expect(STUCK_ANYHOW, TRACE_LOCK_LIBC);
	strcpy(frames[0][4].function, "exit");
	expect(STUCK_BY_FORK, TRACE_LOCK_LIBC);
	/* The thread's start. */
	strcpy(frames[0][4].function, "");
	stacks[0].count--;
	expect(STUCK_BY_FORK, TRACE_LOCK_LIBC);
}

Test(stuck_judge, names_the_vanished_thread_that_is_joined)
{
	const int32_t tid = 7;

	add_frame(0, "/lib/libc.so.6", "");
	add_frame(0, "/lib/libc.so.6", "pthread_join");
	add_frame(0, "/opt/shop", "main");
	threads[0].object.is_known = true;
	memcpy(threads[0].object.bytes + STUCK_OBJECT_MIDDLE, &tid, sizeof(tid));
	cr_assert_eq(expect(STUCK_BY_FORK, TRACE_LOCK_THREAD).owner_tid, 7);
	vanished.known.owner_tid = 8;
	cr_assert_eq(expect(STUCK_BY_FORK, TRACE_LOCK_THREAD).owner_tid, 0);
}

Test(stuck_judge, takes_no_handler_for_one_that_lets_go_a_lock_of_libc)
{
	add_frame(0, "/lib/libc.so.6", "");
	add_frame(0, "/lib/libc.so.6", "setenv");
	add_frame(0, "/opt/shop", "work");
	wait_at(0, LIBC);
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	expect(STUCK_BY_FORK, TRACE_LOCK_LIBC);
	/* A lock on the heap that libc waits for may be the program's. */
	wait_at(0, HEAP);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, tells_the_kind_by_the_function_that_was_called)
{
	add_frame(0, "/lib/libc.so.6", "");
	add_frame(0, "/lib/libc.so.6", "sem_wait");
	add_frame(0, "/opt/shop", "work");
	expect(STUCK_BY_FORK, TRACE_LOCK_SEMAPHORE);
	strcpy(frames[0][1].function, "__pthread_cond_wait");
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	strcpy(frames[0][1].function, "syscall");
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
}

Test(stuck_judge, blames_no_fork_for_what_went_through_the_library)
{
	add_frame(0, "/lib/libc.so.6", "sem_wait");
	add_frame(0, "/opt/lib/libafterfork.so", "sem_wait");
	add_frame(0, "/opt/shop", "work");
	expect(STUCK_ANYHOW, TRACE_LOCK_SEMAPHORE);
	strcpy(frames[0][0].function, "setenv");
	wait_at(0, LIBC);
	expect(STUCK_BY_FORK, TRACE_LOCK_LIBC);
}

static void put_objects(uint64_t ours, uint64_t parents)
{
	struct stuck_object *object = &threads[0].object;

	object->is_known = object->is_known_of_parent = true;
	for (size_t at = 0; at < STUCK_OBJECT_SIZE_BYTES; at += sizeof(uint64_t)) {
		memcpy(object->bytes + at, &ours, sizeof(ours));
		memcpy(object->parents + at, &parents, sizeof(parents));
	}
}

Test(stuck_judge, knows_of_a_condition_what_the_library_cannot)
{
	add_frame(0, "/lib/libc.so.6", "pthread_cond_wait");
	add_frame(0, "/opt/lib/libafterfork.so", "pthread_cond_wait");
	add_frame(0, "/opt/shop", "put");
	wait_at(0, HEAP);
	put_objects(7, 7);
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	put_objects(7, 8);
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	put_objects(7, 7);
	wait_at(0, BSS);
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
}

/* A team of libgomp waits in a function that has no name in a stripped file. */
Test(stuck_judge, tells_a_meeting_from_a_lock_by_the_function_that_was_called)
{
	add_frame(0, "/lib/libgomp.so.1", "");
	add_frame(0, "/lib/libgomp.so.1", "");
	add_frame(0, "/opt/shop", "sum");
	strcpy(frames[0][2].called, "GOMP_parallel");
	wait_at(0, HEAP);
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	process.vanished.made_no_threads = true;
	cr_assert(expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX).proof & TRACE_PROOF_MEETING);
	strcpy(frames[0][2].called, "omp_set_lock");
	wait_at(0, STATIC);
	cr_assert_eq(expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX).proof & TRACE_PROOF_MEETING, 0);
}

/* The function of another module that was left by a jump is not the one that waits. */
Test(stuck_judge, sees_no_meeting_in_what_a_parallel_region_calls)
{
	process.vanished.made_no_threads = true;
	add_frame(0, "/opt/shop", "take");
	add_frame(0, "/lib/libgomp.so.1", "GOMP_parallel");
	add_frame(0, "/opt/shop", "sum");
	cr_assert_eq(expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX).proof & TRACE_PROOF_MEETING, 0);
}

Test(stuck_judge, blames_nobody_where_several_threads_wait)
{
	add_frame(0, "/opt/shop", "take");
	add_frame(1, "/opt/shop", "take");
	process.thread_count = 2;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, blames_nobody_for_what_the_child_made_itself)
{
	add_frame(0, "/opt/shop", "take");
	wait_at(0, HEAP);
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	/* The neighbourhood is the parent's: it was there. */
	threads[0].object.is_known = threads[0].object.is_known_of_parent = true;
	threads[0].object.bytes[0] = threads[0].object.parents[0] = 5;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	threads[0].object.bytes[9] = threads[0].object.parents[9] = 5;
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	/* The word itself says nothing. */
	threads[0].object.bytes[9] = 6;
	threads[0].object.bytes[STUCK_OBJECT_MIDDLE] = threads[0].object.parents[STUCK_OBJECT_MIDDLE] = 5;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	/* The stack looks alike by nature. */
	threads[0].object.bytes[9] = 5;
	wait_at(0, STACK);
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
}

Test(stuck_judge, takes_nothing_behind_a_shared_file_for_a_variable)
{
	add_frame(0, "/opt/shop", "take");
	wait_at(0, BEHIND_SHARED);
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
}

Test(stuck_judge, tells_an_interrupted_initialisation_from_one_that_needs_itself)
{
	add_frame(0, "/lib/libc.so.6", "syscall");
	add_frame(0, "/lib/libstdc++.so.6", "__cxa_guard_acquire");
	add_frame(0, "/opt/shop", "instance");
	add_frame(0, "/opt/shop", "main");
	expect(STUCK_BY_FORK, TRACE_LOCK_STATIC_INIT);
	add_frame(0, "/opt/shop", "instance");
	expect(STUCK_ANYHOW, TRACE_LOCK_STATIC_INIT);
	stacks[0].count--;
	stacks[0].flags = TRACE_STACK_CUT;
	expect(STUCK_ANYHOW, TRACE_LOCK_STATIC_INIT);
}

/* Where libc has no names. */
Test(stuck_judge, knows_the_kind_from_the_library)
{
	add_frame(0, "/lib/libc.so.6", "");
	add_frame(0, "/opt/lib/libafterfork.so", "");
	add_frame(0, "/opt/shop", "work");
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	threads[0].known_kind = TRACE_LOCK_SEMAPHORE;
	expect(STUCK_ANYHOW, TRACE_LOCK_SEMAPHORE);
}

static void expect_loop(enum stuck_verdict verdict, uint32_t kind)
{
	struct stuck_judgement judgement = stuck_judge(&process, stacks);

	cr_assert_eq(judgement.verdict, verdict, "verdict %d", judgement.verdict);
	if (verdict == STUCK_UNCLEAR)
		return;
	cr_assert_eq(judgement.kind, kind, "kind %u", judgement.kind);
	cr_assert_eq(judgement.observed, TRACE_STUCK_ON_VANISHED);
	cr_assert_eq(judgement.proof,
	             TRACE_PROOF_LOOP | TRACE_PROOF_PRIVATE_MAPPING | TRACE_PROOF_ONLY_THREAD);
}

Test(stuck_judge, blames_the_fork_for_a_loop_on_what_was_there)
{
	add_frame(0, "/opt/shop", "take");
	process.is_in_loop = true;
	expect_loop(STUCK_BY_FORK, TRACE_LOCK_SPINLOCK);
	process.sleeps_on_word = true;
	expect_loop(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	wait_at(0, HEAP);
	expect_loop(STUCK_UNCLEAR, 0);
	wait_at(0, STACK);
	expect_loop(STUCK_UNCLEAR, 0);
	wait_at(0, SHARED);
	expect_loop(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, says_nothing_of_a_loop_that_others_could_end)
{
	add_frame(0, "/opt/shop", "take");
	process.is_in_loop = true;
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	expect_loop(STUCK_UNCLEAR, 0);
	process.caught_signals = 0;
	process.memory_is_shared = true;
	expect_loop(STUCK_UNCLEAR, 0);
	process.memory_is_shared = false;
	process.vanished_threads = 0;
	expect_loop(STUCK_UNCLEAR, 0);
	process.vanished_threads = 1;
	expect_loop(STUCK_BY_FORK, TRACE_LOCK_SPINLOCK);
	/* One of libc's own. */
	wait_at(0, LIBC);
	expect_loop(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, blames_the_fork_for_an_import_that_a_vanished_thread_began)
{
	add_frame(0, "/lib/libc.so.6", "sem_wait");
	add_frame(0, "/opt/lib/libafterfork.so", "sem_wait");
	add_frame(0, "/opt/shop", "PyThread_acquire_lock_timed");
	wait_at(0, HEAP);
	process.caught_signals = SIGNAL_BIT(SIGINT);
	expect(STUCK_UNTIL_ASKED, TRACE_LOCK_SEMAPHORE);
	threads[0].import_owner = 7;
	struct stuck_judgement judgement = expect(STUCK_BY_FORK, TRACE_LOCK_SEMAPHORE);
	cr_assert_eq(judgement.observed, TRACE_STUCK_ON_VANISHED);
	cr_assert_eq(judgement.owner_tid, 7);
	cr_assert_not(judgement.proof & TRACE_PROOF_OWNER_WORD);
	process.caught_signals |= SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}
