/* The library's start, in the order that its parts need one another. */
#include <unistd.h>

#include "atfork_registry.h"
#include "config.h"
#include "fork_snapshot.h"
#include "hook.h"
#include "hook_thread.h"
#include "message.h"
#include "raw_syscall.h"
#include "trace_writer.h"

enum { MAIN_STACK_MAX_BYTES = 64 << 20 };
extern void
    *__libc_stack_end; /* ld.so, GLIBC_2.2.5: where the initial thread's stack was at the program's entry */

/* libc sets environ after the program's .preinit_array, and after other libraries' constructors may have
 * called in; the kernel laid argc, argv and the environment out at the initial stack's end. */
static char *const *environment(void)
{
	if (environ)
		return environ;
	const long *argument_count = __libc_stack_end;
	return (char *const *)(argument_count + 1 + *argument_count + 1);
}

static void adopt_initial_thread(void)
{
	struct thread_record *self = hook_thread_adopt();
	if (!self || self->tid != process.pid)
		return;
	self->bounds.high = (uint64_t)(uintptr_t)__libc_stack_end + 64;
	self->bounds.low = self->bounds.high - MAIN_STACK_MAX_BYTES;
}

static void start(void)
{
	real_resolve();
	message_init();
	if (!fork_snapshot_init()) {
		atomic_store(process_mode_word, PROCESS_OFF);
		return;
	}
	config_init(environment());
	hook_thread_init();
	adopt_initial_thread();
	atomic_store(&process.live_threads, 1);
	trace_writer_add(&trace_writer_run()->threads, 1);
	trace_writer_add(&trace_writer_run()->processes, 1);
	trace_writer_init();
	atfork_registry_add_ours();
	process.initialised = true;
	atomic_store(process_mode_word, PROCESS_PLAIN);
	if (thread_record_self)
		thread_record_open_gate(thread_record_self, true);
}

/* A constructor of another library, or a signal handler, may call in before this library's constructor ran,
 * and start() itself calls functions that are intercepted: those pass through. */
static bool start_once(void)
{
	static _Atomic bool begun;
	if (!atomic_exchange(&begun, true))
		start();
	return process.initialised;
}

__attribute__((constructor(101))) static void construct(void)
{
	start_once();
}

struct thread_record *hook_thread_slow(void)
{
	if (atomic_load(process_mode_word) == PROCESS_OFF || (!process.initialised && !start_once()))
		return NULL;
	if (atomic_load(process_mode_word) == PROCESS_FRESH)
		fork_snapshot_postfork_child();
	if (!thread_record_self && hook_thread_adopt()) {
		atomic_fetch_add(&process.live_threads, 1);
		trace_writer_add(&trace_writer_run()->threads, 1);
	}
	return thread_record_self;
}
