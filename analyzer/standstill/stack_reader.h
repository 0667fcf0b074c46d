/* Stacks of another process from a copy of its memory and registers: it need not be there any more. */
#ifndef AFTERFORK_STACK_READER_H
#define AFTERFORK_STACK_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_maps.h"
#include "trace_format.h"

enum { STACK_REGISTERS = 17, STACK_REGISTER_BP = 6, STACK_REGISTER_SP = 7, STACK_REGISTER_PC = 16 };

struct stack_source {
	/* In DWARF's order for x86-64: rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15 rip. */
	uint64_t registers[STACK_REGISTERS];
	bool has_all_registers; /* false: pc, stack pointer and rbp (0: not known) only; the walk ends where
	                           another is needed */
	uint64_t memory_start;  /* of the stack's used part */
	size_t memory_size_bytes;
	unsigned char *memory;
};

/* Copies the process's memory from `start` on, to the mapping's end at most. */
void stack_source_copy_memory(pid_t pid, const struct proc_maps *maps, uint64_t start, size_t max_bytes,
                              struct stack_source *source);

struct stack_frame {
	uint64_t pc;
	bool is_exact; /* not a return address */
	bool has_module;
	uint64_t module_start, module_end, module_bias;
	unsigned char build_id[TRACE_BUILD_ID_SIZE_BYTES];
	uint32_t build_id_size_bytes;
	char module_path[512];
	char function[128]; /* the symbol that contains pc; "": none known */
	char called[128];   /* the symbol of another module that it called to get here; "": not known */
};

struct stack_reader;

/* Knows the modules of the process by its maps. NULL when out of memory. */
struct stack_reader *stack_reader_new(const struct proc_maps *maps);
void stack_reader_free(struct stack_reader *reader);

/* Walks; frames beyond `max` are left out. Returns how many, innermost first. *ret_flags: TRACE_STACK_CUT
 * where the walk ended before the thread's first frame, TRACE_STACK_TRUNCATED where `max` ended it. */
size_t stack_reader_walk(struct stack_reader *reader, const struct stack_source *source,
                         struct stack_frame *ret_frames, size_t max, unsigned *ret_flags);
/* Describes one address of code (or, exact, any address): module and symbol. */
void stack_reader_describe(struct stack_reader *reader, uint64_t pc, bool is_exact,
                           struct stack_frame *ret_frame);

#endif
