#include "handler_check.h"

#include <errno.h>

#include "clock.h"
#include "deadlock_action.h"
#include "own_memory.h"
#include "real.h"
#include "task_wait.h"
#include "trace_writer.h"

#define MS UINT64_C(1000000)
enum { WAIT_FIRST_MS = 10, WAIT_LONGEST_MS = 200, CHAIN_MAX = 16 };

static struct thread_record *find_live(int32_t owner_tid)
{
	struct thread_record *thread = thread_record_first();
	while (thread && !(atomic_load(&thread->state) == THREAD_ALIVE &&
	                   thread->generation == process.generation && thread->owner_tid == owner_tid))
		thread = thread->next;
	return thread;
}

/* Below the entry of this very attempt, which is the thread's last. */
static uint32_t find_entry(const struct thread_record *thread, const struct thread_record *victim,
                           const void *lock)
{
	uint32_t index = atomic_load(&thread->held_count) - (thread == victim);
	while (index-- > 0) {
		if (thread->held[index].lock == (uint64_t)(uintptr_t)lock)
			return index;
	}
	return UINT32_MAX;
}

/* The thread that owns the mutex for which this one sleeps in the kernel without a time limit; NULL: it does
 * something else. The thread is not asked: its record is read while it may change, so the kernel's word, the
 * record's and the lock's must agree. */
static struct thread_record *find_waited_for(const struct thread_record *thread)
{
	pthread_mutex_t mutex;
	uint64_t address = task_wait_address(thread->tid);
	uint32_t count = atomic_load(&thread->held_count);
	const struct held_entry *last = count ? &thread->held[count - 1] : NULL;
	if (!address || !last || last->lock != address || last->kind != TRACE_LOCK_MUTEX ||
	    !own_memory_read(address, &mutex, sizeof mutex))
		return NULL;
	struct lock_state state = lock_word_of_mutex(&mutex);
	return state.locked && state.owner_tid ? find_live(state.owner_tid) : NULL;
}

static bool leads_to(const struct thread_record *thread, const struct thread_record *victim)
{
	for (int i = 0; i < CHAIN_MAX && thread && thread != victim; i++)
		thread = find_waited_for(thread);
	return thread == victim;
}

/* A signal handler that came in the middle of fork is no fork handler. */
static bool is_in_signal_handler(const struct thread_record *self, const struct call_registers *regs)
{
	uint64_t pc[TRACE_STACK_FRAMES_MAX], exact = 0;
	struct stack_bounds bounds = self->bounds;
	unsigned flags = 0;
	call_stack_walk(regs, &bounds, pc, TRACE_STACK_FRAMES_MAX, &flags, &exact);
	return __builtin_popcountll(exact) > __builtin_popcountll(self->note->stack.exact);
}

static void report(struct incident *suspect, struct thread_record *holder, struct incident_handle *ret_handle)
{
	if (is_in_signal_handler(suspect->victim, &suspect->regs))
		return;
	suspect->holder = holder;
	suspect->holder_tid = holder->tid;
	suspect->holder_entry = find_entry(holder, suspect->victim, suspect->lock);
	suspect->proof |= suspect->holder_entry != UINT32_MAX ? TRACE_PROOF_RECORD : 0;
	trace_writer_open_image();
	*ret_handle = incident_write(suspect);
	deadlock_action(suspect);
}

static struct timespec time_in(uint64_t wait_ms)
{
	uint64_t at_ns = clock_now_ns() + wait_ms * MS;
	return (struct timespec){.tv_sec = (time_t)(at_ns / 1000000000u),
	                         .tv_nsec = (long)(at_ns % 1000000000u)};
}

/* The other thread may start to wait only after this one: so this one looks up again and again. */
static bool wait_watching(struct incident *suspect, pthread_mutex_t *mutex,
                          struct incident_handle *ret_handle)
{
	for (uint64_t wait_ms = WAIT_FIRST_MS;; wait_ms = wait_ms < WAIT_LONGEST_MS ? 2 * wait_ms : wait_ms) {
		struct timespec until = time_in(wait_ms);
		int error = real.pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
		if (error != ETIMEDOUT)
			return error == 0;
		suspect->state = lock_word_of_mutex(mutex);
		struct thread_record *owner = find_live(suspect->state.owner_tid);
		/* Seen twice: a chain of several threads is not read at one moment. */
		if (owner && leads_to(owner, suspect->victim) && leads_to(owner, suspect->victim)) {
			report(suspect, owner, ret_handle);
			return false;
		}
	}
}

bool handler_check_acquire(struct thread_record *self, pthread_mutex_t *mutex, unsigned call,
                           const struct call_registers *regs, struct incident_handle *ret_handle)
{
	enum { OTHER_PROTOCOLS = TRACE_LOCK_ROBUST | TRACE_LOCK_PRIO_INHERIT | TRACE_LOCK_PRIO_PROTECT };
	struct incident suspect = {
	    .observed = TRACE_BLOCKS_IN_ATFORK_HANDLER,
	    .proof = TRACE_PROOF_OWNER_WORD,
	    .lock = mutex,
	    .kind = TRACE_LOCK_MUTEX,
	    .state = lock_word_of_mutex(mutex),
	    .victim = self,
	    .call = call,
	    .regs = *regs,
	    .fork = self->note,
	    .holder_entry = UINT32_MAX,
	};
	*ret_handle = (struct incident_handle){0};
	if (!process_is_plain() || !suspect.state.locked || (suspect.state.flags & OTHER_PROTOCOLS))
		return false;
	if (suspect.state.owner_tid != self->owner_tid)
		return !trace_writer_is_sealed() && !(suspect.state.flags & TRACE_LOCK_PSHARED) &&
		       wait_watching(&suspect, mutex, ret_handle);
	if (!lock_word_checks_owner(&suspect.state))
		report(&suspect, self, ret_handle);
	return false;
}
