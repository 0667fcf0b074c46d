#include "atfork_registry.h"

#include "arena.h"
#include "fork_snapshot.h"
#include "handler_timing.h"
#include "notice.h"
#include "placement.h"
#include "real.h"
#include "record_work.h"
#include "trace_writer.h"

enum { REGISTRATIONS_KEPT = 256 };

struct registration {
	uint64_t handler[3]; /* prepare, parent, child */
	struct kept_stack registered_at;
	_Atomic uint32_t written;
	_Atomic uint32_t longest;            /* as in trace_atfork */
	struct trace_record *_Atomic record; /* NULL: not written yet, or no room */
};

static struct registration *registrations[REGISTRATIONS_KEPT] PAGES_OF_ITS_OWN;
extern void *__dso_handle;

static void prepare(void)
{
	/* Runs last: what the program's handlers locked is held now. A road without a wrapper (a fork inside
	 * libc) leaves its note here. */
	fork_snapshot_postfork_child();
	handler_timing_prepare_ends();
	struct thread_record *self = thread_record_self;
	fork_snapshot_open_trace(self);
	if (self && self->fork_noted) {
		/* A road with a wrapper says when they are over. */
		self->fork_runs_handlers = self->note->call != 0;
		fork_snapshot_count(self);
	}
	if (!self || self->fork_noted)
		return;
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	fork_snapshot_prefork(self, 0, &regs);
}

static void parent(void)
{
	handler_timing_begins(ATFORK_PARENT, __builtin_return_address(0));
	struct thread_record *self = thread_record_self;
	/* A wrapper does so once all handlers have run. */
	if (self && self->fork_noted && !self->note->call)
		fork_snapshot_postfork_parent(self, false);
}

CHILD_CODE static void child(void)
{
	handler_timing_begins(ATFORK_CHILD, __builtin_return_address(0));
	const struct thread_record *self = thread_record_self;
	/* Entered by its first intercepted call, unless it has to count itself. */
	if (self && self->fork_counted && thread_record_is_wiped_on_fork())
		return;
	if (fork_snapshot_is_own_process())
		return; /* entered already, or by the first intercepted call */
	/* Where the kernel does not know MADV_WIPEONFORK the word still says what the parent was. */
	atomic_store(process_mode_word, PROCESS_FRESH);
	fork_snapshot_postfork_child();
}

void atfork_registry_add_ours(void)
{
	static _Atomic bool done;
	if (!atomic_exchange(&done, true))
		real.__register_atfork(prepare, parent, child, &__dso_handle);
}

static void write_one(struct registration *entry)
{
	struct record_work *work = record_work_take();
	if (!work)
		return;
	frame_table_init(&work->table);
	struct trace_atfork *record = &work->record.atfork;
	*record = (struct trace_atfork){.longest = atomic_load(&entry->longest)};
	work->stack = (struct kept_stack){.count = 3, .exact = 7};
	for (int i = 0; i < 3; i++) {
		work->stack.pc[i] = entry->handler[i];
		record->handler_mask |= entry->handler[i] ? 1u << i : 0;
	}
	record->handlers = frame_table_add_stack(&work->table, &work->stack);
	record->registered_at = frame_table_add_stack(&work->table, &entry->registered_at);
	uint32_t size_bytes = frame_table_place(&work->table, record, sizeof *record, &record->tables);
	atomic_store(&entry->record, trace_writer_append(TRACE_RECORD_ATFORK, &record->record, size_bytes,
	                                                 sizeof record->record));
	record_work_give(work);
}

static void write_again(struct registration *entry, struct trace_record *old)
{
	struct record_work *work = record_work_take();
	if (!work)
		return;
	struct trace_atfork *record = &work->record.atfork;
	__builtin_memcpy(record, old, old->size_bytes);
	record->longest = atomic_load(&entry->longest);
	trace_writer_rewrite(old, &record->record, old->size_bytes, sizeof record->record);
	record_work_give(work);
}

uint64_t atfork_registry_handler(uint32_t registration, enum atfork_phase phase)
{
	const struct registration *entry = __atomic_load_n(&registrations[registration], __ATOMIC_ACQUIRE);
	return entry ? entry->handler[phase] : 0;
}

void atfork_registry_note_slow(uint32_t registration, enum atfork_phase phase, uint64_t time_ns)
{
	struct registration *entry = __atomic_load_n(&registrations[registration], __ATOMIC_ACQUIRE);
	uint64_t time_us = time_ns / 1000;
	uint32_t kept_us = time_us < TRACE_ATFORK_TIME_MASK ? (uint32_t)time_us : TRACE_ATFORK_TIME_MASK;
	if ((atomic_load(&entry->longest) & TRACE_ATFORK_TIME_MASK) >= kept_us)
		return;
	atomic_store(&entry->longest, kept_us | (uint32_t)phase << TRACE_ATFORK_PHASE_SHIFT);
	/* A child has no file of its own to make. */
	if (phase != ATFORK_CHILD)
		trace_writer_open_image();
	struct trace_record *record = atomic_load(&entry->record);
	if (record)
		write_again(entry, record);
}

/* Those that came before the image had a trace file, too. */
static void write_all(void)
{
	for (uint32_t i = 0; i < REGISTRATIONS_KEPT; i++) {
		struct registration *entry = __atomic_load_n(&registrations[i], __ATOMIC_ACQUIRE);
		if (entry && !atomic_exchange(&entry->written, 1))
			write_one(entry);
	}
}

void atfork_registry_add(struct thread_record *self, void (*before)(void), void (*in_parent)(void),
                         void (*in_child)(void), const struct call_registers *regs)
{
	uint32_t index = __atomic_fetch_add(&process.atfork_handlers, 1, __ATOMIC_RELAXED);
	struct registration *entry = index < REGISTRATIONS_KEPT ? arena_alloc(sizeof *entry) : NULL;
	if (!entry)
		return;
	entry->handler[0] = (uint64_t)(uintptr_t)before;
	entry->handler[1] = (uint64_t)(uintptr_t)in_parent;
	entry->handler[2] = (uint64_t)(uintptr_t)in_child;
	unsigned flags = 0;
	entry->registered_at.count =
	    call_stack_walk(regs, &self->bounds, entry->registered_at.pc, TRACE_STACK_FRAMES_MAX, &flags,
	                    &entry->registered_at.exact);
	entry->registered_at.flags = flags;
	__atomic_store_n(&registrations[index], entry, __ATOMIC_RELEASE);
	handler_timing_add(index);
	trace_writer_when_open(write_all);
	if (trace_writer_image())
		write_all();
}

void atfork_registry_note_skipped(enum trace_notice_kind notice)
{
	static _Atomic uint32_t noted;
	fork_snapshot_postfork_child();
	if (process.atfork_handlers == 0 || atomic_load(&process.live_threads) < 2)
		return;
	trace_writer_open_image();
	const struct trace_image *image = trace_writer_image();
	if (image && !(atomic_fetch_or(&noted, 1u << notice) & 1u << notice))
		notice_say(notice, image->exe);
}
