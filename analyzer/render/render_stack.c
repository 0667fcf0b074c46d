#include "render_stack.h"

#include <stdlib.h>
#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool render_stack_is_own(const struct frame *frame)
{
	return frame->module && starts_with(frame_module_base_name(frame->module), "libafterfork.so");
}

/* Rust's own library is compiled into each program, with the paths that it was built under. */
static bool is_rust_library(const char *file)
{
	return (starts_with(file, "/rustc/") || starts_with(file, "/usr/src/rustc-")) &&
	       strstr(file, "/library/");
}

bool render_stack_is_library(const struct frame *frame)
{
	if (frame->file)
		return starts_with(frame->file, "/usr/include/") || starts_with(frame->file, "/usr/lib/") ||
		       is_rust_library(frame->file);
	if (frame->function &&
	    (starts_with(frame->function, "std::") || starts_with(frame->function, "<std::") || /* Rust */
	     starts_with(frame->function, "__gthread_")))
		return true;
	const char *module = frame->module ? frame_module_base_name(frame->module) : "";
	return starts_with(module, "libstdc++.so") || starts_with(module, "libc++.so");
}

static bool is_one_of(const char *function, const char *const *names)
{
	for (; function && *names; names++)
		if (strcmp(function, *names) == 0)
			return true;
	return false;
}

/* Without its debug file libc does not name its starters: some are static functions. */
static bool is_unnamed_libc(const struct frame *frame)
{
	return !frame->function && frame->module &&
	       starts_with(frame_module_base_name(frame->module), "libc.so.");
}

static bool is_starter(const struct frame *frame)
{
	static const char *const names[] = {"start_thread",
	                                    "clone",
	                                    "__clone",
	                                    "clone3",
	                                    "__clone3",
	                                    "__libc_start_main",
	                                    "__libc_start_main_impl",
	                                    "__libc_start_call_main",
	                                    "call_init",
	                                    "_start",
	                                    NULL};
	return is_one_of(frame->function, names) || is_unnamed_libc(frame);
}

size_t render_stack_count(const struct frame_stack *stack)
{
	size_t count = 0;
	for (size_t i = 0; i < stack->count; i++)
		count += !render_stack_is_own(&stack->frames[i]);
	return count;
}

/* Where the outermost frames start that are the same in every stack. */
static size_t end_without_starters(const struct frame_stack *stack)
{
	size_t end = stack->count;
	/* A stripped program's _start has no name. */
	if (end > 1 && !stack->frames[end - 1].function && is_starter(&stack->frames[end - 2]))
		end--;
	while (end > 0 &&
	       (is_starter(&stack->frames[end - 1]) || render_stack_is_own(&stack->frames[end - 1])))
		end--;
	return end;
}

/* Whether the frame is called by a library frame, so that only the latter is shown. `end` ends the stack. */
static bool is_inner_library(const struct frame_stack *stack, size_t i, size_t end, bool has_callers)
{
	if (!render_stack_is_library(&stack->frames[i]))
		return false;
	size_t next = i + 1;
	while (next < end && render_stack_is_own(&stack->frames[next]))
		next++;
	return next < end ? render_stack_is_library(&stack->frames[next]) : has_callers;
}

const struct frame **render_stack_brief(const struct frame_stack *stack, size_t *ret_count,
                                        bool *ret_complete)
{
	const struct frame **frames = calloc(stack->count + 1, sizeof(*frames));
	size_t end = end_without_starters(stack), count = 0;
	bool has_starter = false;
	if (!frames)
		return NULL;
	for (size_t i = end; i < stack->count; i++)
		has_starter |= is_starter(&stack->frames[i]);
	for (size_t i = 0; i < end; i++)
		if (!render_stack_is_own(&stack->frames[i]) && !is_inner_library(stack, i, end, has_starter))
			frames[count++] = &stack->frames[i];
	*ret_complete = has_starter || (count && frames[count - 1]->function &&
	                                strcmp(frames[count - 1]->function, "main") == 0);
	bool has_none = count == 0;
	for (size_t i = 0; has_none && i < stack->count; i++)
		if (!render_stack_is_own(&stack->frames[i]))
			frames[count++] = &stack->frames[i];
	*ret_count = count;
	return frames;
}

const struct frame *render_stack_user_frame(const struct frame_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];
		if (frame->function && !render_stack_is_own(frame) && !render_stack_is_library(frame) &&
		    !frame_is_libc(frame))
			return frame;
	}
	return NULL;
}
