/* From addresses in files to functions, source lines and variable names, off line, by build-id. */
#ifndef AFTERFORK_SYMBOLIZE_H
#define AFTERFORK_SYMBOLIZE_H

#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "message_list.h"

struct symbolizer_options {
	bool debuginfod; /* ask debuginfod servers too, where DEBUGINFOD_URLS names some */
	/* Take the names that the modules themselves have, and read no debug information: no lines, no
	 * inlined functions, but done in milliseconds however large that information is. */
	bool names_only;
	/* Where to look for modules before their own path: a copy of the traced machine's files. NULL: none.
	 */
	const char *sysroot;
	/* Gets one line for each module that is gone or has another build-id (its frames keep offsets only).
	 * May be NULL; else must outlive the symbolizer. */
	struct message_list *warnings;
};

struct symbolizer;

/* NULL only when out of memory. Opens no file yet. options may be NULL: the defaults, all zero. */
struct symbolizer *symbolizer_new(const struct symbolizer_options *options);
/* Ends the life of every string in every frame it made. NULL is allowed. */
void symbolizer_free(struct symbolizer *symbolizer);

/* Expands each raw frame to one frame, preceded by one for each function inlined at that place (innermost
 * first, `inlined` set). *ret_frames is a malloc'ed array, free() it; NULL when count is 0. A frame that
 * cannot be resolved keeps pc, module, build_id and offset. 0, or -ENOMEM with both results untouched. */
int symbolize_frames(struct symbolizer *symbolizer, const struct raw_frame *frames, size_t count,
                     struct frame **ret_frames, size_t *ret_count);

/* The variable that holds a data address, given as offset in the file (as raw_frame.offset): "cache_mutex",
 * "registry+40" where the address is inside a larger object. The string belongs to the symbolizer.
 * NULL: not known. */
const char *symbolize_data(struct symbolizer *symbolizer, const struct module_ref *module, uint64_t offset);

#endif
