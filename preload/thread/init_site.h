/* Where locks were initialised: a bounded table from a lock's address to the innermost return addresses of
 * its initialisation. Not on the lock path. Lock-free; two threads that write one slot at once may lose an
 * entry. */
#ifndef AFTERFORK_PRELOAD_INIT_SITE_H
#define AFTERFORK_PRELOAD_INIT_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "call_stack.h"
#include "init_site_epoch.h"
#include "thread_record.h"

void init_site_record(struct thread_record *self, const void *lock, const struct call_registers *regs);
void init_site_forget(const void *lock);
/* init_site_epoch() right after the lock was initialised; 0 when that was not seen. */
uint32_t init_site_epoch_of(const void *lock);
/* False when nothing is known. */
bool init_site_find(const void *lock, struct kept_stack *ret_stack);

#endif
