/* Which frames of a stack a reader gets to see. */
#ifndef AFTERFORK_ANALYZER_RENDER_STACK_H
#define AFTERFORK_ANALYZER_RENDER_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"

/* Frames of afterfork's own library, which stand in every stack that it took. */
bool render_stack_is_own(const struct frame *frame);

/* Code of the C++ or Rust library and of other installed headers: not what a user wrote. */
bool render_stack_is_library(const struct frame *frame);

/* Frames to see of the whole stack. */
size_t render_stack_count(const struct frame_stack *stack);

/* The frames that matter to a user, innermost first, malloc'ed; NULL when out of memory. Left out are libc's
 * outermost frames (`start_thread`, `__libc_start_main`), the same in every stack, and of each run of library
 * frames all but the outermost: what the user's code called stays (`std::scoped_lock<...>::scoped_lock`),
 * what that is made of goes. Something is always left of a stack that has anything to see. *ret_complete: the
 * stack reaches the first function of its thread that a user wrote, whatever cut it later. */
const struct frame **render_stack_brief(const struct frame_stack *stack, size_t *ret_count,
                                        bool *ret_complete);

/* The innermost frame that a user wrote and that has a name; NULL: none. */
const struct frame *render_stack_user_frame(const struct frame_stack *stack);

#endif
