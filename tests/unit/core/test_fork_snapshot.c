#include <criterion/criterion.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atfork_registry.h"
#include "core_fixture.h"
#include "trace_writer.h"

enum { INVENTED = 100001, OTHER = 100002, CHAIN = FORK_GENERATIONS_KEPT + 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread_record *self, *worker;

/* Ends a child of the test with the line of the first thing that was not so. */
#define EXPECT_IN_CHILD(condition)                                                                           \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			_exit(__LINE__ % 250 + 1);                                                           \
	} while (0)

static void expect_child_passes(pid_t child, int first_line)
{
	int code = core_wait(child);
	cr_assert_eq(
	    code, 0,
	    "the child of line %d ended with %d: a line number modulo 250 plus one, or 1000 + a signal",
	    first_line, code);
}
#define EXPECT_PASSES(child) expect_child_passes(child, __LINE__)

static void start_with_worker(void)
{
	self = core_start();
	worker = core_invent_thread(INVENTED);
	core_invent_hold(worker, &lock, TRACE_HOLD_HELD);
}

/* --- roads into a child; each returns as fork does --- */

static pid_t by_libc(void)
{
	return fork();
}
static pid_t by_underscore_fork(void)
{
	return _Fork();
}
static pid_t by_syscall(void)
{
	return (pid_t)syscall(SYS_fork);
}
static pid_t by_clone_syscall(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t by_clone3_syscall(void)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

static pid_t by_instruction(void)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"((long)SYS_fork) : "rcx", "r11", "memory");
	return (pid_t)result;
}

static void expect_entered_lazily(pid_t (*road)(void))
{
	start_with_worker();
	pid_t child = road();
	if (child == 0) {
		EXPECT_IN_CHILD(atomic_load(process_mode_word) == PROCESS_FRESH);
		EXPECT_IN_CHILD(self->gate->record == NULL);
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(process_is_child());
		EXPECT_IN_CHILD(process.pid == getpid());
		EXPECT_IN_CHILD(process.generation == 1);
		EXPECT_IN_CHILD(self->tid == (int32_t)syscall(SYS_gettid));
		_exit(0);
	}
	EXPECT_PASSES(child);
	cr_assert(process_is_plain());
	cr_assert_eq(self->gate->record, self);
}

Test(fork_snapshot, is_wiped_in_a_child_of__Fork)
{
	expect_entered_lazily(by_underscore_fork);
}
Test(fork_snapshot, is_wiped_in_a_child_of_a_raw_fork)
{
	expect_entered_lazily(by_syscall);
}
Test(fork_snapshot, is_wiped_in_a_child_of_a_raw_clone)
{
	expect_entered_lazily(by_clone_syscall);
}
Test(fork_snapshot, is_wiped_in_a_child_of_a_raw_clone3)
{
	expect_entered_lazily(by_clone3_syscall);
}
Test(fork_snapshot, is_wiped_in_a_child_of_an_inline_system_call)
{
	expect_entered_lazily(by_instruction);
}

Test(fork_snapshot, is_entered_by_the_fork_handlers)
{
	start_with_worker();
	atfork_registry_add_ours();
	pid_t child = by_libc();
	if (child == 0) {
		EXPECT_IN_CHILD(process_is_child());
		EXPECT_IN_CHILD(process.pid == getpid());
		EXPECT_IN_CHILD(process.generation == 1);
		EXPECT_IN_CHILD(self->tid == getpid());
		EXPECT_IN_CHILD(self->generation == 1);
		EXPECT_IN_CHILD(atomic_load(&process.live_threads) == 1);
		EXPECT_IN_CHILD(process.other_threads_at_fork == 1);
		_exit(0);
	}
	EXPECT_PASSES(child);
	cr_assert(process_is_plain());
	cr_assert_eq(process.generation, 0);
	cr_assert_eq(atomic_load(&process.live_threads), 2);
	cr_assert_not(self->fork_noted);
}

/* Handlers, the wrapper and the first intercepted call all enter: only the first one counts. */
Test(fork_snapshot, is_entered_once)
{
	start_with_worker();
	atfork_registry_add_ours();
	pid_t child = by_libc();
	if (child == 0) {
		fork_snapshot_postfork_child();
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(process.generation == 1);
		EXPECT_IN_CHILD(process.other_threads_at_fork == 1);
		EXPECT_IN_CHILD(self->former_tid == getppid());
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, notes_a_fork_that_only_handlers_see)
{
	start_with_worker();
	atfork_registry_add_ours();
	pid_t child = by_libc();
	if (child == 0) {
		EXPECT_IN_CHILD(fork_snapshot_is_vanished(worker));
		EXPECT_IN_CHILD(!fork_snapshot_is_vanished(self));
		const struct fork_note *note = fork_snapshot_note_of(worker);
		EXPECT_IN_CHILD(note != NULL);
		EXPECT_IN_CHILD(note->pid == getppid());
		EXPECT_IN_CHILD(note->tid == getppid());
		EXPECT_IN_CHILD(note->call == 0);
		EXPECT_IN_CHILD(note->vanished_threads == 1);
		EXPECT_IN_CHILD(note->stack.count > 2);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, keeps_the_note_of_the_wrapper)
{
	start_with_worker();
	atfork_registry_add_ours();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_daemon, &regs);
	pid_t child = by_libc();
	if (child == 0) {
		fork_snapshot_postfork_child();
		const struct fork_note *note = fork_snapshot_note_of(worker);
		EXPECT_IN_CHILD(note != NULL);
		EXPECT_IN_CHILD(note->call == CALL_daemon);
		EXPECT_IN_CHILD(note->stack.pc[0] == regs.pc);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, leaves_ended_threads_out)
{
	self = core_start();
	struct thread_record *ended = core_invent_thread(INVENTED);
	thread_record_release(ended);
	atomic_fetch_sub(&process.live_threads, 1);
	core_become_child(self);
	cr_assert_not(fork_snapshot_is_vanished(ended));
	cr_assert(process_is_plain());
}

Test(fork_snapshot, stays_plain_where_nothing_vanished)
{
	self = core_start();
	core_become_child(self);
	cr_assert(process_is_plain());
	cr_assert_eq(self->gate->record, self);
	cr_assert_eq(process.generation, 1);
}

Test(fork_snapshot, watches_a_child_whose_only_thread_holds_a_lock)
{
	self = core_start();
	core_invent_hold(self, &lock, TRACE_HOLD_HELD);
	core_become_child(self);
	cr_assert(process_is_child());
	cr_assert_null(self->gate->record);
}

Test(fork_snapshot, watches_every_later_generation)
{
	start_with_worker();
	for (uint32_t generation = 1; generation <= 3; generation++) {
		core_become_child(self);
		cr_assert(process_is_child());
		cr_assert_eq(process.generation, generation);
		cr_assert_eq(process.other_threads_at_fork, 1);
	}
}

Test(fork_snapshot, keeps_the_former_id_for_what_was_held)
{
	start_with_worker();
	core_invent_hold(self, &lock, TRACE_HOLD_HELD);
	atfork_registry_add_ours();
	pid_t child = by_libc();
	if (child == 0) {
		uint32_t before = thread_record_find(self, &lock);
		core_invent_hold(self, &self, TRACE_HOLD_HELD);
		uint32_t after = thread_record_find(self, &self);
		EXPECT_IN_CHILD(thread_record_owner_of(self, &self->held[before]) == getppid());
		EXPECT_IN_CHILD(thread_record_owner_of(self, &self->held[after]) == getpid());
		pid_t grandchild = by_libc();
		if (grandchild == 0) {
			EXPECT_IN_CHILD(thread_record_owner_of(self, &self->held[after]) == getppid());
			EXPECT_IN_CHILD(thread_record_owner_of(self, &self->held[before]) != getppid());
			_exit(0);
		}
		_exit(core_wait(grandchild) ? 1 : 0);
	}
	EXPECT_PASSES(child);
}

/* After a raw system call libc still takes the child for the parent's thread, and writes that into locks. */
Test(fork_snapshot, knows_under_which_id_libc_locks)
{
	start_with_worker();
	cr_assert_eq(fork_snapshot_owner_tid(), gettid());
	pid_t child = by_syscall();
	if (child == 0) {
		fork_snapshot_postfork_child();
		pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
		pthread_mutex_lock(&mutex);
		EXPECT_IN_CHILD(self->owner_tid == mutex.__data.__owner);
		EXPECT_IN_CHILD(self->tid == getpid());
		_exit(0);
	}
	EXPECT_PASSES(child);
	child = by_libc();
	if (child == 0) {
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(self->owner_tid == getpid());
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, tells_each_generation_s_fork)
{
	struct thread_record *made[CHAIN];

	self = core_start();
	for (uint32_t i = 0; i < CHAIN; i++) {
		made[i] = core_invent_thread(INVENTED + (int32_t)i);
		core_invent_hold(made[i], &made[i], TRACE_HOLD_HELD);
		core_become_child(self);
		process.pid += 1000;
	}
	for (uint32_t i = 0; i < CHAIN; i++) {
		const struct fork_note *note = fork_snapshot_note_of(made[i]);
		cr_assert(fork_snapshot_is_vanished(made[i]));
		if (i < CHAIN - FORK_GENERATIONS_KEPT) {
			cr_assert_null(note, "generation %u is too long ago", i);
			continue;
		}
		cr_assert_not_null(note);
		cr_assert_eq(note->vanished_threads, 1);
	}
	cr_assert_neq(fork_snapshot_note_of(made[CHAIN - 1]), fork_snapshot_note_of(made[CHAIN - 2]));
}

Test(fork_snapshot, has_no_note_of_a_fork_that_nobody_saw)
{
	start_with_worker();
	core_become_child(self);
	struct thread_record *second = core_invent_thread(OTHER);
	atomic_store(process_mode_word, PROCESS_FRESH);
	fork_snapshot_postfork_child();
	cr_assert(fork_snapshot_is_vanished(second));
	cr_assert_null(fork_snapshot_note_of(second));
}

Test(fork_snapshot, does_not_grow_from_child_to_child, .timeout = 60)
{
	enum { FORKS = 2000, THREADS = 4 };
	unsigned records = 0;

	self = core_start();
	for (int i = 0; i < FORKS; i++) {
		for (int k = 0; k < THREADS; k++)
			core_invent_thread(INVENTED + k);
		core_become_child(self);
	}
	for (struct thread_record *record = thread_record_first(); record; record = record->next)
		records++;
	cr_assert_leq(records, 5 * THREADS + 1, "%u records after %d forks", records, FORKS);
}

static int change_nothing(void *unused)
{
	(void)unused;
	return process_is_plain() && self->gate->record == self && process.generation == 0 ? 0 : 1;
}

/* They run on the parent's memory: a child that took itself for one would put the parent into child mode. */
Test(fork_snapshot, is_untouched_by_a_child_that_shares_the_memory)
{
	static char stack[64 << 10] __attribute__((aligned(16)));

	start_with_worker();
	pid_t child = clone(change_nothing, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	cr_assert_gt(child, 0);
	EXPECT_PASSES(child);
	child = clone(change_nothing, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
	EXPECT_PASSES(child);
	child = vfork();
	if (child == 0)
		_exit(change_nothing(NULL));
	EXPECT_PASSES(child);
	cr_assert(process_is_plain());
}

Test(fork_snapshot, does_nothing_before_the_library_is_initialised)
{
	fork_snapshot_postfork_child();
	cr_assert_eq(process.generation, 0);
	cr_assert_eq(atomic_load(process_mode_word), PROCESS_FRESH);
}

/* --- the trace's file --- */

Test(fork_snapshot, makes_the_file_before_a_fork_that_loses_threads)
{
	start_with_worker();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	cr_assert_not_null(trace_writer_image());
}

Test(fork_snapshot, makes_no_file_for_a_single_thread_that_holds_nothing)
{
	self = core_start();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	cr_assert_null(trace_writer_image());
	fork_snapshot_postfork_parent(self, false);
	core_invent_hold(self, &lock, TRACE_HOLD_HELD);
	fork_snapshot_prefork(self, CALL_fork, &regs);
	cr_assert_not_null(trace_writer_image());
}

Test(fork_snapshot, counts_forks_and_processes)
{
	start_with_worker();
	trace_writer_open_run();
	atfork_registry_add_ours();
	uint64_t forks = trace_writer_run()->forks, processes = trace_writer_run()->processes;
	for (int i = 0; i < 5; i++) {
		pid_t child = by_libc();
		if (child == 0)
			_exit(0);
		EXPECT_PASSES(child);
	}
	cr_assert_eq(trace_writer_run()->forks, forks + 5);
	cr_assert_eq(trace_writer_run()->processes, processes + 5);
}

/* --- a fork with a wrapper --- */

static uint64_t counted_at_start;

static pid_t by_wrapper(void)
{
	const struct call_registers regs = core_registers();
	atfork_registry_add_ours();
	trace_writer_open_run();
	counted_at_start = trace_writer_run()->forks;
	fork_snapshot_prefork(self, CALL_fork, &regs);
	return by_libc();
}

static uint64_t counted(void)
{
	return trace_writer_run()->forks - counted_at_start;
}

Test(fork_snapshot, a_child_that_calls_nothing_is_counted_and_not_entered)
{
	start_with_worker();
	pid_t child = by_wrapper();
	if (child == 0) {
		EXPECT_IN_CHILD(atomic_load(process_mode_word) == PROCESS_FRESH);
		EXPECT_IN_CHILD(process.pid == getppid());
		_exit(0);
	}
	EXPECT_PASSES(child);
	fork_snapshot_postfork_parent(self, false);
	cr_assert_eq(counted(), 1);
	cr_assert_not(self->fork_counted);
}

Test(fork_snapshot, a_child_that_was_counted_does_not_count_itself)
{
	start_with_worker();
	pid_t child = by_wrapper();
	if (child == 0) {
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(process_is_child());
		EXPECT_IN_CHILD(process.notes[0]->call == CALL_fork);
		_exit(0);
	}
	EXPECT_PASSES(child);
	fork_snapshot_postfork_parent(self, false);
	cr_assert_eq(counted(), 1);
}

Test(fork_snapshot, a_fork_that_failed_is_not_counted)
{
	start_with_worker();
	trace_writer_open_run();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	fork_snapshot_count(self);
	cr_assert_eq(counted(), 1);
	fork_snapshot_postfork_parent(self, true);
	cr_assert_eq(counted(), 0);
	fork_snapshot_prefork(self, CALL_fork, &regs);
	fork_snapshot_postfork_parent(self, true);
	cr_assert_eq(counted(), 0, "it failed before it was counted");
}

Test(fork_snapshot, a_child_is_in_its_handlers_until_the_wrapper_says_so)
{
	for (int over = 0; over < 2; over++) {
		start_with_worker();
		pid_t child = by_wrapper();
		if (child == 0) {
			fork_snapshot_handlers_over = over;
			fork_snapshot_postfork_child();
			EXPECT_IN_CHILD(process.in_handlers == (over ? NULL : self));
			EXPECT_IN_CHILD(!fork_snapshot_handlers_over);
			EXPECT_IN_CHILD(fork_snapshot_in_handlers(self) == !over);
			_exit(0);
		}
		EXPECT_PASSES(child);
		fork_snapshot_postfork_parent(self, false);
	}
}

/* A thread that the library did not see made may be the first to call in. */
Test(fork_snapshot, another_thread_enters_for_the_one_that_forked)
{
	start_with_worker();
	pid_t child = by_wrapper();
	if (child == 0) {
		thread_record_become(NULL);
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(process.pid == getpid());
		EXPECT_IN_CHILD(self->tid == getpid());
		EXPECT_IN_CHILD(self->owner_tid == getpid());
		EXPECT_IN_CHILD(!fork_snapshot_is_vanished(self));
		EXPECT_IN_CHILD(fork_snapshot_is_vanished(worker));
		EXPECT_IN_CHILD(process.notes[0]->tid == getppid());
		_exit(0);
	}
	EXPECT_PASSES(child);
}

/* --- stacks of vanished threads --- */

struct held_up {
	pthread_barrier_t ready, done;
	struct thread_record *record;
	uint64_t stack_low, stack_high;
};

static __attribute__((noinline)) void hold_it(struct held_up *shared, int depth)
{
	if (depth > 0) {
		hold_it(shared, depth - 1);
		__asm__ volatile("" ::: "memory");
		return;
	}
	const struct call_registers regs = core_registers();
	thread_record_want(shared->record, &lock, TRACE_LOCK_MUTEX, CALL_pthread_mutex_lock, &regs);
	pthread_barrier_wait(&shared->ready);
	pthread_barrier_wait(&shared->done);
}

static void *hold_until_done(void *argument)
{
	struct held_up *shared = argument;

	shared->record = core_adopt_thread();
	shared->stack_low = shared->record->bounds.low;
	shared->stack_high = shared->record->bounds.high;
	hold_it(shared, 8);
	core_end_thread();
	return NULL;
}

static void start_with_holder(struct held_up *shared, pthread_t *thread)
{
	self = core_start();
	pthread_barrier_init(&shared->ready, NULL, 2);
	pthread_barrier_init(&shared->done, NULL, 2);
	cr_assert_eq(pthread_create(thread, NULL, hold_until_done, shared), 0);
	pthread_barrier_wait(&shared->ready);
	atfork_registry_add_ours();
}

static bool is_whole(const struct kept_stack *stack)
{
	return stack->count >= 10 && !(stack->flags & TRACE_STACK_CUT);
}

Test(fork_snapshot, walks_the_stack_of_a_vanished_thread)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = by_libc();
	if (child == 0) {
		struct kept_stack stack = {0};
		fork_snapshot_stack_of(shared.record, 0, &stack);
		EXPECT_IN_CHILD(is_whole(&stack));
		for (int i = 1; i < 8; i++)
			EXPECT_IN_CHILD(stack.pc[i] == stack.pc[1]);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

/* As happens when glibc gives the stack to a new thread. */
static void overwrite_stack(const struct held_up *shared)
{
	struct call_site site;

	thread_record_site(&shared->record->held[0], &site);
	*(uint64_t *)(uintptr_t)site.outer_slot = 0;
}

Test(fork_snapshot, keeps_the_stacks_before_they_are_overwritten)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = by_libc();
	if (child == 0) {
		struct kept_stack before = {0}, after = {0};
		fork_snapshot_stack_of(shared.record, 0, &before);
		fork_snapshot_preserve_stacks();
		fork_snapshot_preserve_stacks();
		overwrite_stack(&shared);
		fork_snapshot_stack_of(shared.record, 0, &after);
		EXPECT_IN_CHILD(is_whole(&before));
		EXPECT_IN_CHILD(before.count == after.count);
		EXPECT_IN_CHILD(memcmp(before.pc, after.pc, before.count * sizeof *before.pc) == 0);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, marks_a_stack_that_was_overwritten_as_cut)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = by_libc();
	if (child == 0) {
		struct kept_stack stack = {0};
		overwrite_stack(&shared);
		fork_snapshot_stack_of(shared.record, 0, &stack);
		EXPECT_IN_CHILD(stack.count == CALL_SITE_FRAMES);
		EXPECT_IN_CHILD(stack.flags & TRACE_STACK_CUT);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, reads_no_stack_that_the_child_unmapped)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = by_libc();
	if (child == 0) {
		struct kept_stack stack = {0};
		struct call_site site;
		thread_record_site(&shared.record->held[0], &site);
		/* The page alone: what else the kernel put beside a stack may be the arena. */
		munmap((void *)(uintptr_t)(site.outer_slot & ~UINT64_C(4095)), 4096);
		fork_snapshot_stack_of(shared.record, 0, &stack);
		EXPECT_IN_CHILD(stack.count == CALL_SITE_FRAMES);
		EXPECT_IN_CHILD(stack.flags & TRACE_STACK_CUT);
		_exit(0);
	}
	EXPECT_PASSES(child);
}
