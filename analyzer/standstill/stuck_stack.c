#include "stuck_stack.h"

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

bool stuck_stack_is_libc_file(const char *name)
{
	return starts_with(name, "libc.so.") || starts_with(name, "libc-2.") ||
	       starts_with(name, "ld-linux") || starts_with(name, "libpthread");
}

bool stuck_stack_is_libc(const struct stack_frame *frame)
{
	return frame->has_module && stuck_stack_is_libc_file(base_name(frame->module_path));
}

bool stuck_stack_is_own_file(const char *name)
{
	return starts_with(name, OWN_LIBRARY);
}

static bool is_own(const struct stack_frame *frame)
{
	return frame->has_module && stuck_stack_is_own_file(base_name(frame->module_path));
}

static size_t count_libc_frames(const struct stuck_stack *stack)
{
	size_t count = 0;

	while (count < stack->count && stuck_stack_is_libc(&stack->frames[count]))
		count++;
	return count;
}

const char *stuck_stack_plain_name(const char *function)
{
	while (*function == '_')
		function++;
	return function;
}

/* Exported, so that even a stripped libc names it. */
const char *stuck_stack_entry(const struct stuck_stack *stack)
{
	size_t count = count_libc_frames(stack);

	return stuck_stack_plain_name(count ? stack->frames[count - 1].function : "");
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
	for (size_t i = 0;
	     i < stack->count && (stuck_stack_is_libc(&stack->frames[i]) || is_own(&stack->frames[i]) ||
	                          strstr(stack->frames[i].module_path, "libstdc++") ||
	                          strstr(stack->frames[i].module_path, "libc++"));
	     i++)
		if (strcmp(stack->frames[i].function, "__cxa_guard_acquire") == 0)
			return i;
	return SIZE_MAX;
}

uint32_t stuck_stack_kind(const struct stuck_stack *stack)
{
	return find_guard(stack) != SIZE_MAX ? TRACE_LOCK_STATIC_INIT
	                                     : kind_by_function(stuck_stack_entry(stack));
}

bool stuck_stack_goes_through_library(const struct stuck_stack *stack)
{
	size_t count = count_libc_frames(stack);

	return count < stack->count && is_own(&stack->frames[count]);
}

/* A signal handler that called what it had interrupted waits for its own thread. */
bool stuck_stack_has_signal_frame(const struct stuck_stack *stack)
{
	for (size_t i = 1; i < stack->count; i++)
		if (stack->frames[i].is_exact)
			return true;
	return false;
}

/* Functions of libc that call the program, and hold no lock while they do. */
static bool calls_without_lock(const char *name)
{
	static const char *const names[] = {"libc_start", "start_thread", "clone",
	                                    "exit",       "qsort",        "bsearch"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (starts_with(name, names[i]))
			return true;
	return false;
}

/* libc had called the program, which came back into libc: the lock may be one that its own thread holds. */
bool stuck_stack_reenters_libc(const struct stuck_stack *stack)
{
	for (size_t i = count_libc_frames(stack) + 1; i < stack->count; i++) {
		bool is_last = i + 1 == stack->count;

		if (!stuck_stack_is_libc(&stack->frames[i]) ||
		    (!is_last && stuck_stack_is_libc(&stack->frames[i + 1])))
			continue;
		/* The outermost one is the thread's start, whatever it is called. */
		if (!is_last && !calls_without_lock(stuck_stack_plain_name(stack->frames[i].function)))
			return true;
	}
	return false;
}

/* An initialisation that needs itself waits for its own thread: its function is on the stack twice. */
bool stuck_stack_initialises_itself(const struct stuck_stack *stack)
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

/* The function by which the program came into the module of the innermost `count` frames: as the call names
 * it, since the function itself may have ended in a jump to another one. */
static const char *entered_by(const struct stuck_stack *stack, size_t count)
{
	const char *called = count < stack->count ? stack->frames[count].called : "";

	return *called ? called : stack->frames[count - 1].function;
}

/* The innermost functions of the program itself: one that sleeps, perhaps, and one that parks. */
enum stuck_parking stuck_stack_parking(const struct stuck_stack *stack)
{
	enum { PARKING_FRAMES = 2 };
	static const struct {
		const char *part; /* of the name, as the linker knows it */
		enum stuck_parking parking;
	} table[] = {
	    {"_PyParkingLot_Park", STUCK_PARKING_PYTHON},
	    {"11parking_lot", STUCK_PARKING_KEY}, /* Rust's, in both manglings */
	};
	size_t first = count_libc_frames(stack);

	while (first < stack->count && is_own(&stack->frames[first]))
		first++;
	for (size_t at = first; at < stack->count && at < first + PARKING_FRAMES; at++)
		for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
			if (strstr(stack->frames[at].function, table[i].part))
				return table[i].parking;
	return STUCK_PARKING_NONE;
}

/* A function that waits for other threads and for nothing else: never for a lock that its own thread may
 * have taken before. */
bool stuck_stack_is_meeting(const struct stuck_stack *stack)
{
	static const struct {
		const char *module, *function;
	} table[] = {
	    {"libgomp.so", "GOMP_parallel"},          {"libgomp.so", "GOMP_barrier"},
	    {"libgomp.so", "GOMP_loop_end"},          {"libgomp.so", "GOMP_sections_end"},
	    {"libgomp.so", "GOMP_single_copy_start"}, {"libgomp.so", "GOMP_taskwait"},
	    {"libgomp.so", "GOMP_taskgroup_end"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		size_t count = 0;

		while (count < stack->count && stack->frames[count].has_module &&
		       starts_with(base_name(stack->frames[count].module_path), table[i].module))
			count++;
		if (count && starts_with(entered_by(stack, count), table[i].function))
			return true;
	}
	return false;
}
