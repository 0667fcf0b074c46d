/* Code addresses: as a trace holds them (raw) and as a reader of the report sees them (symbolized). */
#ifndef AFTERFORK_FRAME_H
#define AFTERFORK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A program file that was mapped into a traced process. Interned by the model: two modules with the same
 * path and build-id are the same pointer, in all processes and traces. Lives as long as the model. */
struct module_ref {
	const char *path;     /* as the traced machine named it; never NULL, may be "[vdso]" or "" */
	const char *build_id; /* lower-case hex; NULL: the file has none */
};

/* One frame of a stack before symbolization. */
struct raw_frame {
	uint64_t pc;
	const struct module_ref *module; /* NULL: the address was in no known file */
	uint64_t offset; /* pc in the address space of the ELF file (p_vaddr); valid with a module */
	bool exact_pc;   /* false: pc is a return address, look up pc - 1 */
};

struct raw_stack {
	struct raw_frame *frames; /* innermost first */
	size_t count;
	bool cut;       /* the unwinder stopped before the thread's first frame */
	bool truncated; /* the trace keeps no more frames than these */
};

/* One symbolized frame. Strings belong to the symbolizer or to the model, never to the frame. */
struct frame {
	uint64_t pc;
	uint64_t offset;      /* valid with a module */
	const char *module;   /* path; NULL: not known */
	const char *build_id; /* hex; NULL: not known */
	const char *function; /* demangled; NULL: not known */
	const char *file;     /* source file; NULL: not known */
	unsigned line;        /* 0: not known */
	bool inlined;         /* this function was inlined into the next frame */
};

struct frame_stack {
	struct frame *frames; /* innermost first; malloc'ed array */
	size_t count;
	bool cut, truncated; /* as in struct raw_stack */
};

/* What follows the last '/'; never NULL for a path that is not NULL. */
const char *frame_module_base_name(const char *path);
/* Code of libc or of its loader. */
bool frame_is_libc(const struct frame *frame);
/* Every std::thread starts in one function of the C++ library, which has no name where that is stripped. */
bool frame_is_std_thread_start(const char *start_routine);

#endif
