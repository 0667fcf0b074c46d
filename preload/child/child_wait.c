#include "child_wait.h"

#include <sys/stat.h>

#include "handover.h"
#include "raw_syscall.h"
#include "retry_loop.h"
#include "signal_classes.h"
#include "trace_writer.h"
#include "wake_site.h"

enum {
	LINKS_OF_FOLDER = 2,
	COND_WAITERS_SHIFT = 3, /* glibc nptl/pthread_cond_common.c, __wrefs */
};

/* As the kernel has it. */
struct kernel_sigaction {
	uintptr_t handler;
	unsigned long flags;
	uintptr_t restorer;
	uint64_t mask;
};

static uint64_t caught_signals(void)
{
	uint64_t caught = 0;
	for (int number = 1; number <= SIGNAL_LAST; number++) {
		struct kernel_sigaction action = {0};
		raw_syscall4(SYS_rt_sigaction, number, 0, (long)&action, sizeof action.mask);
		if (action.handler != (uintptr_t)SIG_DFL && action.handler != (uintptr_t)SIG_IGN)
			caught |= SIGNAL_BIT(number);
	}
	return caught & ~(SIGNALS_OF_FAULTS | SIGNALS_OF_LIBC | SIGNALS_OF_COLLECTORS);
}

bool child_wait_handler_could_leave(void)
{
	uint64_t could = caught_signals() & ~(SIGNALS_OF_WRITING | SIGNALS_OF_USERS);
	uint64_t blocked = 0;
	if (!could || atomic_load(&process.live_threads) != 1)
		return could;
	raw_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&blocked, sizeof blocked);
	return could & ~(blocked | SIGNALS_OF_CPU_TIME);
}

/* While the only thread waits: no CPU time goes by. */
static uint64_t caught_while_alone(void)
{
	return caught_signals() & ~SIGNALS_OF_CPU_TIME;
}

/* By the kernel's count. Where /proc cannot be read: false. */
static bool is_only_thread(void)
{
	struct stat status;
	if (atomic_load(&process.live_threads) != 1 || atomic_load(&process.shares_memory) ||
	    trace_writer_is_sealed())
		return false;
	return raw_syscall2(SYS_stat, (long)"/proc/self/task", (long)&status) == 0 &&
	       status.st_nlink == LINKS_OF_FOLDER + 1;
}

static void begin(struct incident *suspect, struct thread_record *self, const void *object,
                  enum trace_lock_kind kind, unsigned call, const struct call_registers *regs)
{
	*suspect = (struct incident){
	    .lock = object,
	    .kind = kind,
	    .state = {.kind = kind},
	    .victim = self,
	    .call = call,
	    .regs = *regs,
	    .holder_entry = UINT32_MAX,
	    .fork = fork_snapshot_last_note(),
	};
}

static bool is_alone(struct incident *suspect)
{
	if (!is_only_thread() || !child_check_is_private(suspect) ||
	    !(suspect->proof & TRACE_PROOF_PRIVATE_MAPPING))
		return false;
	suspect->proof |= TRACE_PROOF_ONLY_THREAD;
	return true;
}

bool child_wait_nobody_is_left(struct incident *suspect)
{
	return !trace_writer_is_sealed() && !caught_signals() && is_alone(suspect);
}

static void tell(struct child_use *use, struct incident *suspect)
{
	suspect->observed = TRACE_WAITS_FOR_VANISHED;
	use->suspect = *suspect;
	use->handle = incident_write(&use->suspect);
	use->suspect.past = NULL; /* the caller's */
}

/* Of an object that no vanished thread was seen to signal: the child made it for the answer. */
static void tell_handover(struct child_use *use, struct incident *suspect, const struct handover *work)
{
	suspect->observed = TRACE_WAITS_FOR_HANDED_WORK;
	suspect->holder = work->waiter;
	suspect->holder_entry = work->waiter_entry;
	suspect->holder_tid =
	    work->past ? work->waiter->owner_tid
	               : thread_record_owner_of(work->waiter, &work->waiter->held[work->waiter_entry]);
	suspect->past = work->past;
	suspect->fork = fork_snapshot_note_of(work->waiter);
	use->suspect = *suspect;
	use->handle = incident_write(&use->suspect);
}

static bool has_vanished(const struct waker *waker)
{
	return waker->thread && waker->thread->generation == waker->generation &&
	       fork_snapshot_is_vanished(waker->thread);
}

/* The thread that used to do what is waited for. */
static void blame_waker(struct incident *suspect, const struct wake_facts *facts)
{
	for (int i = 0; i < WAKE_SITE_WAKERS; i++) {
		const struct waker *waker = &facts->wakers[i];
		if (!has_vanished(waker))
			continue;
		suspect->holder = waker->thread;
		suspect->holder_tid = waker->tid;
		suspect->past = &waker->past;
		suspect->proof |= TRACE_PROOF_RECORD;
		suspect->fork = fork_snapshot_note_of(waker->thread);
		return;
	}
}

static bool was_there_before(const struct wake_facts *facts)
{
	return facts->generation < process.generation;
}

/* A condition, or a semaphore that others post, from before the fork. */
static void examine_signal(struct child_use *use, struct incident *suspect, const struct wake_facts *facts,
                           bool may_wait_for_itself)
{
	if (caught_while_alone())
		return;
	blame_waker(suspect, facts);
	if (suspect->holder || (!may_wait_for_itself && !handover_find()))
		tell(use, suspect);
}

/* A semaphore from before the work was handed over may be one that the thread has taken itself, or that a
 * handler posts which ends the program: then nothing is proven. */
static void examine_answer(struct child_use *use, struct incident *suspect, const struct wake_facts *facts,
                           bool may_wait_for_itself)
{
	const struct handover *work = handover_find();
	uint64_t caught = caught_while_alone();
	bool may_be_another = may_wait_for_itself || (suspect->kind == TRACE_LOCK_SEMAPHORE && caught);
	if (use->suspect.observed || !work ||
	    (caught & ~SIGNALS_IN_VAIN(suspect->kind == TRACE_LOCK_SEMAPHORE)) ||
	    (may_be_another && !(facts && facts->after_handover)))
		return;
	tell_handover(use, suspect, work);
}

static void examine(struct child_use *use, struct incident *suspect, bool may_wait_for_itself)
{
	struct wake_facts facts;
	bool is_known = wake_site_find(suspect->lock, &facts);
	bool is_signal =
	    is_known && was_there_before(&facts) && (suspect->kind == TRACE_LOCK_CONDVAR || facts.by_others);
	if (use->suspect.observed || process.other_threads_at_fork == 0 || (!is_signal && !handover_find()) ||
	    !is_alone(suspect))
		return;
	if (is_signal)
		examine_signal(use, suspect, &facts, may_wait_for_itself);
	examine_answer(use, suspect, is_known ? &facts : NULL, may_wait_for_itself);
	if (use->handle.record && !use->handle.is_repeat)
		handover_write(use->handle.record->record.time_ns);
}

void child_wait_condition(struct child_use *use, struct thread_record *self, const void *condition,
                          unsigned call, const struct call_registers *regs)
{
	struct incident suspect;
	begin(&suspect, self, condition, TRACE_LOCK_CONDVAR, call, regs);
	examine(use, &suspect, false);
}

/* Then it waits for itself, unless others used to post. The entry of this very attempt is its last. */
static bool holds_already(const struct thread_record *self, const void *semaphore)
{
	for (uint32_t i = atomic_load(&self->held_count); i-- > 1;) {
		if (self->held[i - 1].lock == (uint64_t)(uintptr_t)semaphore)
			return true;
	}
	return false;
}

void child_wait_semaphore(struct child_use *use, struct thread_record *self, const void *semaphore,
                          unsigned call, const struct call_registers *regs)
{
	struct incident suspect;
	begin(&suspect, self, semaphore, TRACE_LOCK_SEMAPHORE, call, regs);
	suspect.state = lock_word_of(&(struct lock_ref){semaphore, TRACE_LOCK_SEMAPHORE, false});
	if (suspect.state.locked)
		examine(use, &suspect, holds_already(self, semaphore));
}

/* The entry of a vanished thread that was waiting on the condition. */
static void blame_waiter(struct incident *suspect)
{
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		uint32_t entry = thread_record_find(thread, suspect->lock);
		if (entry == UINT32_MAX || !fork_snapshot_is_vanished(thread))
			continue;
		suspect->holder = thread;
		suspect->holder_entry = entry;
		suspect->holder_tid = thread_record_owner_of(thread, &thread->held[entry]);
		suspect->proof |= TRACE_PROOF_RECORD;
		suspect->fork = fork_snapshot_note_of(thread);
		return;
	}
}

void child_wait_destroy(struct child_use *use, struct thread_record *self, const pthread_cond_t *condition,
                        unsigned call, const struct call_registers *regs)
{
	struct incident suspect;
	uint32_t waiters =
	    __atomic_load_n(&condition->__data.__wrefs, __ATOMIC_ACQUIRE) >> COND_WAITERS_SHIFT;
	begin(&suspect, self, condition, TRACE_LOCK_CONDVAR, call, regs);
	suspect.state.word = waiters;
	if (waiters == 0 || process.other_threads_at_fork == 0 || !is_alone(&suspect))
		return;
	suspect.proof |= TRACE_PROOF_OWNER_WORD;
	blame_waiter(&suspect);
	tell(use, &suspect);
}

/* glibc's struct pthread_barrier, nptl/pthreadP.h, since 2.24. */
struct barrier {
	uint32_t in;
	uint32_t current_round;
	uint32_t count;
	int32_t shared;
	uint32_t out;
};

/* Threads that arrived before the fork count as arrived. */
void child_wait_barrier(struct child_use *use, struct thread_record *self, const pthread_barrier_t *barrier,
                        unsigned call, const struct call_registers *regs)
{
	struct incident suspect;
	struct wake_facts facts;
	const struct barrier *inside = (const struct barrier *)barrier;
	uint32_t in = __atomic_load_n(&inside->in, __ATOMIC_RELAXED);
	uint32_t arrived = in + 1 - __atomic_load_n(&inside->current_round, __ATOMIC_RELAXED);
	begin(&suspect, self, barrier, TRACE_LOCK_BARRIER, call, regs);
	suspect.state.word = arrived;
	if (arrived >= inside->count || process.other_threads_at_fork == 0 ||
	    !wake_site_find(barrier, &facts) || !was_there_before(&facts) ||
	    !child_wait_nobody_is_left(&suspect))
		return;
	suspect.proof |= TRACE_PROOF_OWNER_WORD;
	tell(use, &suspect);
}

void child_wait_barrier_destroy(struct child_use *use, struct thread_record *self,
                                const pthread_barrier_t *barrier, unsigned call,
                                const struct call_registers *regs)
{
	struct incident suspect;
	struct wake_facts facts;
	const struct barrier *inside = (const struct barrier *)barrier;
	uint32_t in = __atomic_load_n(&inside->in, __ATOMIC_ACQUIRE);
	begin(&suspect, self, barrier, TRACE_LOCK_BARRIER, call, regs);
	suspect.state.word = in - __atomic_load_n(&inside->out, __ATOMIC_RELAXED);
	if (suspect.state.word == 0 || process.other_threads_at_fork == 0 ||
	    !wake_site_find(barrier, &facts) || !was_there_before(&facts) ||
	    !child_wait_nobody_is_left(&suspect))
		return;
	suspect.proof |= TRACE_PROOF_OWNER_WORD;
	tell(use, &suspect);
}

/* The id in the thread's descriptor, by the one public way to it that asks nothing of the thread; 0 where it
 * has ended. A clock's id holds the complement of the thread's above three bits (linux/posix-timers.h). */
int32_t child_wait_tid_of(pthread_t thread)
{
	clockid_t clock;
	return pthread_getcpuclockid(thread, &clock) == 0 ? ~(clock >> 3) : 0;
}

/* A thread that the child made may have got the descriptor of a vanished one, and with it the same pthread_t.
 */
static struct thread_record *find_vanished(pthread_t thread)
{
	int32_t tid = child_wait_tid_of(thread);
	for (struct thread_record *record = thread_record_first(); record && tid; record = record->next) {
		if (record->handle == (uint64_t)thread && record->owner_tid == tid && !record->is_detached &&
		    fork_snapshot_is_vanished(record))
			return record;
	}
	return NULL;
}

void child_wait_join(struct child_use *use, struct thread_record *self, pthread_t thread, unsigned call,
                     const struct call_registers *regs)
{
	struct incident suspect;
	struct thread_record *vanished = find_vanished(thread);
	begin(&suspect, self, (const void *)(uintptr_t)thread, TRACE_LOCK_THREAD, call, regs);
	if (!vanished || !child_check_is_private(&suspect) || !(suspect.proof & TRACE_PROOF_PRIVATE_MAPPING))
		return;
	suspect.holder = vanished;
	suspect.holder_tid = vanished->owner_tid;
	suspect.proof |= TRACE_PROOF_RECORD;
	suspect.fork = fork_snapshot_note_of(vanished);
	if (use->attempt == CHILD_LOCK) {
		tell(use, &suspect);
		return;
	}
	suspect.observed =
	    use->attempt == CHILD_TRY ? TRACE_TRY_FAILED_ON_VANISHED : TRACE_TIMED_WAIT_ON_VANISHED;
	use->suspect = suspect;
	use->tried = retry_loop_enter(&suspect);
	if (use->attempt != CHILD_TIMED)
		return;
	use->handle = use->tried;
	incident_goes_on(use->handle);
	if (!use->handle.record)
		use->handle = incident_write(&use->suspect);
}
