/* Which memory of another process is libc's own data, read from outside. Changes nothing in it. */
#ifndef AFTERFORK_PROC_LIBC_H
#define AFTERFORK_PROC_LIBC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* True when the address lies in writable data, zero-initialised data included, of the C library, its loader
 * or one of its companions (libpthread, libresolv, ...), in memory that no other process shares. False when
 * not known. */
bool proc_libc_owns(pid_t pid, uint64_t address);

#endif
