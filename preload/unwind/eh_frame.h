/* Reads .eh_frame_hdr and .eh_frame in memory: how to unwind from one code address.
 *
 * Async-signal-safe, no state, no allocation. All reads stay inside the view, whatever its bytes say.
 */
#ifndef AFTERFORK_PRELOAD_EH_FRAME_H
#define AFTERFORK_PRELOAD_EH_FRAME_H

#include <stdbool.h>
#include <stdint.h>

enum unwind_kind {
	UNWIND_NONE = 0, /* no rule that this library follows: the stack is cut here */
	UNWIND_NORMAL,
	UNWIND_OUTERMOST, /* the thread's first frame: it has no return address */
	UNWIND_SIGNAL,    /* the kernel's signal frame: a ucontext_t at the stack pointer */
};

/* All offsets in bytes from the canonical frame address (CFA), which is the caller's stack pointer after the
 * return. */
struct unwind_rule {
	enum unwind_kind kind; /* the rest is for UNWIND_NORMAL */
	bool cfa_from_bp;      /* CFA = rbp + cfa_offset, else rsp + cfa_offset */
	bool bp_saved;         /* the caller's rbp stands at CFA + bp_offset, else it is unchanged */
	bool is_small;         /* the function is so small that it may be a wrapper of a lock */
	int32_t cfa_offset;
	int32_t ra_offset; /* the return address stands at CFA + ra_offset */
	int32_t bp_offset;
};

/* std::unique_lock::lock, std::lock and their like are smaller, also at -O0. */
enum { EH_FRAME_SMALL_SIZE_BYTES = 256 };

struct eh_frame_view {
	uint64_t header, header_size_bytes; /* .eh_frame_hdr */
	uint64_t low, high;                 /* readable memory that holds it and .eh_frame */
};

/* The rule at the instruction that holds `address`: for a return address pass it less one. */
struct unwind_rule eh_frame_find_rule(const struct eh_frame_view *view, uint64_t address);

/* True if both lie in the function that holds `address`. */
bool eh_frame_is_one_function(const struct eh_frame_view *view, uint64_t address, uint64_t other);

#endif
