#include "stuck_judge.h"

#include <stdbool.h>
#include <string.h>

#define OWN_LIBRARY "libafterfork.so"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_libc_name(const char *name)
{
	return starts_with(name, "libc.so.") || starts_with(name, "libc-2.") ||
	       starts_with(name, "ld-linux") || starts_with(name, "libpthread");
}

static bool is_libc(const struct stack_frame *frame)
{
	return frame->has_module && is_libc_name(base_name(frame->module_path));
}

static bool is_own(const struct stack_frame *frame)
{
	return frame->has_module && starts_with(base_name(frame->module_path), OWN_LIBRARY);
}

static size_t count_libc_frames(const struct stuck_stack *stack)
{
	size_t count = 0;

	while (count < stack->count && is_libc(&stack->frames[count]))
		count++;
	return count;
}

/* The function of libc that the program called: exported, so that even a stripped libc names it. */
static const char *entry_of(const struct stuck_stack *stack)
{
	size_t count = count_libc_frames(stack);
	const char *name = count ? stack->frames[count - 1].function : "";

	while (*name == '_')
		name++;
	return name;
}

/* Functions that wait for an object of the program. All else that waits inside libc waits for a lock of libc.
 */
static uint32_t kind_by_function(const char *name)
{
	static const struct {
		const char *prefix;
		uint32_t kind;
	} table[] = {
	    {"pthread_mutex_", TRACE_LOCK_MUTEX},
	    {"mtx_", TRACE_LOCK_MUTEX},
	    {"pthread_rwlock_", TRACE_LOCK_RWLOCK},
	    {"pthread_spin_", TRACE_LOCK_SPINLOCK},
	    {"pthread_cond_", TRACE_LOCK_CONDVAR},
	    {"cnd_", TRACE_LOCK_CONDVAR},
	    {"pthread_barrier_", TRACE_LOCK_BARRIER},
	    {"pthread_join", TRACE_LOCK_THREAD},
	    {"pthread_clockjoin", TRACE_LOCK_THREAD},
	    {"thrd_join", TRACE_LOCK_THREAD},
	    {"sem_", TRACE_LOCK_SEMAPHORE},
	    {"syscall", TRACE_LOCK_FUTEX},
	    {"pthread_", TRACE_LOCK_FUTEX},
	    {"call_once", TRACE_LOCK_FUTEX},
	    {"aio_", TRACE_LOCK_FUTEX},
	    {"lio_", TRACE_LOCK_FUTEX},
	    {"gai_", TRACE_LOCK_FUTEX},
	    {"getaddrinfo_a", TRACE_LOCK_FUTEX},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (starts_with(name, table[i].prefix))
			return table[i].kind;
	return 0;
}

/* Index of the frame of __cxa_guard_acquire, or SIZE_MAX. */
static size_t find_guard(const struct stuck_stack *stack)
{
	for (size_t i = 0; i < stack->count && (is_libc(&stack->frames[i]) || is_own(&stack->frames[i]) ||
	                                        strstr(stack->frames[i].module_path, "libstdc++") ||
	                                        strstr(stack->frames[i].module_path, "libc++"));
	     i++)
		if (strcmp(stack->frames[i].function, "__cxa_guard_acquire") == 0)
			return i;
	return SIZE_MAX;
}

/* Static variables of a module: in its file's mapping, or in the anonymous one that follows it (.bss). */
const struct proc_map *stuck_judge_module_data(const struct proc_maps *maps, uint64_t address)
{
	const struct proc_map *map = proc_maps_find(maps, address);

	if (!map || map->path[0] == '/')
		return map;
	if (map->path[0] || map == maps->items || map[-1].end != map->start || !map[-1].writable)
		return NULL;
	return map[-1].path[0] == '/' ? &map[-1] : NULL;
}

static bool is_libc_data(const struct stuck_process *process, uint64_t address)
{
	const struct proc_map *map = stuck_judge_module_data(&process->maps, address);

	return map && is_libc_name(proc_map_base_name(map));
}

uint32_t stuck_judge_kind(const struct stuck_process *process, const struct stuck_thread *thread,
                          const struct stuck_stack *stack)
{
	const char *entry = entry_of(stack);
	uint32_t kind = kind_by_function(entry);

	if (find_guard(stack) != SIZE_MAX)
		return TRACE_LOCK_STATIC_INIT;
	if (kind)
		return kind;
	if (is_libc_data(process, thread->wait.address) || *entry)
		return TRACE_LOCK_LIBC;
	return TRACE_LOCK_FUTEX;
}

/* A signal handler that called what it had interrupted waits for its own thread. */
static bool has_signal_frame(const struct stuck_stack *stack)
{
	for (size_t i = 1; i < stack->count; i++)
		if (stack->frames[i].is_exact)
			return true;
	return false;
}

/* An initialisation that needs itself waits for its own thread: its function is on the stack twice. */
static bool initialises_itself(const struct stuck_stack *stack)
{
	size_t guard = find_guard(stack);

	while (guard + 1 < stack->count && is_own(&stack->frames[guard + 1]))
		guard++;
	const char *function = guard + 1 < stack->count ? stack->frames[guard + 1].function : "";
	/* What cannot be named cannot be told apart. */
	if (!*function || (stack->flags & TRACE_STACK_CUT))
		return true;
	for (size_t i = guard + 2; i < stack->count; i++)
		if (strcmp(stack->frames[i].function, function) == 0)
			return true;
	return false;
}

/* What the child made for itself after the fork no vanished thread knows. A static variable was there before;
 * a block of the heap was if its neighbourhood still looks like the parent's. */
static bool was_there_at_fork(const struct stuck_process *process, const struct stuck_thread *thread)
{
	enum { WORD = sizeof(uint64_t), HALF = STUCK_OBJECT_SIZE_BYTES / 2, EQUAL_MIN = 2 };
	const struct proc_map *stack =
	    proc_maps_find(&process->maps, thread->source.registers[STACK_REGISTER_SP]);
	unsigned equal = 0;

	if (stuck_judge_module_data(&process->maps, thread->wait.address))
		return true;
	if (!thread->has_object || !thread->has_parents_object ||
	    (stack && thread->wait.address >= stack->start && thread->wait.address < stack->end))
		return false;
	for (size_t at = 0; at < STUCK_OBJECT_SIZE_BYTES; at += WORD) {
		uint64_t ours, parents;

		memcpy(&ours, thread->object + at, WORD);
		memcpy(&parents, thread->parents_object + at, WORD);
		equal += at != HALF && ours && ours == parents;
	}
	return equal >= EQUAL_MIN;
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

/* The owner word of a mutex says it all, whoever else lives in the process. */
static bool judge_owner(const struct stuck_process *process, size_t index, const struct stuck_stack *stack,
                        struct stuck_judgement *judgement)
{
	const struct stuck_thread *thread = &process->threads[index];

	if (!thread->mutex_owner || thread->owner_is_live || !thread->owner_is_in_parent ||
	    stuck_judge_kind(process, thread, stack) != TRACE_LOCK_MUTEX)
		return false;
	judgement->verdict = STUCK_BY_FORK;
	judgement->thread = index;
	judgement->kind = TRACE_LOCK_MUTEX;
	judgement->owner_tid = thread->mutex_owner;
	judgement->proof |= TRACE_PROOF_OWNER_WORD;
	judgement->observed = thread->mutex_owner == process->library.fork.tid ? TRACE_BLOCKS_ON_PARENT_OWNER
	                                                                       : TRACE_BLOCKS_ON_VANISHED;
	return true;
}

/* A call that went through the library's wrapper was judged there, with more knowledge than can be had from
 * outside. */
static bool library_judged(const struct stuck_stack *stack, uint32_t kind)
{
	size_t count = count_libc_frames(stack);

	return kind != TRACE_LOCK_LIBC && kind != TRACE_LOCK_FUTEX && kind != TRACE_LOCK_STATIC_INIT &&
	       count < stack->count && is_own(&stack->frames[count]);
}

/* The only thread of its process: if it cannot end its own wait, nobody here can. */
static void judge_alone(const struct stuck_process *process, const struct stuck_stack *stack,
                        struct stuck_judgement *judgement)
{
	const struct stuck_thread *thread = &process->threads[0];
	uint32_t kind = stuck_judge_kind(process, thread, stack);

	judgement->kind = kind;
	judgement->proof |= TRACE_PROOF_ONLY_THREAD;
	if (library_judged(stack, kind) || has_signal_frame(stack) || thread->owner_is_live)
		return;
	/* Locks of libc are let go by the code that took them, and by no handler of the program. */
	bool is_libc_lock = kind == TRACE_LOCK_LIBC && is_libc_data(process, thread->wait.address);
	if (!is_libc_lock && process->caught_signals)
		return;
	if (kind == TRACE_LOCK_MUTEX || kind == TRACE_LOCK_RWLOCK || kind == TRACE_LOCK_SPINLOCK ||
	    (kind == TRACE_LOCK_STATIC_INIT && initialises_itself(stack)) ||
	    !was_there_at_fork(process, thread)) {
		judgement->verdict = STUCK_ANYHOW;
		return;
	}
	judgement->verdict = STUCK_BY_FORK;
	judgement->observed = TRACE_STUCK_ON_VANISHED;
}

struct stuck_judgement stuck_judge(const struct stuck_process *process, const struct stuck_stack *stacks)
{
	struct stuck_judgement judgement = {
	    .verdict = STUCK_UNCLEAR,
	    .observed = TRACE_STUCK_FOR_ANOTHER_REASON,
	    .kind = TRACE_LOCK_FUTEX,
	    .proof = TRACE_PROOF_STANDSTILL | TRACE_PROOF_PRIVATE_MAPPING,
	};

	if (!process->has_library || process->memory_is_shared || !process->library.vanished_threads ||
	    !process->signals_known || !every_word_is_private(process))
		return judgement;
	for (size_t i = 0; i < process->thread_count; i++)
		if (judge_owner(process, i, &stacks[i], &judgement))
			return judgement;
	if (process->thread_count == 1) {
		judge_alone(process, &stacks[0], &judgement);
	} else if (!process->caught_signals) {
		judgement.verdict = STUCK_ANYHOW;
		judgement.kind = stuck_judge_kind(process, &process->threads[0], &stacks[0]);
	}
	return judgement;
}
