/* Which function a call instruction names: a callee that ended in a jump to another one is on no stack, but
 * the caller still says whom it called. x86-64. */
#ifndef AFTERFORK_STACK_CALL_H
#define AFTERFORK_STACK_CALL_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The symbol by which the call that ends at `after`, an address of the file, goes to another module. False
 * where it is no such call, or goes by an address that the file does not tell. */
bool stack_call_symbol(Elf *elf, uint64_t after, char *ret_name, size_t size_bytes);

#endif
