#include "handover.h"

#include <pthread.h>

#include "call_id.h"
#include "record_work.h"
#include "trace_writer.h"
#include "wake_site.h"

/* glibc: __wrefs of a condition (nptl/pthread_cond_common.c); the upper half of a semaphore's data. */
enum { COND_WAITERS_SHIFT = 3, SEMAPHORE_WAITERS_SHIFT = 32 };

struct handover handover_last;

static uint64_t ticket_of_process(void)
{
	return (uint64_t)process.generation << 1;
}

const struct handover *handover_find(void)
{
	uint64_t ticket = atomic_load_explicit(&handover_last.ticket, memory_order_acquire);
	return ticket && ticket == ticket_of_process() ? &handover_last : NULL;
}

/* An object that was made anew counts none; of a futex nobody counts them. */
static uint64_t counted_waiters(const void *object, enum trace_lock_kind kind)
{
	switch (kind) {
	case TRACE_LOCK_CONDVAR:
		return __atomic_load_n(&((const pthread_cond_t *)object)->__data.__wrefs, __ATOMIC_RELAXED) >>
		       COND_WAITERS_SHIFT;
	case TRACE_LOCK_SEMAPHORE:
		return __atomic_load_n((const uint64_t *)object, __ATOMIC_RELAXED) >> SEMAPHORE_WAITERS_SHIFT;
	default:
		return UINT64_MAX;
	}
}

/* Then no thread that vanished can have slept on it. */
static bool was_made_here(const void *object)
{
	struct wake_facts facts;
	return wake_site_find(object, &facts) && facts.generation == process.generation;
}

struct waiters {
	struct thread_record *first;
	uint32_t entry, count;
	uint32_t alive; /* threads of the child that sleep on it, too */
	const struct lock_use *past;
};

static bool sleeps_on(const struct thread_record *thread, const void *object, enum trace_lock_kind kind,
                      uint32_t *ret_entry)
{
	*ret_entry = thread_record_find(thread, object);
	return *ret_entry != UINT32_MAX && thread->held[*ret_entry].kind == kind &&
	       atomic_load(&thread->held[*ret_entry].state) != TRACE_HOLD_HELD;
}

static void find_waiters(const struct thread_record *self, const void *object, enum trace_lock_kind kind,
                         struct waiters *ret_waiters)
{
	*ret_waiters = (struct waiters){0};
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		uint32_t entry;
		if (thread == self || !sleeps_on(thread, object, kind, &entry))
			continue;
		ret_waiters->alive += fork_snapshot_is_alive(thread);
		if (!fork_snapshot_is_vanished(thread))
			continue;
		if (ret_waiters->count++ == 0) {
			ret_waiters->first = thread;
			ret_waiters->entry = entry;
		}
	}
}

/* A signal is for one of those that the condition counts, and that may be one that vanished, though a thread
 * of the child sleeps on it, too. If that one wakes, it takes the note back. */
static bool may_wake_nobody(const void *object, enum trace_lock_kind kind, unsigned call,
                            const struct waiters *waiters)
{
	if (waiters->count == 0)
		return false;
	bool is_for_one = call == CALL_pthread_cond_signal || call == CALL_cnd_signal;
	uint64_t alive = waiters->alive;
	return (alive == 0 || is_for_one) && counted_waiters(object, kind) > alive;
}

/* A condition begins with a count of those that ever slept on it: one that was made anew has none. A
 * semaphore must be one that only others post. */
static bool served_waiters(const void *object, enum trace_lock_kind kind)
{
	struct wake_facts facts;
	if (kind == TRACE_LOCK_CONDVAR)
		return __atomic_load_n((const uint64_t *)object, __ATOMIC_RELAXED);
	return kind == TRACE_LOCK_SEMAPHORE && wake_site_find(object, &facts) && facts.initial_value == 0 &&
	       !facts.by_holder;
}

/* Who took a semaphore's last unit and posts none has it in its record still. */
static bool has_slept_on(const struct thread_record *thread, const void *object, enum trace_lock_kind kind,
                         struct waiters *ret_waiters)
{
	const struct lock_use *use = lock_use_find(thread, (uint64_t)(uintptr_t)object);
	uint32_t entry = kind == TRACE_LOCK_SEMAPHORE ? thread_record_find(thread, object) : UINT32_MAX;
	if ((!use || use->kind != kind) && entry == UINT32_MAX)
		return false;
	ret_waiters->entry = entry;
	ret_waiters->past = entry == UINT32_MAX ? use : NULL;
	return true;
}

/* All of them were busy at the fork. False where a thread of the child has slept on it, too. */
static bool find_former_waiter(const void *object, enum trace_lock_kind kind, struct waiters *ret_waiters)
{
	*ret_waiters = (struct waiters){0};
	if (!served_waiters(object, kind))
		return false;
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		struct waiters found = {.first = thread};
		if (atomic_load(&thread->state) != THREAD_ALIVE ||
		    !has_slept_on(thread, object, kind, &found))
			continue;
		if (!fork_snapshot_is_vanished(thread))
			return false;
		if (!ret_waiters->first)
			*ret_waiters = found;
	}
	return ret_waiters->first;
}

/* Those who slept at the fork say more than those who were busy. */
static bool find_workers(const struct thread_record *self, const void *object, enum trace_lock_kind kind,
                         unsigned call, struct waiters *ret_waiters)
{
	const struct handover *last = handover_find();
	find_waiters(self, object, kind, ret_waiters);
	if (may_wake_nobody(object, kind, call, ret_waiters))
		return true;
	return !(last && last->waiting_count) && find_former_waiter(object, kind, ret_waiters);
}

static bool take(void)
{
	uint64_t ticket = atomic_load(&handover_last.ticket), mine = ticket_of_process() | 1;
	return ticket != mine && atomic_compare_exchange_strong(&handover_last.ticket, &ticket, mine);
}

static void give(void)
{
	atomic_store_explicit(&handover_last.ticket, ticket_of_process(), memory_order_release);
}

static bool is_repeat(const struct thread_record *self, const void *object, const struct call_site *site)
{
	const struct handover *last = handover_find();
	return last && last->object == object && last->tid == self->tid &&
	       last->site.outer_slot == site->outer_slot &&
	       __builtin_memcmp(last->site.pc, site->pc, sizeof site->pc) == 0;
}

static void keep_stack(struct thread_record *self, const struct call_registers *regs)
{
	struct kept_stack *stack = &handover_last.stack;
	unsigned flags = 0;
	stack->count =
	    call_stack_walk(regs, &self->bounds, stack->pc, TRACE_STACK_FRAMES_MAX, &flags, &stack->exact);
	stack->flags = flags;
}

static void keep(struct thread_record *self, const void *object, const struct waiters *waiters,
                 const struct call_registers *regs)
{
	bool is_known = handover_last.object == object && handover_last.tid == self->tid;
	handover_last.count = is_known ? handover_last.count + 1 : 1;
	handover_last.object = object;
	handover_last.tid = self->tid;
	handover_last.waiter = waiters->first;
	handover_last.waiter_entry = waiters->entry;
	handover_last.past = waiters->past;
	handover_last.waiting_count = waiters->count;
	keep_stack(self, regs);
}

void handover_note(struct thread_record *self, const void *object, enum trace_lock_kind kind, unsigned call,
                   const struct call_registers *regs)
{
	struct waiters waiters;
	struct call_site site;
	if (process.other_threads_at_fork == 0 || fork_snapshot_in_handlers(self) || was_made_here(object))
		return;
	thread_record_capture_site(self, regs, &site);
	bool repeat = is_repeat(self, object, &site);
	if ((!repeat && !find_workers(self, object, kind, call, &waiters)) || !take())
		return;
	if (repeat) {
		handover_last.count++;
	} else {
		keep(self, object, &waiters, regs);
		handover_last.kind = kind;
		handover_last.call = call;
		handover_last.site = site;
	}
	give();
}

void handover_look_for_taker(const struct thread_record *self, const void *object)
{
	const struct handover *last = handover_find();
	uint64_t ticket = ticket_of_process();
	if (last && last->object == object && last->tid != self->tid)
		atomic_compare_exchange_strong(&handover_last.ticket, &ticket, 0);
}

static uint32_t describe(const struct handover *last, struct record_work *work)
{
	struct trace_handover *record = &work->record.handover;
	frame_table_init(&work->table);
	*record = (struct trace_handover){
	    .lock_address = (uint64_t)(uintptr_t)last->object,
	    .lock_kind = last->kind,
	    .call = last->call,
	    .waiting_threads = last->waiting_count,
	    .count = last->count,
	    .tid = last->tid,
	};
	record->lock_module = frame_table_add_module_of(&work->table, record->lock_address, true);
	record->stack = frame_table_add_stack(&work->table, &last->stack);
	return frame_table_place(&work->table, record, sizeof *record, &record->tables);
}

void handover_write(uint64_t incident_time_ns)
{
	const struct handover *last = handover_find();
	struct record_work *work = last && trace_writer_image() ? record_work_take() : NULL;
	if (!work)
		return;
	uint32_t size_bytes = describe(last, work);
	work->record.handover.incident_time_ns = incident_time_ns;
	trace_writer_append(TRACE_RECORD_HANDOVER, &work->record.handover.record, size_bytes,
	                    sizeof(struct trace_record));
	record_work_give(work);
}
