/* The record at every single instruction of its own code, read from outside by ptrace: a fork by another
 * thread may come there. The test plays the locks: an owner word each, changed where libc would change it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_fixture.h"

enum { LOCKS = 24, HANDLER_LOCKS = 3, NO_LOCK = -1, STEPS_MAX = 2000000 };

/* What the traced child and this test look at together. */
static struct shared {
	volatile int32_t owner[LOCKS];
	uint64_t expected_pc[LOCKS][CALL_SITE_FRAMES_MAX]; /* the stack of its acquisition */
	volatile int leaving;  /* index of the lock whose entry is out and whose owner is not cleared yet */
	volatile int entering; /* index of the lock whose entry is being written */
	volatile int32_t handler_owner[HANDLER_LOCKS];
	volatile unsigned handled; /* signals */
} shared = {.leaving = NO_LOCK, .entering = NO_LOCK};
static struct thread_record *self;

/* --- the traced script --- */

static __attribute__((noinline)) void enter(int i, bool watched)
{
	const struct call_registers regs = core_registers();
	unsigned flags;
	uint64_t exact;
	call_stack_walk(&regs, &self->bounds, shared.expected_pc[i], CALL_SITE_FRAMES_MAX, &flags, &exact);
	shared.entering = i;
	uint32_t index = thread_record_want(self, (const void *)&shared.owner[i], TRACE_LOCK_MUTEX, 1, &regs);
	shared.owner[i] = 1;
	shared.entering = NO_LOCK;
	if (watched)
		thread_record_set(self, index, TRACE_HOLD_HELD);
}

static __attribute__((noinline)) void enter_deep(int i, int depth)
{
	if (depth)
		enter_deep(i, depth - 1);
	else
		enter(i, i % 3 == 0);
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void leave_watched(int i)
{
	uint32_t index = thread_record_find(self, (const void *)&shared.owner[i]);
	thread_record_set(self, index, TRACE_HOLD_RELEASING);
	shared.owner[i] = 0;
	struct held_entry *last = thread_record_last(self, (const void *)&shared.owner[i]);
	if (last)
		thread_record_remove_last(self, last);
	else
		thread_record_remove(self,
		                     thread_record_confirm(self, index, (const void *)&shared.owner[i]));
}

static __attribute__((noinline)) void leave(int i)
{
	shared.leaving = i;
	bool popped = thread_record_pop(self, (const void *)&shared.owner[i]);
	if (popped)
		shared.owner[i] = 0;
	shared.leaving = NO_LOCK;
	if (!popped)
		leave_watched(i);
}

/* Every way in and out: nested, out of order, from the same place again, from other depths, with the last
 * entry moved. */
static void run_script(void)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5; i++)
			enter_deep(i, i);
		leave(4);
		leave(1);
		leave_watched(3);
		enter_deep(1, 2);
		enter_deep(4, 0);
		leave(4);
		leave(0);
		leave(2);
		leave(1);
	}
}

/* Through two growths of the record. */
static void run_growing_script(void)
{
	for (int i = 0; i < LOCKS; i++)
		enter_deep(i, i % 3);
	for (int i = 0; i < LOCKS; i++)
		leave((i * 7) % LOCKS);
}

static __attribute__((noinline)) void take_in_handler(int i)
{
	const struct call_registers regs = core_registers();
	thread_record_want(self, (const void *)&shared.handler_owner[i], TRACE_LOCK_MUTEX, 2, &regs);
	shared.handler_owner[i] = 1;
}

/* Takes and releases locks of its own; then stops for the tracer. */
static void handle(int number)
{
	(void)number;
	for (int i = 0; i < HANDLER_LOCKS; i++)
		take_in_handler(i);
	for (int i = 0; i < HANDLER_LOCKS; i++) {
		uint32_t index = thread_record_find(self, (const void *)&shared.handler_owner[i]);
		shared.handler_owner[i] = 0;
		thread_record_remove(self, index);
	}
	shared.handled++;
	__asm__ volatile("int3");
}

/* --- the tracer --- */

/* A child that is traced through the script. It ends with the number of entries left as its exit code. */
static pid_t start_traced(void (*script)(void), bool warm)
{
	if (CORE_IS_SANITIZED)
		cr_skip_test("AddressSanitizer makes many instructions of each");
	pid_t child = fork();
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(UINT8_MAX);
		signal(SIGUSR1, handle);
		/* One call of it for both: the first one learns the rules of unwinding for what it returns
		 * to, which takes most instructions by far. */
		for (volatile int run = warm ? 0 : 1; run < 2; run++) {
			if (run == 1)
				kill(getpid(), SIGSTOP);
			script();
		}
		_exit((int)atomic_load(&self->held_count));
	}
	int status;
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == UINT8_MAX)
		cr_skip_test("ptrace is not permitted here");
	cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return child;
}

static void read_from(pid_t child, const void *address, void *ret_bytes, size_t size_bytes)
{
	struct iovec to = {ret_bytes, size_bytes}, from = {(void *)(uintptr_t)address, size_bytes};
	cr_assert_eq(process_vm_readv(child, &to, 1, &from, 1, 0), (ssize_t)size_bytes,
	             "process_vm_readv: %m");
}

/* The child as a fork at this instruction would leave it to its own child. */
static struct snapshot {
	struct shared shared;
	struct thread_record record;
	struct held_entry entry[64];
	uint32_t count, readable;
} snapshot;

static void take_snapshot(pid_t child)
{
	read_from(child, &shared, &snapshot.shared, sizeof shared);
	read_from(child, self, &snapshot.record, sizeof snapshot.record);
	snapshot.count = atomic_load(&snapshot.record.held_count);
	snapshot.readable = snapshot.count + 1;
	if (snapshot.readable > snapshot.record.held_capacity)
		snapshot.readable = snapshot.record.held_capacity;
	cr_assert_leq(snapshot.count, snapshot.record.held_capacity);
	cr_assert_leq(snapshot.readable, sizeof snapshot.entry / sizeof *snapshot.entry);
	read_from(child, snapshot.record.held, snapshot.entry, snapshot.readable * sizeof *snapshot.entry);
}

static bool is_entry_of(const struct held_entry *entry, int lock)
{
	return entry->lock == (uint64_t)(uintptr_t)&shared.owner[lock] &&
	       atomic_load(&entry->state) != TRACE_HOLD_NONE;
}

/* As the child of a fork looks for the holder's entry: the latest, else the one that was just taken out. */
static const struct held_entry *find_entry(int lock)
{
	for (uint32_t i = snapshot.count; i-- > 0;) {
		if (is_entry_of(&snapshot.entry[i], lock))
			return &snapshot.entry[i];
	}
	const struct held_entry *popped = &snapshot.entry[snapshot.count];
	return snapshot.count < snapshot.readable && is_entry_of(popped, lock) ? popped : NULL;
}

/* The cache is read where it lay in the child's record. */
static struct call_site read_site(const struct held_entry *entry)
{
	struct call_site site;
	struct held_entry moved = *entry;
	if (!(moved.stack & THREAD_STACK_OWN)) {
		uint64_t offset = entry->stack - (uint64_t)(uintptr_t)self;
		cr_assert_leq(offset, sizeof snapshot.record - sizeof(struct call_stack_cache_entry));
		moved.stack = (uint64_t)(uintptr_t)&snapshot.record + offset;
	}
	thread_record_site(&moved, &site);
	return site;
}

static void expect_exact(int lock, unsigned step, uint64_t pc)
{
	const struct held_entry *entry = find_entry(lock);

	cr_assert_not_null(entry, "lock %d is held and has no entry at step %u, pc %#lx", lock, step, pc);
	struct call_site site = read_site(entry);
	for (int i = 0; i < CALL_SITE_FRAMES || (i < CALL_SITE_FRAMES_MAX && site.pc[i]); i++)
		cr_assert_eq(site.pc[i], snapshot.shared.expected_pc[lock][i],
		             "lock %d has another's stack (frame %d: %#lx) at step %u, pc %#lx", lock, i,
		             site.pc[i], step, pc);
}

static void expect_every_lock(unsigned step, uint64_t pc, int excused, int also_excused)
{
	for (int i = 0; i < LOCKS; i++)
		if (snapshot.shared.owner[i] && i != excused && i != also_excused)
			expect_exact(i, step, pc);
}

static uint64_t pc_of(pid_t child)
{
	struct user_regs_struct registers;
	cr_assert_eq(ptrace(PTRACE_GETREGS, child, 0, &registers), 0);
	return registers.rip;
}

/* Goes on with the request. False once the child has ended; *ret_code is its exit code then. */
static bool go_on(pid_t child, enum __ptrace_request request, int signal_number, int *ret_code)
{
	int status;

	cr_assert_eq(ptrace(request, child, 0, signal_number), 0, "ptrace: %m");
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (WIFSTOPPED(status)) {
		cr_assert_eq(WSTOPSIG(status), SIGTRAP, "the traced child got signal %d at pc %#lx",
		             WSTOPSIG(status), pc_of(child));
		return true;
	}
	cr_assert(WIFEXITED(status), "the traced child was ended by signal %d", WTERMSIG(status));
	*ret_code = WEXITSTATUS(status);
	return false;
}

/* Lets a signal handler run between two instructions. */
static void interrupt(pid_t child)
{
	uint64_t pc = pc_of(child);
	int code;

	cr_assert(go_on(child, PTRACE_CONT, SIGUSR1, &code), "ended inside the handler");
	do
		cr_assert(go_on(child, PTRACE_SINGLESTEP, 0, &code), "ended in the handler's return");
	while (pc_of(child) != pc);
}

static unsigned step_through(void (*script)(void), bool warm)
{
	pid_t child = start_traced(script, warm);
	unsigned steps = 0;
	int code = -1;

	while (go_on(child, PTRACE_SINGLESTEP, 0, &code)) {
		take_snapshot(child);
		expect_every_lock(++steps, pc_of(child), NO_LOCK, NO_LOCK);
		cr_assert_lt(steps, STEPS_MAX);
	}
	cr_assert_eq(code, 0, "the record is not empty at the end");
	return steps;
}

Test(thread_record_steps, misses_no_lock_at_any_instruction, .timeout = 120)
{
	self = core_start();
	cr_assert_gt(step_through(run_script, false), 1000);
}

Test(thread_record_steps, misses_no_lock_while_it_grows, .timeout = 120)
{
	self = core_start();
	cr_assert_gt(step_through(run_growing_script, false), 1000);
}

Test(thread_record_steps, loses_nothing_to_a_signal_handler_at_any_instruction, .timeout = 300)
{
	self = core_start();
	pid_t child = start_traced(run_script, true);
	unsigned steps = 0;
	int code = -1;

	while (go_on(child, PTRACE_SINGLESTEP, 0, &code)) {
		interrupt(child);
		take_snapshot(child);
		expect_every_lock(++steps, pc_of(child), snapshot.shared.leaving, NO_LOCK);
	}
	cr_assert_eq(code, 0, "the record is not empty at the end");
	cr_assert_gt(snapshot.shared.handled, 1000);
}

/* One acquisition into a record that is full but for one entry: the handler has to make room. */
static void run_last_entry(void)
{
	enter(THREAD_HELD_INITIAL - 1, false);
	leave(THREAD_HELD_INITIAL - 1);
}

/* The instructions that the script executes, each once. */
static struct {
	uint64_t pc[STEPS_MAX / 100];
	unsigned count;
} visited;

static void note_visit(uint64_t pc)
{
	for (unsigned i = visited.count; i-- > 0;)
		if (visited.pc[i] == pc)
			return;
	cr_assert_lt(visited.count, sizeof visited.pc / sizeof *visited.pc);
	visited.pc[visited.count++] = pc;
}

static void visit_all(pid_t child)
{
	int code = -1;

	while (go_on(child, PTRACE_SINGLESTEP, 0, &code))
		note_visit(pc_of(child));
	cr_assert_eq(code, THREAD_HELD_INITIAL - 1, "%d entries are left", code);
}

/* Lets the child run up to the instruction. */
static void run_to(pid_t child, uint64_t pc)
{
	enum { BREAKPOINT = 0xcc };
	struct user_regs_struct registers;
	int code;

	errno = 0;
	long word = ptrace(PTRACE_PEEKTEXT, child, pc, 0);
	cr_assert_eq(errno, 0);
	cr_assert_eq(ptrace(PTRACE_POKETEXT, child, pc, (word & ~0xffL) | BREAKPOINT), 0);
	cr_assert(go_on(child, PTRACE_CONT, 0, &code), "the script did not come to %#lx again", pc);
	cr_assert_eq(ptrace(PTRACE_POKETEXT, child, pc, word), 0);
	cr_assert_eq(ptrace(PTRACE_GETREGS, child, 0, &registers), 0);
	cr_assert_eq(registers.rip, pc + 1);
	registers.rip = pc;
	cr_assert_eq(ptrace(PTRACE_SETREGS, child, 0, &registers), 0);
}

static void interrupt_at(pid_t child, uint64_t pc)
{
	int code = -1;

	run_to(child, pc);
	interrupt(child);
	take_snapshot(child);
	expect_every_lock(0, pc, snapshot.shared.leaving, snapshot.shared.entering);
	cr_assert_not(go_on(child, PTRACE_CONT, 0, &code), "stopped once more after a handler at %#lx", pc);
	cr_assert_eq(code, THREAD_HELD_INITIAL - 1, "%d entries are left after a handler at %#lx", code, pc);
}

/* Of the lock that is being entered the stack may be lost, as thread_record.h says; of the others nothing. */
Test(thread_record_steps, survives_a_signal_handler_that_grows_it, .timeout = 120)
{
	self = core_start();
	for (int i = 0; i < THREAD_HELD_INITIAL - 1; i++)
		enter(i, false);
	/* All are started by one call: which slots of the unwind rules are met depends on the stack's
	 * addresses. */
	for (volatile unsigned i = 0; i <= visited.count; i++) {
		pid_t child = start_traced(run_last_entry, true);
		if (i == 0)
			visit_all(child);
		else
			interrupt_at(child, visited.pc[i - 1]);
	}
	cr_assert_gt(visited.count, 100);
}
