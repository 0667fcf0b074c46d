/* Locks inside libc, which no symbol shows: a public function that takes one is bracketed by an entry in its
 * thread's record for a stand-in of the lock. "Inside the function" is less than "holds the lock": so what a
 * child meets is recorded before the call and taken back once it returned, and only a look from outside, at a
 * thread that sleeps on a word of libc's own, proves that it never will.
 *
 * Everything here is async-signal-safe and lock-free. */
#ifndef AFTERFORK_PRELOAD_LIBC_CHECK_H
#define AFTERFORK_PRELOAD_LIBC_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "incident.h"
#include "trace_libc.h"

/* The child's use of a function of libc; lives in the wrapper's frame. */
struct libc_use {
	struct incident_handle handle; /* empty: nothing to say */
	uint32_t generation;           /* of the process that wrote it: a callback may fork */
	enum libc_family lock;         /* that it is about */
};

/* One for each family: only their addresses matter. */
extern const uint64_t libc_check_stand_ins[LIBC_FAMILY_LIMIT] __attribute__((visibility("hidden")));

/* The stand-in for a family's lock, as entries of thread records name it. */
static inline const void *libc_check_lock(enum libc_family family)
{
	return &libc_check_stand_ins[family];
}

/* The family whose lock functions of both families take, or none. */
enum libc_family libc_check_common_lock(enum libc_family a, enum libc_family b);
/* True where this libc's fork leaves the family's lock as it was. */
bool libc_check_may_stay_locked(enum libc_family family);

/* The family that the entry says its thread to be inside of, or none. */
enum libc_family libc_check_family_of(const struct held_entry *entry);
/* True where who is inside of one of the family's functions mostly holds the lock, which fork leaves so. */
bool libc_check_holds_inside(enum libc_family family);

/* True where each call of one of its functions takes the lock and keeps others out. */
bool libc_check_takes_always(enum libc_family family);

/* Before the original call, in a forked child, and before this call's own entry: writes the incident if a
 * vanished thread was inside a function of the family. Empties *ret_use otherwise. */
void libc_check_before(struct libc_use *ret_use, struct thread_record *self, enum libc_family family,
                       unsigned call, const struct call_registers *regs);
/* After it came back. */
void libc_check_after(struct libc_use *use);
/* The calling thread is past the lock of the call that it is in: one that called back. */
void libc_check_past(void);

#endif
