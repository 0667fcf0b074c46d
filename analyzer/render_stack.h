/* Which frames of a stack a reader gets to see. */
#ifndef AFTERFORK_ANALYZER_RENDER_STACK_H
#define AFTERFORK_ANALYZER_RENDER_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"

/* Frames of afterfork's own library, which stand in every stack that it took. */
bool render_stack_is_own(const struct frame *frame);

/* How many frames are left without libc's outermost ones (`start_thread`, `__libc_start_main` and their
 * callees), which are the same in every stack. All of them where nothing else would be left. */
size_t render_stack_end(const struct frame_stack *stack);

/* Frames to see among the first `end`. */
size_t render_stack_count(const struct frame_stack *stack, size_t end);

#endif
