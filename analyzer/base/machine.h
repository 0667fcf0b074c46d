/* Types of machines by their ELF number (e_machine). */
#ifndef AFTERFORK_MACHINE_H
#define AFTERFORK_MACHINE_H

#include <elf.h>
#include <stdint.h>

enum {
#if defined(__x86_64__)
	MACHINE_OWN = EM_X86_64,
#elif defined(__aarch64__)
	MACHINE_OWN = EM_AARCH64,
#elif defined(__riscv)
	MACHINE_OWN = EM_RISCV,
#else
#error "name this machine's e_machine here"
#endif
};

/* "x86-64"; "unknown" where it has no name here. */
const char *machine_name(uint32_t machine);

#endif
