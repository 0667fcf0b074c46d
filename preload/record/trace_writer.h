/* The trace as the library writes it: the mapped file `run`, and one image file for this program image.
 *
 * A file's blocks are allocated before it is mapped (a write to a mapped hole on a full disk is a SIGBUS), a
 * record is filled in place by atomic or volatile stores and committed last, so SIGKILL loses nothing that
 * was recorded. Files are closed right after they were mapped: the program never sees a descriptor of ours.
 *
 * Everything here is lock-free, allocates from the arena only and never fails towards its caller: without a
 * file counts go to a private page and claims return NULL. Safe in a forked child; files are opened in the
 * parent, before the fork, because a child may be sandboxed.
 */
#ifndef AFTERFORK_PRELOAD_TRACE_WRITER_H
#define AFTERFORK_PRELOAD_TRACE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_format.h"

/* Once at start: maps the folder's `run` file where a supervisor named one. */
void trace_writer_init(void);
/* Makes the folder and its `run` file if only the preloaded library writes and none is there yet. */
void trace_writer_open_run(void);
/* Makes this image's file if there is none yet. Idempotent, cheap once done. Not async-signal-safe
 * against itself: of racing threads one makes the file, the others go on without waiting. */
void trace_writer_open_image(void);
/* The same where the program may soon be unable to, and need not come to need it: silent where the trace's
 * limit forbids it. */
void trace_writer_open_image_early(void);
/* Who writes first into an image's file, as soon as there is one. */
void trace_writer_when_open(void (*write)(void));
/* In a forked child, whose id that is. */
void trace_writer_child(int32_t pid);
/* One child more, or one less where the fork that was counted failed. */
void trace_writer_count_fork(int more);
/* The program enters a sandbox, or could not: no more system calls for the trace, nor for anything that the
 * program did not ask for. */
void trace_writer_seal(bool on);
/* CLOCK_MONOTONIC, or 0 in a sandbox: the time is not known there. */
uint64_t trace_writer_now_ns(void);

bool trace_writer_is_sealed(void);
/* True if `afterfork run` watches and acts on deadlocks. */
bool trace_writer_is_supervised(void);

/* The run's totals. Never NULL; a private page when nothing is recorded. Add to its counters atomically. */
struct trace_run *trace_writer_run(void);
/* This image's file, or NULL. */
struct trace_image *trace_writer_image(void);

static inline void trace_writer_add(uint64_t *counter, uint64_t more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

/* Claims room for a record in the image's file (or, for a notice, in `run`) and copies `size_bytes` from
 * `body` over it; the header's magic, type, size, checksum, pid and time are filled in here. `checksum_from`
 * is the first immutable byte. Returns the committed record in the mapping, or NULL when it was dropped
 * (counted). */
struct trace_record *trace_writer_append(enum trace_record_type type, const struct trace_record *body,
                                         uint32_t size_bytes, uint32_t checksum_from);
/* The same in place of a committed record of the same type and size that nobody needs any more. NULL: the
 * sizes differ, or another process was faster. */
struct trace_record *trace_writer_rewrite(struct trace_record *old, const struct trace_record *body,
                                          uint32_t size_bytes, uint32_t checksum_from);
/* Tells whoever watches that an incident is new or changed. */
void trace_writer_notify(void);

/* The next committed record of a file that is mapped, NULL at its end. A position of 0 is the start; moved
 * on. */
const struct trace_record *trace_writer_next(const struct trace_file_header *file, uint64_t *position);
/* The first committed incident at or after `position` in the image's file with the hash; moves *position on.
 * NULL at the end. For folding repeats of one fault into its record. */
struct trace_incident *trace_writer_find(uint64_t fault_hash, uint64_t *position);

#endif
