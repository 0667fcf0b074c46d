/* Verdicts over made-up processes: what is claimed, and above all what is not. */
#include <criterion/criterion.h>
#include <string.h>

#include "stuck_judge.h"

static const char maps_text[] = "400000-401000 r-xp 00000000 fe:00 1 /opt/shop\n"
                                "401000-402000 rw-p 00001000 fe:00 1 /opt/shop\n"
                                "402000-404000 rw-p 00000000 00:00 0 \n"
                                "500000-600000 rw-p 00000000 00:00 0 [heap]\n"
                                "700000-701000 rw-s 00000000 00:01 9 /tmp/shared\n"
                                "701000-702000 rw-p 00000000 00:00 0 \n"
                                "800000-801000 rw-p 00001000 fe:00 2 /lib/libc.so.6\n"
                                "900000-910000 rw-p 00000000 00:00 0 [stack]\n";
enum {
	STATIC = 0x401100,
	BSS = 0x403000,
	HEAP = 0x500400,
	SHARED = 0x700000,
	BEHIND_SHARED = 0x701100,
	LIBC = 0x800100,
	STACK = 0x900800
};

static struct stuck_process process;
static struct stuck_thread threads[2];
static struct stuck_vanished vanished;
static struct stack_frame frames[2][8];
static struct stuck_stack stacks[2];

static void add_frame(unsigned thread, const char *path, const char *function)
{
	struct stack_frame *frame = &frames[thread][stacks[thread].count++];

	frame->pc = 0x400100;
	frame->has_module = true;
	strcpy(frame->module_path, path);
	strcpy(frame->function, function);
}

/* One thread, forked with others beside it, no handler: as clear as it gets. */
static void set_up(void)
{
	cr_assert(proc_maps_parse(maps_text, strlen(maps_text), &process.maps));
	process.threads = threads;
	process.thread_count = 1;
	process.vanished_threads = 1;
	process.forking_tid = 6;
	process.vanished = (struct stuck_vanished_list){.items = &vanished, .count = 1};
	vanished.known.tid = vanished.known.owner_tid = 7;
	process.signals_known = true;
	for (unsigned i = 0; i < 2; i++) {
		threads[i].wait.address = threads[i].object.address = STATIC;
		threads[i].source.registers[STACK_REGISTER_SP] = 0x900100;
		stacks[i].frames = frames[i];
	}
}

static void release(void)
{
	proc_maps_release(&process.maps);
}

TestSuite(stuck_judge, .init = set_up, .fini = release);

static void expect(enum stuck_verdict verdict, uint32_t kind)
{
	struct stuck_judgement judgement = stuck_judge(&process, stacks);

	cr_assert_eq(judgement.verdict, verdict, "verdict %d", judgement.verdict);
	if (verdict == STUCK_UNCLEAR)
		return;
	cr_assert_eq(judgement.kind, kind, "kind %u", judgement.kind);
	cr_assert(judgement.proof & TRACE_PROOF_STANDSTILL);
	if (verdict == STUCK_ANYHOW)
		cr_assert_eq(judgement.observed, TRACE_STUCK_FOR_ANOTHER_REASON);
}

Test(stuck_judge, blames_the_fork_for_a_home_made_lock)
{
	add_frame(0, "/opt/shop", "take");
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	threads[0].wait.address = threads[0].object.address = BSS;
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	cr_assert_eq(stuck_judge(&process, stacks).observed, TRACE_STUCK_ON_VANISHED);
	cr_assert(stuck_judge(&process, stacks).proof & TRACE_PROOF_ONLY_THREAD);
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
	threads[0].wait.address = threads[0].object.address = SHARED;
	expect(STUCK_UNCLEAR, 0);
	threads[0].wait.address = threads[0].object.address = 0x10; /* not mapped */
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, says_nothing_where_a_signal_handler_could_wake)
{
	add_frame(0, "/opt/shop", "take");
	process.caught_signals = 1;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, says_nothing_inside_a_signal_handler)
{
	add_frame(0, "/lib/libc.so.6", "setenv");
	add_frame(0, "/opt/shop", "on_signal");
	add_frame(0, "/opt/shop", "work");
	threads[0].wait.address = threads[0].object.address = LIBC;
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
	threads[0].wait.address = threads[0].object.address = LIBC;
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
	expect(STUCK_BY_FORK, TRACE_LOCK_THREAD);
	cr_assert_eq(stuck_judge(&process, stacks).owner_tid, 7);
	vanished.known.owner_tid = 8;
	expect(STUCK_BY_FORK, TRACE_LOCK_THREAD);
	cr_assert_eq(stuck_judge(&process, stacks).owner_tid, 0);
}

Test(stuck_judge, takes_no_handler_for_one_that_lets_go_a_lock_of_libc)
{
	add_frame(0, "/lib/libc.so.6", "");
	add_frame(0, "/lib/libc.so.6", "setenv");
	add_frame(0, "/opt/shop", "work");
	threads[0].wait.address = threads[0].object.address = LIBC;
	process.caught_signals = 2;
	expect(STUCK_BY_FORK, TRACE_LOCK_LIBC);
	/* A lock on the heap that libc waits for may be the program's. */
	threads[0].wait.address = threads[0].object.address = HEAP;
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
	threads[0].wait.address = threads[0].object.address = LIBC;
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
	threads[0].wait.address = threads[0].object.address = HEAP;
	put_objects(7, 7);
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	put_objects(7, 8);
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	put_objects(7, 7);
	threads[0].wait.address = threads[0].object.address = BSS;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
}

/* What thread 1 waits for, from the word on. */
static void put_words(const uint32_t *words, size_t count, size_t words_before)
{
	threads[1].object.is_known = true;
	memset(threads[1].object.bytes, 0, sizeof(threads[1].object.bytes));
	memcpy(threads[1].object.bytes + STUCK_OBJECT_MIDDLE - words_before * sizeof(*words), words,
	       count * sizeof(*words));
}

static void two_threads_in(const char *function)
{
	add_frame(0, "/opt/shop", "work");
	add_frame(1, "/lib/libc.so.6", function);
	process.thread_count = 2;
	process.caught_signals = 1;
	threads[0].tid = 11;
	threads[1].tid = 12;
}

Test(stuck_judge, believes_the_owner_of_a_mutex_whoever_else_is_there)
{
	uint32_t mutex[] = {2, 0, 7, 1, 0};

	two_threads_in("pthread_mutex_lock");
	put_words(mutex, 5, 0);
	expect(STUCK_BY_FORK, TRACE_LOCK_MUTEX);
	struct stuck_judgement judgement = stuck_judge(&process, stacks);
	cr_assert_eq(judgement.thread, 1);
	cr_assert_eq(judgement.owner_tid, 7);
	cr_assert_eq(judgement.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(judgement.lock_address, STATIC);
	/* One of whom nothing is known, or who lives here, has not vanished. */
	mutex[2] = 8;
	put_words(mutex, 5, 0);
	expect(STUCK_UNCLEAR, 0);
	mutex[2] = 7;
	put_words(mutex, 5, 0);
	threads[0].tid = 7;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, sees_who_waits_for_itself)
{
	const uint32_t mutex[] = {2, 0, 11, 1, 0};

	two_threads_in("pthread_mutex_lock");
	put_words(mutex, 5, 0);
	/* Of the two only the one that waits for the mutex, which is its own. */
	process.thread_count = 1;
	process.caught_signals = 0;
	threads[0] = threads[1];
	threads[0].tid = 11;
	frames[0][0] = frames[1][0];
	expect(STUCK_ANYHOW, TRACE_LOCK_MUTEX);
	process.caught_signals = 1;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, does_not_blame_the_fork_for_a_lock_that_its_owner_may_not_take_twice)
{
	enum { RECURSIVE = 1 };
	uint32_t mutex[] = {2, 0, 6, 1, 0};

	two_threads_in("pthread_mutex_lock");
	put_words(mutex, 5, 0);
	expect(STUCK_UNCLEAR, 0);
	mutex[4] = RECURSIVE;
	put_words(mutex, 5, 0);
	expect(STUCK_BY_FORK, TRACE_LOCK_MUTEX);
	cr_assert_eq(stuck_judge(&process, stacks).observed, TRACE_BLOCKS_ON_PARENT_OWNER);
}

Test(stuck_judge, believes_the_writer_of_an_rwlock)
{
	const uint32_t rwlock[] = {2, 0, 3, 0, 0, 0, 7};

	two_threads_in("pthread_rwlock_rdlock");
	put_words(rwlock, 7, 2);
	expect(STUCK_BY_FORK, TRACE_LOCK_RWLOCK);
	cr_assert_eq(stuck_judge(&process, stacks).lock_address, STATIC - 8);
	put_words(rwlock, 7, 3);
	cr_assert_eq(stuck_judge(&process, stacks).lock_address, STATIC - 12);
	vanished.known.owner_tid = 9;
	expect(STUCK_UNCLEAR, 0);
}

/* A team of libgomp waits in a function that has no name in a stripped file. */
Test(stuck_judge, tells_a_meeting_from_a_lock_by_the_function_that_was_called)
{
	add_frame(0, "/lib/libgomp.so.1", "");
	add_frame(0, "/lib/libgomp.so.1", "");
	add_frame(0, "/opt/shop", "sum");
	strcpy(frames[0][2].called, "GOMP_parallel");
	threads[0].wait.address = threads[0].object.address = HEAP;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	process.vanished.made_no_threads = true;
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	cr_assert(stuck_judge(&process, stacks).proof & TRACE_PROOF_MEETING);
	strcpy(frames[0][2].called, "omp_set_lock");
	threads[0].wait.address = threads[0].object.address = STATIC;
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	cr_assert_eq(stuck_judge(&process, stacks).proof & TRACE_PROOF_MEETING, 0);
}

/* The function of another module that was left by a jump is not the one that waits. */
Test(stuck_judge, sees_no_meeting_in_what_a_parallel_region_calls)
{
	process.vanished.made_no_threads = true;
	add_frame(0, "/opt/shop", "take");
	add_frame(0, "/lib/libgomp.so.1", "GOMP_parallel");
	add_frame(0, "/opt/shop", "sum");
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	cr_assert_eq(stuck_judge(&process, stacks).proof & TRACE_PROOF_MEETING, 0);
}

Test(stuck_judge, blames_nobody_where_several_threads_wait)
{
	add_frame(0, "/opt/shop", "take");
	add_frame(1, "/opt/shop", "take");
	process.thread_count = 2;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	process.caught_signals = 1;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, blames_nobody_for_what_the_child_made_itself)
{
	add_frame(0, "/opt/shop", "take");
	threads[0].wait.address = threads[0].object.address = HEAP;
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
	threads[0].wait.address = threads[0].object.address = STACK;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
}

Test(stuck_judge, takes_nothing_behind_a_shared_file_for_a_variable)
{
	add_frame(0, "/opt/shop", "take");
	threads[0].wait.address = threads[0].object.address = BEHIND_SHARED;
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

/* Thread 11 gave work to what vanished threads slept on, and waits on a condition variable of its own. */
static void hand_over(void)
{
	process.has_library = true;
	process.library.handover = (struct library_handover){.object = BSS, .tid = 11, .waiting_count = 1};
	threads[0].tid = 11;
	threads[0].wait.address = threads[0].object.address = STACK;
	add_frame(0, "/lib/libc.so.6", "pthread_cond_wait");
	add_frame(0, "/opt/lib/libafterfork.so", "pthread_cond_wait");
	add_frame(0, "/opt/shop", "ask");
}

Test(stuck_judge, blames_the_fork_where_work_was_handed_to_vanished_threads)
{
	hand_over();
	threads[0].known_lock = STACK - 8;
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	struct stuck_judgement judgement = stuck_judge(&process, stacks);
	cr_assert_eq(judgement.observed, TRACE_WAITS_FOR_HANDED_WORK);
	cr_assert_eq(judgement.lock_address, STACK - 8);
	process.library.handover.object = 0;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
}

Test(stuck_judge, takes_who_asks_a_program_to_end_for_nobody_who_does_its_work)
{
	enum { SIGNAL_TERM = 15, SIGNAL_USR1 = 10 };

	hand_over();
	process.caught_signals = 1 << (SIGNAL_TERM - 1);
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	process.caught_signals = 1 << (SIGNAL_USR1 - 1);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, takes_a_futex_from_before_the_fork_for_one_that_ends_the_program)
{
	enum { SIGNAL_TERM = 15 };

	hand_over();
	strcpy(frames[0][0].function, "syscall");
	strcpy(frames[0][1].function, "syscall");
	process.caught_signals = 1 << (SIGNAL_TERM - 1);
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	process.library.handover.object = HEAP;
	threads[0].wait.address = threads[0].object.address = BSS;
	expect(STUCK_UNCLEAR, 0);
	process.caught_signals = 0;
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
}

Test(stuck_judge, blames_handed_work_for_a_wait_for_descriptors_but_where_a_signal_may_be_meant_to_end_it)
{
	enum { SIGNAL_INT = 2, SIGNAL_TERM = 15 };

	process.awaits_descriptors = true;
	threads[0].wait.address = 0;
	add_frame(0, "/lib/libc.so.6", "epoll_wait");
	add_frame(0, "/opt/shop", "ask");
	expect(STUCK_BY_FORK, 0);
	cr_assert_eq(stuck_judge(&process, stacks).observed, TRACE_WAITS_FOR_HANDED_WORK);
	process.caught_signals = 1 << (SIGNAL_INT - 1);
	expect(STUCK_BY_FORK, 0);
	process.caught_signals = 1 << (SIGNAL_TERM - 1);
	expect(STUCK_UNCLEAR, 0);
	process.caught_signals = 0;
	process.memory_is_shared = true;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, blames_handed_work_for_the_wait_of_an_answer_only)
{
	hand_over();
	strcpy(frames[0][0].function, "sem_wait");
	expect(STUCK_ANYHOW, TRACE_LOCK_SEMAPHORE);
	strcpy(frames[0][0].function, "pthread_mutex_lock");
	expect(STUCK_ANYHOW, TRACE_LOCK_MUTEX);
}

Test(stuck_judge, blames_handed_work_among_threads_that_wait_for_no_lock)
{
	hand_over();
	process.thread_count = 2;
	threads[1].tid = 12;
	threads[1].wait.address = threads[1].object.address = HEAP;
	add_frame(1, "/lib/libc.so.6", "pthread_cond_wait");
	add_frame(1, "/opt/shop", "idle");
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	cr_assert_eq(stuck_judge(&process, stacks).thread, 0);
	/* Where nobody slept at the fork the other one may serve the work, too. */
	process.library.handover.waiting_count = 0;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	process.library.handover.waiting_count = 1;
	/* A thread that takes work has done it, or never will. */
	threads[1].wait.address = threads[1].object.address = BSS + 8;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	threads[1].wait.address = threads[1].object.address = HEAP;
	strcpy(frames[1][0].function, "pthread_mutex_lock");
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	/* Who handed it over is gone. */
	strcpy(frames[1][0].function, "pthread_cond_wait");
	process.library.handover.tid = 13;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
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
	threads[0].wait.address = threads[0].object.address = HEAP;
	expect_loop(STUCK_UNCLEAR, 0);
	threads[0].wait.address = threads[0].object.address = STACK;
	expect_loop(STUCK_UNCLEAR, 0);
	threads[0].wait.address = threads[0].object.address = SHARED;
	expect_loop(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, says_nothing_of_a_loop_that_others_could_end)
{
	add_frame(0, "/opt/shop", "take");
	process.is_in_loop = true;
	process.caught_signals = 1;
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
	threads[0].wait.address = threads[0].object.address = LIBC;
	expect_loop(STUCK_UNCLEAR, 0);
}

/* A thread that sleeps on its own stack; the lock that it queued itself on, if any, lies elsewhere. */
static void sleep_on_own_word(void)
{
	add_frame(0, "/opt/shop", "sleep");
	add_frame(0, "/opt/shop", "park");
	add_frame(0, "/opt/shop", "take");
	threads[0].wait.address = threads[0].object.address = STACK;
	process.vanished.made_no_threads = true;
}

static void expect_lock(uint64_t address)
{
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	struct stuck_judgement judgement = stuck_judge(&process, stacks);
	cr_assert_eq(judgement.lock_address, address);
	cr_assert_eq(judgement.object->address, address);
	cr_assert_not(judgement.proof & (TRACE_PROOF_MEETING | TRACE_PROOF_OWNER_WORD));
}

Test(stuck_judge, blames_the_fork_for_the_lock_in_whose_queue_a_thread_is)
{
	sleep_on_own_word();
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	threads[0].queue.link.address = STATIC;
	expect_lock(STATIC);
	/* Through the library, which knows of no queue. */
	strcpy(frames[0][0].module_path, "/lib/libc.so.6");
	strcpy(frames[0][0].function, "sem_wait");
	strcpy(frames[0][1].module_path, "/opt/lib/libafterfork.so");
	expect_lock(STATIC);
	/* A mutex and its like name their owners. */
	strcpy(frames[0][0].function, "pthread_rwlock_wrlock");
	expect(STUCK_ANYHOW, TRACE_LOCK_RWLOCK);
}

Test(stuck_judge, does_not_blame_the_fork_where_the_childs_own_thread_may_have_the_lock)
{
	sleep_on_own_word();
	threads[0].queue.link.address = STATIC;
	process.vanished.made_no_threads = false;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
}

Test(stuck_judge, says_nothing_of_a_queue_where_a_handler_could_wake)
{
	enum { SIGNAL_TERM = 15 };

	sleep_on_own_word();
	threads[0].queue.link.address = STATIC;
	process.caught_signals = 1 << (SIGNAL_TERM - 1);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge, takes_what_a_record_in_a_table_names_for_the_lock)
{
	sleep_on_own_word();
	threads[0].queue.link.address = BSS;
	threads[0].queue.key.address = HEAP;
	expect_lock(BSS);
	/* In a function that is known to park: the table was there, the lock was not. */
	strcpy(frames[0][1].function, "_ZN11parking_lot9raw_mutex8RawMutex9lock_slow17h0E");
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	threads[0].queue.key.address = STATIC;
	expect_lock(STATIC);
	threads[0].queue.link.address = 0;
	expect_lock(STATIC);
	strcpy(frames[0][1].function, "park");
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
}

Test(stuck_judge, knows_pythons_locks_and_that_it_catches_signals)
{
	enum { SIGNAL_INT = 2, SIGNAL_USR1 = 10 };

	sleep_on_own_word();
	process.caught_signals = 1 << (SIGNAL_INT - 1);
	strcpy(frames[0][1].function, "_PyParkingLot_Park");
	threads[0].queue.key.address = HEAP;
	threads[0].queue.key.is_known = threads[0].queue.key.is_known_of_parent = true;
	memset(threads[0].queue.key.bytes, 1, STUCK_OBJECT_SIZE_BYTES);
	memset(threads[0].queue.key.parents, 1, STUCK_OBJECT_SIZE_BYTES);
	/* Made by the child, perhaps: to wait for an event, until it is ended. */
	expect(STUCK_UNCLEAR, 0);
	threads[0].queue.key_is_pythons = true;
	expect_lock(HEAP);
	process.caught_signals |= 1 << (SIGNAL_USR1 - 1);
	expect(STUCK_UNCLEAR, 0);
}
