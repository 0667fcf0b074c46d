/* Futexes by syscall(SYS_futex), as GLib, Rust and libstdc++ make their locks, conditions and futures of. A
 * wait has an entry as one on a condition variable has: a child can tell whom it would have woken. What the
 * word means is not known here; hook_jump.S comes here with the arguments of syscall(). */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "handover.h"
#include "hook.h"

typedef long syscall_function(long number, long word, long operation, long value, long time, long other,
                              long mask);

enum futex_role { FUTEX_OTHER, FUTEX_WAITS, FUTEX_WAKES };

static enum futex_role role_of(long operation)
{
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return FUTEX_WAITS;
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_WAKE_OP:
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return FUTEX_WAKES;
	default:
		return FUTEX_OTHER;
	}
}

static uint32_t begin_wait(struct thread_record *self, const void *word, const struct call_registers *regs)
{
	uint32_t index = thread_record_want(self, word, TRACE_LOCK_FUTEX, CALL_syscall, regs);
	thread_record_set(self, index, TRACE_HOLD_WAITING);
	if (__builtin_expect(process_is_child(), 0))
		handover_look_for_taker(self, word);
	return index;
}

/* The last argument is on the stack, if there: it is only handed on. */
long hook_futex(long number, long address, long operation, long value, long time, long other, long mask)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	const void *word = (const void *)address;
	enum futex_role role = role_of(operation);
	uint32_t entry = UINT32_MAX;
	if (__builtin_expect(!real.syscall, 0))
		real_resolve();
	/* An allocator may be what waits: no thread gets a record for that. */
	struct thread_record *self = role != FUTEX_OTHER && thread_record_self ? hook_thread() : NULL;
	if (self && role == FUTEX_WAITS)
		entry = begin_wait(self, word, &regs);
	else if (self && __builtin_expect(process_is_child(), 0))
		handover_note(self, word, TRACE_LOCK_FUTEX, CALL_syscall, &regs);
	long result =
	    ((syscall_function *)real.syscall)(number, address, operation, value, time, other, mask);
	if (entry != UINT32_MAX)
		thread_record_remove(self, thread_record_confirm(self, entry, word));
	return result;
}
