/* The roads into a child, and what it then takes itself for. */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "atfork_registry.h"
#include "fork_snapshot_fixture.h"

enum { OTHER = 100002, CHAIN = FORK_GENERATIONS_KEPT + 4 };

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
