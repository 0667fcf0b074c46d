/* Every way into a child that symbols and fork handlers can show.
 *
 * A wrapper: before the fork, note who forks and from where; after it, in the parent, forget the note. A
 * child is entered by its first intercepted call (hook_thread_slow), since the mode word was wiped. */
#include <linux/sched.h>
#include <linux/seccomp.h>

#include "atfork_registry.h"
#include "handler_timing.h"
#include "hook.h"
#include "luck_check.h"
#include "placement.h"
#include "raw_syscall.h"
#include "trace_writer.h"

/* A child that was not entered yet is told by the generation: what fork wipes is a page fault to look at. */
CHILD_CODE static void after(struct thread_record *self, uint32_t generation, long result)
{
	if (result != 0) {
		fork_snapshot_postfork_parent(self, result < 0);
		return;
	}
	if (!self || !thread_record_is_wiped_on_fork())
		fork_snapshot_postfork_child();
	fork_snapshot_handlers_over = process.generation == generation;
	if (process.in_handlers)
		process.in_handlers = NULL;
}

static void before(struct thread_record *self, unsigned call, bool runs_handlers,
                   const struct call_registers *regs)
{
	if (runs_handlers)
		handler_timing_prepare_begins();
	else
		atfork_registry_note_skipped(TRACE_NOTICE_FORK_SKIPS_HANDLERS);
	fork_snapshot_prefork(self, call, regs);
	if (!runs_handlers)
		fork_snapshot_count(self); /* else our prepare handler does so, once the program's are over */
}

#define FORK(call, runs_handlers, original)                                                                  \
	do {                                                                                                 \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = hook_thread();                                                  \
		before(self, call, runs_handlers, &regs);                                                    \
		uint32_t generation = process.generation;                                                    \
		int result = original;                                                                       \
		after(self, generation, result);                                                             \
		return result;                                                                               \
	} while (0)

HOOK_EXPORT CHILD_CODE pid_t fork(void)
{
	FORK(CALL_fork, true, real.fork());
}
HOOK_EXPORT pid_t _Fork(void)
{
	FORK(CALL__Fork, false, real._Fork());
}
HOOK_EXPORT int daemon(int nochdir, int noclose)
{
	FORK(CALL_daemon, true, real.daemon(nochdir, noclose));
}
HOOK_EXPORT int forkpty(int *master, char *name, const struct termios *term, const struct winsize *size)
{
	FORK(CALL_forkpty, true, real.forkpty(master, name, term, size));
}

/* The raw forms. hook_jump.S asks whether a call copies memory, or what became of it matters; if so it comes
 * here, else it jumps to the original. */

static bool copies_memory(uint64_t flags)
{
	return !(flags & CLONE_VM);
}

/* Another process, by no count a thread of this one, that goes on beside it. */
static void note_memory_shared(uint64_t flags)
{
	if ((flags & (CLONE_VM | CLONE_VFORK | CLONE_THREAD)) == CLONE_VM)
		atomic_store(&process.shares_memory, true);
}

/* A system call whose child returns on a stack of its own cannot come back through a wrapper's frame. */
static bool clone3_returns_here(const struct clone_args *arguments)
{
	return arguments && copies_memory(arguments->flags) && arguments->stack == 0;
}

bool hook_clone_is_fork(uint64_t function, uint64_t stack, uint64_t flags)
{
	(void)function;
	(void)stack;
	fork_snapshot_postfork_child(); /* before a thread is made that would call in first */
	note_memory_shared(flags);
	return copies_memory(flags);
}

bool hook_syscall_is_watched(uint64_t number, uint64_t first, uint64_t second, uint64_t third)
{
	switch (number) {
	case SYS_fork:
		return true;
	case SYS_clone:
		fork_snapshot_postfork_child(); /* as in clone() */
		note_memory_shared(first);
		return copies_memory(first) && second == 0;
	case SYS_clone3:
		fork_snapshot_postfork_child();
		if (second >= CLONE_ARGS_SIZE_VER0 && first)
			note_memory_shared(((const struct clone_args *)(uintptr_t)first)->flags);
		return second >= CLONE_ARGS_SIZE_VER0 &&
		       clone3_returns_here((const struct clone_args *)(uintptr_t)first);
	case SYS_execve:
	case SYS_execveat:
		luck_check_exec_begins();
		return false;
	case SYS_seccomp:
		return first == SECCOMP_SET_MODE_STRICT || (first == SECCOMP_SET_MODE_FILTER && third);
	case SYS_landlock_restrict_self:
		hook_before_confinement();
		return false;
	default:
		return false;
	}
}

void hook_vfork(void)
{
	atfork_registry_note_skipped(TRACE_NOTICE_VFORK_SKIPS_HANDLERS);
}

typedef int clone_function(int (*function)(void *), void *stack, int flags, void *argument, void *parent_tid,
                           void *tls, void *child_tid);

/* The child of clone() begins in `function` on a stack of its own and never returns here. */
int hook_clone(int (*function)(void *), void *stack, int flags, void *argument, void *parent_tid, void *tls,
               void *child_tid)
{
	FORK(CALL_clone, false,
	     ((clone_function *)real.clone)(function, stack, flags, argument, parent_tid, tls, child_tid));
}

typedef long syscall_function(long number, long a, long b, long c, long d, long e, long f);

/* Of a filter for all threads, a result above 0 is a thread that could not take it: then none has. */
static long confine(long operation, long flags, long filter)
{
	bool was_sealed = hook_seal();
	long result = ((syscall_function *)real.syscall)(SYS_seccomp, operation, flags, filter, 0, 0, 0);
	if (result < 0 || (result > 0 && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)))
		hook_unseal(was_sealed);
	return result;
}

long hook_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	if (number == SYS_seccomp)
		return confine(a, b, c);
	struct thread_record *self = hook_thread();
	before(self, CALL_syscall, false, &regs);
	uint32_t generation = process.generation;
	long result = ((syscall_function *)real.syscall)(number, a, b, c, d, e, f);
	after(self, generation, result);
	return result;
}

HOOK_EXPORT int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *self = hook_thread();
	atfork_registry_add_ours();
	int result = real.__register_atfork(prepare, parent, child, dso);
	if (result == 0 && self)
		atfork_registry_add(self, prepare, parent, child, &regs);
	return result;
}
