#include "handler_check.h"

#include <errno.h>

#include "call_id.h"
#include "child_check.h"
#include "child_wait.h"
#include "clock.h"
#include "deadlock_action.h"
#include "own_memory.h"
#include "raw_syscall.h"
#include "real.h"
#include "task_wait.h"
#include "trace_writer.h"
#include "wake_site.h"

#define MS UINT64_C(1000000)
enum { WAIT_FIRST_MS = 10, WAIT_LONGEST_MS = 200, CHAIN_MAX = 16 };

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

static bool holds(const struct thread_record *thread, const struct thread_record *victim, const void *lock)
{
	uint32_t index = find_entry(thread, victim, lock);
	return index != UINT32_MAX && atomic_load(&thread->held[index].state) == TRACE_HOLD_HELD;
}

/* Whoever has one is the only one to let go of it. */
static bool is_lock(enum trace_lock_kind kind)
{
	return kind == TRACE_LOCK_MUTEX || kind == TRACE_LOCK_RWLOCK;
}

/* Readers hold up a reader only where a writer waits between them, and that one may give up. */
static struct lock_state look_at(const struct lock_ref *lock)
{
	struct lock_state state = lock_word_of(lock);
	state.names_nobody &= !lock->shared;
	return state;
}

/* Who has the lock for which this thread sleeps in the kernel without a time limit: its owner, or the victim
 * where that is one of several; NULL: it does something else. The thread is not asked: its record is read
 * while it may change, so the kernel's word, the record's and the lock's must agree. */
static struct thread_record *find_waited_for(const struct thread_record *thread, struct thread_record *victim)
{
	union lock_copy copy;
	uint64_t address = task_wait_address(thread->tid);
	uint32_t count = atomic_load(&thread->held_count);
	if (!address || !count)
		return NULL;
	const struct held_entry *last = &thread->held[count - 1];
	uint64_t lock = last->lock;
	enum trace_lock_kind kind = last->kind;
	size_t size_bytes = lock_word_size_of(kind);
	/* The futex word of a mutex is its first; a rwlock has several. */
	if (!is_lock(kind) || address - lock >= size_bytes || !own_memory_read(lock, &copy, size_bytes))
		return NULL;
	struct lock_state state =
	    look_at(&(struct lock_ref){&copy, kind, !call_id_is_write_lock(last->call)});
	if (!state.locked)
		return NULL;
	if (state.owner_tid)
		return fork_snapshot_find_alive(state.owner_tid);
	return state.names_nobody && holds(victim, victim, (const void *)(uintptr_t)lock) ? victim : NULL;
}

static bool leads_to(const struct thread_record *thread, struct thread_record *victim)
{
	for (int i = 0; i < CHAIN_MAX && thread && thread != victim; i++)
		thread = find_waited_for(thread, victim);
	return thread == victim;
}

/* Seen twice: a chain of several threads is not read at one moment. */
static bool is_stuck(const struct thread_record *thread, struct thread_record *victim)
{
	return thread != victim && leads_to(thread, victim) && leads_to(thread, victim);
}

/* A thread that has the lock and waits, through others or not, for what the victim has. Of a lock that names
 * nobody each holder keeps it, and the record says who they are. */
static struct thread_record *find_stuck_holder(const struct incident *suspect)
{
	struct thread_record *victim = suspect->victim, *thread = NULL;
	if (suspect->state.owner_tid) {
		thread = fork_snapshot_find_alive(suspect->state.owner_tid);
		return thread && is_stuck(thread, victim) ? thread : NULL;
	}
	if (!suspect->state.names_nobody)
		return NULL;
	for (thread = thread_record_first(); thread; thread = thread->next) {
		if (fork_snapshot_is_alive(thread) && holds(thread, victim, suspect->lock) &&
		    is_stuck(thread, victim))
			return thread;
	}
	return NULL;
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
	suspect->proof |= suspect->state.owner_tid ? TRACE_PROOF_OWNER_WORD : 0;
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

static int spin_until(pthread_spinlock_t *lock, const struct timespec *until)
{
	uint64_t until_ns = (uint64_t)until->tv_sec * 1000000000u + (uint64_t)until->tv_nsec;
	while (real.pthread_spin_trylock(lock) != 0) {
		if (clock_now_ns() >= until_ns)
			return ETIMEDOUT;
		raw_syscall0(SYS_sched_yield);
	}
	return 0;
}

static int acquire_until(const struct lock_ref *lock, const struct timespec *until)
{
	void *object = (void *)(uintptr_t)lock->address;
	switch (lock->kind) {
	case TRACE_LOCK_MUTEX:
		return real.pthread_mutex_clocklock(object, CLOCK_MONOTONIC, until);
	case TRACE_LOCK_RWLOCK:
		return lock->shared ? real.pthread_rwlock_clockrdlock(object, CLOCK_MONOTONIC, until)
		                    : real.pthread_rwlock_clockwrlock(object, CLOCK_MONOTONIC, until);
	case TRACE_LOCK_SPINLOCK:
		return spin_until(object, until);
	default:
		return EINVAL;
	}
}

/* The other thread may start to wait only after this one: so this one looks up again and again. */
static bool wait_watching(struct incident *suspect, const struct lock_ref *lock,
                          struct incident_handle *ret_handle)
{
	for (uint64_t wait_ms = WAIT_FIRST_MS;; wait_ms = wait_ms < WAIT_LONGEST_MS ? 2 * wait_ms : wait_ms) {
		struct timespec until = time_in(wait_ms);
		int error = acquire_until(lock, &until);
		if (error != ETIMEDOUT)
			return error == 0;
		suspect->state = look_at(lock);
		struct thread_record *holder = suspect->state.locked ? find_stuck_holder(suspect) : NULL;
		if (holder) {
			report(suspect, holder, ret_handle);
			return false;
		}
	}
}

/* It holds the lock itself and would wait for ever; where the lock checks its owner the call fails instead.
 */
static bool is_own(const struct incident *suspect)
{
	const struct thread_record *self = suspect->victim;
	if (suspect->state.owner_tid)
		return suspect->state.owner_tid == self->owner_tid &&
		       !lock_word_checks_owner(&suspect->state);
	return suspect->state.names_nobody && holds(self, self, suspect->lock);
}

bool handler_check_acquire(struct thread_record *self, const struct lock_ref *lock, unsigned call,
                           const struct call_registers *regs, struct incident_handle *ret_handle)
{
	enum { OTHER_PROTOCOLS = TRACE_LOCK_ROBUST | TRACE_LOCK_PRIO_INHERIT | TRACE_LOCK_PRIO_PROTECT };
	struct incident suspect = {
	    .observed = TRACE_BLOCKS_IN_ATFORK_HANDLER,
	    .lock = lock->address,
	    .kind = lock->kind,
	    .state = look_at(lock),
	    .victim = self,
	    .call = call,
	    .regs = *regs,
	    .fork = self->note,
	    .holder_entry = UINT32_MAX,
	};
	*ret_handle = (struct incident_handle){0};
	if (!process_is_plain() || !suspect.state.locked || (suspect.state.flags & OTHER_PROTOCOLS))
		return false;
	if (suspect.state.owner_tid == self->owner_tid || is_own(&suspect)) {
		if (is_own(&suspect))
			report(&suspect, self, ret_handle);
		return false;
	}
	return !trace_writer_is_sealed() && !(suspect.state.flags & TRACE_LOCK_PSHARED) &&
	       wait_watching(&suspect, lock, ret_handle);
}

/* A semaphore's post tells who took it only where nobody else posts. */
static void name_semaphore_holder(struct incident *suspect)
{
	struct thread_record *thread = suspect->victim;
	if (!wake_site_may_be_lock(suspect->lock))
		return;
	if (!holds(thread, thread, suspect->lock)) {
		thread = thread_record_first();
		while (thread && !(atomic_load(&thread->state) == THREAD_ALIVE &&
		                   thread->generation == process.generation &&
		                   holds(thread, suspect->victim, suspect->lock)))
			thread = thread->next;
	}
	if (!thread)
		return;
	suspect->holder = thread;
	suspect->holder_tid = thread->tid;
	suspect->holder_entry = find_entry(thread, suspect->victim, suspect->lock);
	suspect->proof |= wake_site_is_lock(suspect->lock) ? TRACE_PROOF_RECORD : 0;
}

static void name_joined(struct incident *suspect, int32_t tid)
{
	struct thread_record *thread = fork_snapshot_find_alive(tid);
	suspect->holder_tid = tid;
	if (thread && thread->handle == (uint64_t)(uintptr_t)suspect->lock)
		suspect->holder = thread;
}

/* False: the call will return at once. The semaphore's word is read after the threads were counted: the last
 * of them may have posted before it ended. */
static bool will_wait(struct incident *suspect)
{
	bool is_semaphore = suspect->kind == TRACE_LOCK_SEMAPHORE;
	if (suspect->kind == TRACE_LOCK_THREAD) {
		int32_t tid = child_wait_tid_of((pthread_t)(uintptr_t)suspect->lock);
		name_joined(suspect, tid);
		return tid != 0;
	}
	if (is_semaphore || suspect->kind == TRACE_LOCK_CONDVAR)
		child_wait_nobody_is_left(suspect);
	if (!is_semaphore)
		return true;
	suspect->state = lock_word_of(&(struct lock_ref){suspect->lock, TRACE_LOCK_SEMAPHORE, false});
	name_semaphore_holder(suspect);
	return suspect->state.locked;
}

struct incident_handle handler_check_wait(struct thread_record *self, const void *object,
                                          enum trace_lock_kind kind, unsigned call,
                                          const struct call_registers *regs)
{
	struct incident suspect = {
	    .observed = TRACE_WAITS_IN_ATFORK_HANDLER,
	    .lock = object,
	    .kind = kind,
	    .state = {.kind = kind},
	    .victim = self,
	    .call = call,
	    .regs = *regs,
	    .fork = self->note,
	    .holder_entry = UINT32_MAX,
	};
	struct incident_handle handle = {0};
	if (!process_is_plain() || trace_writer_is_sealed() || is_in_signal_handler(self, regs) ||
	    !will_wait(&suspect))
		return handle;
	trace_writer_open_image();
	handle = incident_write(&suspect);
	deadlock_action(&suspect);
	return handle;
}
