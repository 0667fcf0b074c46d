#include "stuck_judge.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "proc_lock.h"
#include "proc_stat.h"
#include "signal_classes.h"

static bool is_libc_data(const struct stuck_process *process, uint64_t address)
{
	const struct proc_map *map = stuck_object_module_data(&process->maps, address);

	return map && stuck_stack_is_libc_file(proc_map_base_name(map));
}

/* The kind of object (enum trace_lock_kind) that the innermost frames wait for. */
static uint32_t kind_of(const struct stuck_process *process, const struct stuck_thread *thread,
                        const struct stuck_stack *stack)
{
	const char *entry = stuck_stack_entry(stack);
	uint32_t kind = stuck_stack_kind(stack);

	if (kind)
		return kind;
	/* A stripped libc does not name what it leaves its public function by. */
	if (thread->known_kind)
		return thread->known_kind;
	if (is_libc_data(process, thread->wait.address) || *entry)
		return TRACE_LOCK_LIBC;
	return process->is_in_loop && !process->sleeps_on_word ? TRACE_LOCK_SPINLOCK : TRACE_LOCK_FUTEX;
}

static bool was_there_at_fork(const struct stuck_process *process, const struct stuck_thread *thread,
                              const struct stuck_object *object)
{
	return stuck_object_was_there_at_fork(object, &process->maps,
	                                      thread->source.registers[STACK_REGISTER_SP]);
}

static bool every_word_is_private(const struct stuck_process *process)
{
	for (size_t i = 0; i < process->thread_count; i++) {
		const struct proc_map *map = proc_maps_find(&process->maps, process->threads[i].wait.address);

		if (!map || !map->is_private)
			return false;
	}
	return true;
}

static bool is_live(const struct stuck_process *process, pid_t tid)
{
	for (size_t i = 0; i < process->thread_count; i++)
		if (process->threads[i].tid == tid)
			return true;
	return process->has_more_threads;
}

struct owner {
	pid_t tid;
	uint64_t lock_address;
	bool lets_itself_in; /* or refuses to: without a fork its owner's second attempt does not hang */
};

static bool mutex_owner(const struct stuck_thread *thread, struct owner *ret_owner)
{
	enum { TYPE_MASK = 3, RECURSIVE = 1, ERRORCHECK = 2 };
	struct proc_mutex mutex;

	memcpy(&mutex, thread->object.bytes + STUCK_OBJECT_MIDDLE, sizeof(mutex));
	if (!proc_mutex_is_waited_for(&mutex))
		return false;
	int type = mutex.kind & TYPE_MASK;
	*ret_owner =
	    (struct owner){mutex.owner, thread->wait.address, type == RECURSIVE || type == ERRORCHECK};
	return true;
}

/* Two words of an rwlock are slept on; which one this is shows where a thread is named as the writer. */
static bool rwlock_owner(const struct stuck_process *process, const struct stuck_thread *thread,
                         struct owner *ret_owner)
{
	static const size_t words[] = {offsetof(struct proc_rwlock, wrphase_futex),
	                               offsetof(struct proc_rwlock, writers_futex)};
	struct proc_rwlock lock;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		memcpy(&lock, thread->object.bytes + STUCK_OBJECT_MIDDLE - words[i], sizeof(lock));
		if (lock.writer > 0 && (lock.writer == process->forking_tid ||
		                        stuck_vanished_find(&process->vanished, lock.writer))) {
			*ret_owner = (struct owner){lock.writer, thread->wait.address - words[i], true};
			return true;
		}
	}
	return false;
}

static bool find_owner(const struct stuck_process *process, const struct stuck_thread *thread, uint32_t kind,
                       struct owner *ret_owner)
{
	if (!thread->object.is_known)
		return false;
	return kind == TRACE_LOCK_MUTEX    ? mutex_owner(thread, ret_owner)
	       : kind == TRACE_LOCK_RWLOCK ? rwlock_owner(process, thread, ret_owner)
	                                   : false;
}

/* The owner that a lock names says it all, whoever else lives in the process. The forking thread itself,
 * under its id in the parent, would have waited for itself there, too, unless the lock lets its owner in. */
static bool judge_owner(const struct stuck_process *process, size_t index, const struct stuck_stack *stack,
                        struct stuck_judgement *judgement)
{
	const struct stuck_thread *thread = &process->threads[index];
	uint32_t kind = kind_of(process, thread, stack);
	struct owner owner;

	if (!find_owner(process, thread, kind, &owner) || is_live(process, owner.tid))
		return false;
	bool is_own = owner.tid == process->forking_tid;
	if (is_own ? !owner.lets_itself_in : !stuck_vanished_find(&process->vanished, owner.tid))
		return false;
	judgement->verdict = STUCK_BY_FORK;
	judgement->thread = index;
	judgement->kind = kind;
	judgement->lock_address = owner.lock_address;
	judgement->owner_tid = owner.tid;
	judgement->proof |= TRACE_PROOF_OWNER_WORD;
	judgement->observed = is_own ? TRACE_BLOCKS_ON_PARENT_OWNER : TRACE_BLOCKS_ON_VANISHED;
	return true;
}

/* Who signals a condition variable may first have to wait until those woken before have left it (glibc up to
 * 2.40: nptl/pthread_cond_common.c): for ever, where one that vanished was among them. */
static bool judge_waker(const struct stuck_process *process, size_t index, const struct stuck_stack *stack,
                        struct stuck_judgement *judgement)
{
	enum { GROUP_SIZE_BYTES = sizeof(unsigned) };
	const struct stuck_thread *thread = &process->threads[index];
	const char *entry = stuck_stack_entry(stack);
	uint64_t condition = thread->wait.address - offsetof(pthread_cond_t, __data.__g_refs);

	if ((strcmp(entry, "pthread_cond_signal") && strcmp(entry, "pthread_cond_broadcast")) ||
	    process->caught_signals || stuck_stack_has_signal_frame(stack))
		return false;
	const struct stuck_vanished *sleeper = stuck_vanished_sleeper_on(&process->vanished, condition);
	if (!sleeper)
		sleeper = stuck_vanished_sleeper_on(&process->vanished, condition -= GROUP_SIZE_BYTES);
	if (!sleeper)
		return false;
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_STUCK_ON_VANISHED;
	judgement->thread = index;
	judgement->kind = TRACE_LOCK_CONDVAR;
	judgement->lock_address = condition;
	judgement->owner_tid = sleeper->known.owner_tid;
	return true;
}

/* A condition variable that no call initialised, as C++ makes them, and that nobody has used: the library
 * knows of a static one that it was there at the fork, of others it cannot. */
static bool may_be_unknown_to_library(const struct stuck_process *process, const struct stuck_thread *thread,
                                      uint32_t kind)
{
	return kind == TRACE_LOCK_CONDVAR && !stuck_object_module_data(&process->maps, thread->wait.address);
}

/* A call that went through the library's wrapper was judged there, with more knowledge than can be had from
 * outside. Had it known the fork to be the cause, it would have said so, and nobody would look here. */
static bool library_judged(const struct stuck_process *process, const struct stuck_thread *thread,
                           const struct stuck_stack *stack, uint32_t kind)
{
	return kind != TRACE_LOCK_LIBC && kind != TRACE_LOCK_FUTEX && kind != TRACE_LOCK_STATIC_INIT &&
	       !may_be_unknown_to_library(process, thread, kind) && stuck_stack_goes_through_library(stack);
}

/* A join waits for the word in which libc keeps the thread's id. */
static void name_joined(const struct stuck_process *process, const struct stuck_thread *thread,
                        struct stuck_judgement *judgement)
{
	int32_t tid;

	memcpy(&tid, thread->object.bytes + STUCK_OBJECT_MIDDLE, sizeof(tid));
	if (!thread->object.is_known || tid <= 0 || !stuck_vanished_find(&process->vanished, tid))
		return;
	judgement->owner_tid = tid;
	judgement->proof |= TRACE_PROOF_OWNER_WORD;
}

/* A wait for an answer, not for a lock. Of a semaphore that a thread has taken itself only the library could
 * tell, and where a thread is alone it has. */
static bool may_wait_for_answer(uint32_t kind)
{
	return kind == TRACE_LOCK_CONDVAR || kind == TRACE_LOCK_FUTEX;
}

/* Who asks the program to end may wake a futex that was there before the work was; the handlers of no such
 * signal may signal a condition variable. */
static bool may_wait_for_the_end(const struct stuck_process *process, const struct stuck_thread *thread,
                                 uint32_t kind)
{
	return process->caught_signals && kind == TRACE_LOCK_FUTEX &&
	       was_there_at_fork(process, thread, &thread->object);
}

/* Then it may be next to take that work, be it its own. But the library sees all who come to a condition
 * variable: who sleeps there still was there before the signal, which has not woken it. */
static bool may_take_work(const struct stuck_process *process, const struct stuck_thread *thread)
{
	const struct library_handover *work = &process->library.handover;

	if (thread->wait.address - work->object >= STUCK_OBJECT_MIDDLE)
		return false;
	return thread->tid == work->tid ? process->thread_count > 1 : work->kind != TRACE_LOCK_CONDVAR;
}

/* The thread that handed work to threads that vanished waits for an answer, and no thread of the process
 * waits for a lock, for which there may be a cause of its own, or for that work. */
static void judge_handover(const struct stuck_process *process, const struct stuck_stack *stacks,
                           struct stuck_judgement *judgement)
{
	const struct library_handover *work = &process->library.handover;
	size_t by = SIZE_MAX;

	if (!process->has_library || !work->object || (process->caught_signals & ~SIGNALS_OF_USERS))
		return;
	/* Nobody slept on it at the fork: a thread of the child may serve it, and be busy in its turn. */
	if (!work->waiting_count && process->thread_count > 1)
		return;
	for (size_t i = 0; i < process->thread_count; i++) {
		const struct stuck_thread *thread = &process->threads[i];

		if (!may_wait_for_answer(kind_of(process, thread, &stacks[i])) ||
		    stuck_stack_has_signal_frame(&stacks[i]))
			return;
		if (may_take_work(process, thread))
			return;
		if (thread->tid == work->tid)
			by = i;
	}
	if (by == SIZE_MAX)
		return;
	uint32_t kind = kind_of(process, &process->threads[by], &stacks[by]);
	if (may_wait_for_the_end(process, &process->threads[by], kind))
		return;
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_WAITS_FOR_HANDED_WORK;
	judgement->object = NULL;
	judgement->thread = by;
	judgement->kind = kind;
	judgement->lock_address = process->threads[by].known_lock ? process->threads[by].known_lock
	                                                          : process->threads[by].wait.address;
}

/* What from before the fork the thread has queued itself on; NULL: nothing is known to be. */
static const struct stuck_object *queued_on(const struct stuck_process *process,
                                            const struct stuck_thread *thread, enum stuck_parking parking)
{
	const struct stuck_queue *queue = &thread->queue;
	const struct stuck_object *key = &queue->key, *link = &queue->link;

	if (parking == STUCK_PARKING_NONE)
		return link->address ? link : NULL;
	/* What the record hangs on is a table from before the fork, for locks that may not have been there.
	 */
	if (!key->address || !was_there_at_fork(process, thread, key))
		return NULL;
	bool may_be_anew =
	    parking == STUCK_PARKING_PYTHON && !stuck_object_module_data(&process->maps, key->address);
	return may_be_anew && !queue->key_is_pythons ? NULL : key;
}

/* A lock whose waiters sleep on words of their own. Python catches SIGINT always, and its locks wait on after
 * a handler has run that does not raise: who asks it to end is nobody who lets go a lock. */
static bool judge_queue(const struct stuck_process *process, const struct stuck_stack *stack, uint32_t kind,
                        struct stuck_judgement *judgement)
{
	const struct stuck_thread *thread = &process->threads[0];
	enum stuck_parking parking = stuck_stack_parking(stack);
	uint64_t helpless = parking == STUCK_PARKING_PYTHON ? SIGNALS_OF_USERS : 0;

	if ((kind != TRACE_LOCK_FUTEX && kind != TRACE_LOCK_SEMAPHORE && kind != TRACE_LOCK_CONDVAR) ||
	    (process->caught_signals & ~helpless) || !process->vanished.made_no_threads)
		return false;
	const struct stuck_object *object = queued_on(process, thread, parking);
	if (!object)
		return false;
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_STUCK_ON_VANISHED;
	judgement->kind = TRACE_LOCK_FUTEX;
	judgement->lock_address = object->address;
	judgement->object = object;
	return true;
}

/* Who asks the program to end lets go no module's lock: at best the import fails. */
static bool judge_import(const struct stuck_process *process, uint32_t kind,
                         struct stuck_judgement *judgement)
{
	const struct stuck_thread *thread = &process->threads[0];

	if (!thread->import_owner || kind != TRACE_LOCK_SEMAPHORE ||
	    (process->caught_signals & ~SIGNALS_OF_USERS))
		return false;
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_STUCK_ON_VANISHED;
	judgement->owner_tid = thread->import_owner;
	return true;
}

/* The only thread of its process: if it cannot end its own wait, nobody here can. */
static void judge_alone(const struct stuck_process *process, const struct stuck_stack *stack,
                        struct stuck_judgement *judgement)
{
	const struct stuck_thread *thread = &process->threads[0];
	uint32_t kind = kind_of(process, thread, stack);

	judgement->kind = kind;
	judgement->proof |= TRACE_PROOF_ONLY_THREAD;
	if (stuck_stack_has_signal_frame(stack))
		return;
	if (judge_import(process, kind, judgement))
		return;
	/* Locks of libc are let go by the code that took them, and by no handler of the program. */
	bool is_libc_lock = kind == TRACE_LOCK_LIBC && is_libc_data(process, thread->wait.address);
	if (!is_libc_lock && process->caught_signals) {
		judge_queue(process, stack, kind, judgement);
		return;
	}
	if (stuck_stack_is_meeting(stack) && process->vanished.made_no_threads) {
		judgement->verdict = STUCK_BY_FORK;
		judgement->observed = TRACE_STUCK_ON_VANISHED;
		judgement->proof |= TRACE_PROOF_MEETING;
		return;
	}
	if (judge_queue(process, stack, kind, judgement))
		return;
	if (library_judged(process, thread, stack, kind) || kind == TRACE_LOCK_MUTEX ||
	    kind == TRACE_LOCK_RWLOCK || kind == TRACE_LOCK_SPINLOCK ||
	    (kind == TRACE_LOCK_STATIC_INIT && stuck_stack_initialises_itself(stack)) ||
	    (kind == TRACE_LOCK_LIBC && stuck_stack_reenters_libc(stack)) ||
	    !was_there_at_fork(process, thread, &thread->object)) {
		judgement->verdict = STUCK_ANYHOW;
		return;
	}
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_STUCK_ON_VANISHED;
	if (kind == TRACE_LOCK_THREAD)
		name_joined(process, thread, judgement);
}

/* What a loop waits for is a lock, or a flag, only where others could know of it. */
static void judge_loop(const struct stuck_process *process, const struct stuck_stack *stack,
                       struct stuck_judgement *judgement)
{
	const struct stuck_thread *thread = &process->threads[0];
	uint32_t kind = kind_of(process, thread, stack);

	judgement->kind = kind;
	judgement->proof = TRACE_PROOF_LOOP | TRACE_PROOF_PRIVATE_MAPPING | TRACE_PROOF_ONLY_THREAD;
	if ((kind != TRACE_LOCK_SPINLOCK && kind != TRACE_LOCK_FUTEX) ||
	    library_judged(process, thread, stack, kind) || stuck_stack_has_signal_frame(stack) ||
	    process->caught_signals || !was_there_at_fork(process, thread, &thread->object))
		return;
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_STUCK_ON_VANISHED;
}

static bool is_python(const struct stuck_process *process)
{
	const char *slash = process->exe ? strrchr(process->exe, '/') : NULL;

	return slash && strncmp(slash + 1, "python", strlen("python")) == 0;
}

/* Who waits in poll() may well wait for the signal that ends it. Python always catches SIGINT. */
static void judge_await(const struct stuck_process *process, const struct stuck_stack *stack,
                        struct stuck_judgement *judgement)
{
	const uint64_t harmless = SIGNALS_OF_WRITING | (is_python(process) ? SIGNAL_BIT(SIGINT) : 0);

	judgement->kind = 0;
	judgement->proof = TRACE_PROOF_STANDSTILL | TRACE_PROOF_ONLY_THREAD;
	if ((process->caught_signals & ~harmless) || stuck_stack_has_signal_frame(stack))
		return;
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_WAITS_FOR_HANDED_WORK;
}

static struct stuck_judgement judge(const struct stuck_process *process, const struct stuck_stack *stacks)
{
	struct stuck_judgement judgement = {
	    .verdict = STUCK_UNCLEAR,
	    .observed = TRACE_STUCK_FOR_ANOTHER_REASON,
	    .kind = TRACE_LOCK_FUTEX,
	    .proof = TRACE_PROOF_STANDSTILL | TRACE_PROOF_PRIVATE_MAPPING,
	};

	if (process->memory_is_shared || !process->vanished_threads || !process->signals_known ||
	    process->has_more_threads)
		return judgement;
	if (process->awaits_descriptors) {
		judge_await(process, &stacks[0], &judgement);
		return judgement;
	}
	if (!every_word_is_private(process))
		return judgement;
	judgement.lock_address = process->threads[0].wait.address;
	if (process->is_in_loop) {
		judge_loop(process, &stacks[0], &judgement);
		return judgement;
	}
	for (size_t i = 0; i < process->thread_count; i++)
		if (judge_owner(process, i, &stacks[i], &judgement) ||
		    judge_waker(process, i, &stacks[i], &judgement))
			return judgement;
	if (process->thread_count == 1) {
		judge_alone(process, &stacks[0], &judgement);
	} else if (!process->caught_signals) {
		judgement.verdict = STUCK_ANYHOW;
		judgement.kind = kind_of(process, &process->threads[0], &stacks[0]);
	}
	if (!(judgement.proof & TRACE_PROOF_MEETING))
		judge_handover(process, stacks, &judgement);
	return judgement;
}

/* What would be said without those handlers is a note: the process may wait for one of them to be called. */
static void judge_until_asked(const struct stuck_process *process, const struct stuck_stack *stacks,
                              struct stuck_judgement *judgement)
{
	struct stuck_process unasked = *process;

	if (!process->caught_signals || (process->caught_signals & ~SIGNALS_OF_USERS) ||
	    process->awaits_descriptors || process->is_in_loop)
		return;
	unasked.caught_signals = 0;
	if (judge(&unasked, stacks).verdict == STUCK_UNCLEAR)
		return;
	judgement->verdict = STUCK_UNTIL_ASKED;
	judgement->kind = kind_of(process, &process->threads[0], &stacks[0]);
	judgement->proof |= TRACE_PROOF_UNTIL_ASKED;
}

struct stuck_judgement stuck_judge(const struct stuck_process *process, const struct stuck_stack *stacks)
{
	struct stuck_judgement judgement = judge(process, stacks);

	if (judgement.verdict == STUCK_UNCLEAR)
		judge_until_asked(process, stacks, &judgement);
	return judgement;
}
