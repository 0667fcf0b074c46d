#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core_fixture.h"
#include "incident.h"
#include "init_site.h"
#include "trace_writer.h"

enum { HOLDER = 100001, BLOCKED_RECORDS = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread_record *self, *holder;

static void start(void)
{
	self = core_start();
	holder = core_invent_thread(HOLDER);
	strcpy(holder->name, "worker");
	strcpy(self->name, "victim");
	holder->start_routine = (void *)(uintptr_t)core_start;
	holder->created_count = 2;
	holder->created_pc[0] = (uint64_t)(uintptr_t)core_start + 4;
	holder->created_pc[1] = (uint64_t)(uintptr_t)core_folder + 4;
	core_invent_hold(holder, &lock, TRACE_HOLD_HELD);
	core_lock_by_hand(&lock, HOLDER);
	core_become_child(self);
}

/* regs: of a frame that is still there when the stack is walked. */
static struct incident incident_of(enum trace_observed observed, struct call_registers regs)
{
	return (struct incident){
	    .observed = observed,
	    .proof = TRACE_PROOF_OWNER_WORD | TRACE_PROOF_RECORD,
	    .lock = &lock,
	    .kind = TRACE_LOCK_MUTEX,
	    .state = lock_word_of_mutex(&lock),
	    .victim = self,
	    .call = CALL_pthread_mutex_lock,
	    .regs = regs,
	    .holder = holder,
	    .holder_entry = 0,
	    .holder_tid = HOLDER,
	    .fork = fork_snapshot_note_of(holder),
	};
}

static const struct trace_frame *frames_of(const struct trace_incident *found, struct trace_stack stack)
{
	cr_assert_leq(stack.first + stack.count, found->tables.frame_count);
	return (const struct trace_frame *)((const char *)found + found->tables.frames_offset) + stack.first;
}

static const char *string_at(const struct trace_incident *found, uint32_t offset)
{
	cr_assert_lt(offset, found->tables.strings_size_bytes);
	return (const char *)found + found->tables.strings_offset + offset;
}

static const struct trace_module *module_at(const struct trace_incident *found, uint32_t index)
{
	cr_assert_lt(index, found->tables.module_count);
	return (const struct trace_module *)((const char *)found + found->tables.modules_offset) + index;
}

static unsigned count_records(void)
{
	const struct trace_image *image = trace_writer_image();
	unsigned count = 0;

	for (uint64_t at = TRACE_HEADER_SIZE_BYTES; at < image->file.tail_bytes; count++) {
		const struct trace_record *record = (const struct trace_record *)((const char *)image + at);
		cr_assert_eq(record->magic, TRACE_RECORD_MAGIC);
		at += (record->size_bytes + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES *
		      TRACE_GRANULE_BYTES;
	}
	return count;
}

Test(incident, tells_the_whole_story)
{
	start();
	struct incident incident = incident_of(TRACE_BLOCKS_ON_VANISHED, core_registers());
	const struct trace_incident *found = incident_write(&incident).record;

	cr_assert_not_null(found);
	cr_assert_eq(found->observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(found->proof, TRACE_PROOF_OWNER_WORD | TRACE_PROOF_RECORD);
	cr_assert_eq(found->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(found->stack_count, 5);
	cr_assert_eq(found->record.pid, getpid());
	cr_assert_eq(found->record.tid, gettid());
	cr_assert_eq(found->lock.address, (uint64_t)(uintptr_t)&lock);
	cr_assert_eq(found->lock.kind, TRACE_LOCK_MUTEX);
	cr_assert_eq(found->lock.type, TRACE_MUTEX_NORMAL);
	cr_assert_eq(found->lock.owner_tid, HOLDER);
	cr_assert_eq(found->lock.word, 1);
	cr_assert_eq(found->holder.tid, HOLDER);
	cr_assert_eq(found->holder.state, TRACE_HOLD_HELD);
	cr_assert_eq(found->holder.acquire_call, CALL_pthread_mutex_lock);
	cr_assert_str_eq(found->holder.name, "worker");
	cr_assert_eq(found->holder.start_routine, (uint64_t)(uintptr_t)core_start);
	cr_assert_eq(found->fork.pid, getpid());
	cr_assert_eq(found->fork.tid, gettid());
	cr_assert_eq(found->fork.call, CALL_fork);
	cr_assert_eq(found->fork.vanished_threads, 1);
	cr_assert_neq(found->fork.time_ns, 0);
	cr_assert_eq(found->victim.ppid, getppid());
	cr_assert_eq(found->victim.call, CALL_pthread_mutex_lock);
	cr_assert_eq(found->victim.live_threads, 1);
	cr_assert_str_eq(found->victim.name, "victim");
	cr_assert_str_eq(string_at(found, found->victim.exe), trace_writer_image()->exe);
}

Test(incident, carries_the_stacks)
{
	start();
	struct incident incident = incident_of(TRACE_BLOCKS_ON_VANISHED, core_registers());
	const struct trace_incident *found = incident_write(&incident).record;
	uint64_t walked[TRACE_STACK_FRAMES_MAX], exact;
	unsigned flags, count = call_stack_walk(&incident.regs, &self->bounds, walked, TRACE_STACK_FRAMES_MAX,
	                                        &flags, &exact);

	const struct trace_frame *frames = frames_of(found, found->victim.stack);
	cr_assert_eq(found->victim.stack.count, count);
	cr_assert_eq(found->victim.stack.flags, flags);
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(frames[i].pc, walked[i]);
	cr_assert_eq(found->holder.created_at.count, 2);
	cr_assert_eq(frames_of(found, found->holder.created_at)[1].pc, holder->created_pc[1]);
	cr_assert_eq(found->holder.acquired_at.count, 1);
	cr_assert_eq(found->holder.acquired_at.flags, TRACE_STACK_CUT);
	cr_assert_eq(frames_of(found, found->holder.acquired_at)[0].pc, 0x1000);
	const struct fork_note *note = fork_snapshot_note_of(holder);
	cr_assert_eq(found->fork.stack.count, note->stack.count);
	cr_assert_eq(frames_of(found, found->fork.stack)[0].pc, note->stack.pc[0]);
	cr_assert_eq(found->lock.initialised_at.count, 0);
}

Test(incident, names_the_module_of_the_lock)
{
	start();
	struct incident incident = incident_of(TRACE_BLOCKS_ON_VANISHED, core_registers());
	const struct trace_incident *found = incident_write(&incident).record;
	const struct trace_module *module = module_at(found, found->lock.module);

	cr_assert_str_eq(string_at(found, module->path), trace_writer_image()->exe);
	cr_assert_eq(found->holder.start_module, found->lock.module);
	pthread_mutex_t on_stack = PTHREAD_MUTEX_INITIALIZER;
	incident.lock = &on_stack;
	cr_assert_eq(incident_write(&incident).record->lock.module, TRACE_MODULE_UNKNOWN);
}

Test(incident, carries_where_the_lock_was_initialised)
{
	start();
	const struct call_registers regs = core_registers();
	init_site_record(self, &lock, &regs);
	struct incident incident = incident_of(TRACE_BLOCKS_ON_VANISHED, core_registers());
	const struct trace_incident *found = incident_write(&incident).record;

	cr_assert_eq(found->lock.initialised_at.count, CALL_SITE_FRAMES);
	cr_assert_eq(frames_of(found, found->lock.initialised_at)[0].pc, regs.pc);
}

Test(incident, leaves_out_what_is_not_known)
{
	start();
	struct incident incident = incident_of(TRACE_BLOCKS_ON_VANISHED, core_registers());
	incident.holder = NULL;
	incident.holder_tid = 0;
	incident.holder_entry = UINT32_MAX;
	incident.fork = NULL;
	const struct trace_incident *found = incident_write(&incident).record;

	cr_assert_eq(found->holder.tid, 0);
	cr_assert_eq(found->holder.state, TRACE_HOLD_NONE);
	cr_assert_eq(found->holder.start_routine, 0);
	cr_assert_eq(found->holder.start_module, TRACE_MODULE_UNKNOWN);
	cr_assert_eq(found->holder.acquired_at.count, 0);
	cr_assert_eq(found->holder.created_at.count, 0);
	cr_assert_eq(found->fork.pid, 0);
	cr_assert_eq(found->fork.stack.count, 0);
}

Test(incident, names_a_holder_without_an_entry)
{
	start();
	struct incident incident = incident_of(TRACE_BLOCKS_ON_VANISHED, core_registers());
	incident.holder_entry = UINT32_MAX;
	const struct trace_incident *found = incident_write(&incident).record;

	cr_assert_eq(found->holder.tid, HOLDER);
	cr_assert_str_eq(found->holder.name, "worker");
	cr_assert_eq(found->holder.acquired_at.count, 0);
	cr_assert_eq(found->holder.created_at.count, 2);
}

Test(incident, counts_cut_stacks)
{
	start();
	struct incident incident = incident_of(TRACE_BLOCKS_ON_VANISHED, core_registers());
	trace_writer_open_image();
	uint64_t before = trace_writer_run()->cut_stacks;
	const struct trace_incident *found = incident_write(&incident).record;
	unsigned cut = (found->holder.acquired_at.flags & TRACE_STACK_CUT) +
	               (found->fork.stack.flags & TRACE_STACK_CUT) +
	               (found->victim.stack.flags & TRACE_STACK_CUT);
	cr_assert_eq(trace_writer_run()->cut_stacks - before, cut);
	cr_assert_geq(cut, 1);
}

/* One fault: the same observation at the same stacks. */
static __attribute__((noinline)) struct incident_handle meet_again(enum trace_observed observed)
{
	struct incident incident = incident_of(observed, core_registers());
	return incident_write(&incident);
}

static struct incident_handle repeat(enum trace_observed observed, unsigned times)
{
	struct incident_handle last = {0};
	for (volatile unsigned i = 0; i < times; i++) {
		last = meet_again(observed);
		self->waits = NULL; /* the next is another thread's */
	}
	return last;
}

Test(incident, gives_each_of_the_first_blocked_ones_a_record)
{
	start();
	struct incident_handle last = repeat(TRACE_BLOCKS_ON_VANISHED, BLOCKED_RECORDS);
	cr_assert_not(last.is_repeat);
	cr_assert_eq(count_records(), BLOCKED_RECORDS);
}

Test(incident, folds_repeats_of_one_fault)
{
	start();
	/* One loop, since a fault is known by its stacks. */
	struct incident_handle last = repeat(TRACE_BLOCKS_ON_VANISHED, BLOCKED_RECORDS + 10);
	cr_assert(last.is_repeat);
	cr_assert_eq(count_records(), BLOCKED_RECORDS);
	cr_assert_eq(last.record->repeats, 10);
	cr_assert_eq(last.record->repeats_returned, 0);
	incident_returned(last, EBUSY);
	cr_assert_eq(last.record->repeats_returned, 1);
	cr_assert_eq(last.record->outcome, TRACE_OUTCOME_PENDING, "the first one is still blocked");
}

/* A loop of trylock and sleep must not fill the disk. */
Test(incident, folds_what_does_not_block_at_once)
{
	start();
	struct incident_handle last = repeat(TRACE_TRY_FAILED_ON_VANISHED, 1000);
	cr_assert(last.is_repeat);
	cr_assert_eq(count_records(), 1);
	cr_assert_eq(last.record->repeats, 999);
}

Test(incident, tells_faults_apart_by_what_was_observed)
{
	static const enum trace_observed both[] = {TRACE_TRY_FAILED_ON_VANISHED, TRACE_FOREIGN_UNLOCK};

	start();
	for (volatile int i = 0; i < 4; i++) /* one call, whatever the compiler does to loops */
		meet_again(both[i % 2]);
	cr_assert_eq(count_records(), 2);
}

Test(incident, tells_faults_apart_by_their_stacks)
{
	start();
	struct incident_handle first = meet_again(TRACE_TRY_FAILED_ON_VANISHED);
	struct incident_handle second = meet_again(TRACE_TRY_FAILED_ON_VANISHED);
	cr_assert_neq(first.record, second.record);
	cr_assert_neq(first.record->fault_hash, second.record->fault_hash);
}

Test(incident, notes_the_outcome)
{
	start();
	struct incident_handle handle = meet_again(TRACE_TIMED_WAIT_ON_VANISHED);
	uint32_t notices = trace_writer_run()->notice_count;

	cr_assert_eq(handle.record->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(handle.record->left_ns, 0);
	incident_returned(handle, ETIMEDOUT);
	cr_assert_eq(handle.record->outcome, TRACE_OUTCOME_RETURNED);
	cr_assert_eq(handle.record->result, ETIMEDOUT);
	cr_assert_geq(handle.record->left_ns, handle.record->record.time_ns);
	cr_assert_eq(trace_writer_run()->notice_count, notices);
}

Test(incident, tells_the_supervisor_when_what_it_watches_returns)
{
	start();
	struct incident_handle handle = meet_again(TRACE_BLOCKS_ON_VANISHED);
	uint32_t notices = trace_writer_run()->notice_count;

	incident_returned(handle, 0);
	cr_assert_eq(trace_writer_run()->notice_count, notices + 1);
}

Test(incident, stays_seen_blocked_when_only_a_signal_ended_the_wait)
{
	start();
	struct incident_handle handle = meet_again(TRACE_BLOCKS_ON_VANISHED);

	handle.record->outcome = TRACE_OUTCOME_SEEN_BLOCKED;
	incident_returned(handle, EINTR);
	cr_assert_eq(handle.record->outcome, TRACE_OUTCOME_SEEN_BLOCKED);
	cr_assert_eq(handle.record->result, EINTR);
	cr_assert_geq(handle.record->left_ns, handle.record->record.time_ns);
	incident_returned(handle, 0);
	cr_assert_eq(handle.record->outcome, TRACE_OUTCOME_RETURNED);
	for (unsigned i = 0; i < 2; i++) {
		handle.record->outcome = i ? TRACE_OUTCOME_SEEN_WAITING : TRACE_OUTCOME_PENDING;
		incident_returned(handle, EINTR);
		cr_assert_eq(handle.record->outcome, TRACE_OUTCOME_RETURNED);
	}
}

Test(incident, ignores_the_outcome_of_nothing)
{
	start();
	incident_returned((struct incident_handle){0}, EBUSY);
}

Test(incident, counts_the_registered_handlers)
{
	start();
	process.atfork_handlers = 3;
	cr_assert_eq(meet_again(TRACE_BLOCKS_ON_VANISHED).record->atfork_handlers, 3);
}

Test(incident, is_dropped_and_counted_when_the_file_is_full)
{
	start();
	trace_writer_open_image();
	struct trace_file_header *file = &trace_writer_image()->file;
	file->tail_bytes = file->file_size_bytes;
	struct incident_handle handle = meet_again(TRACE_BLOCKS_ON_VANISHED);
	cr_assert_null(handle.record);
	cr_assert_eq(file->dropped_records, 1);
	incident_returned(handle, 0);
}
