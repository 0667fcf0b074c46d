#include "render_stack.h"

#include <string.h>

bool render_stack_is_own(const struct frame *frame)
{
	static const char name[] = "libafterfork.so";
	return frame->module && strncmp(frame_module_base_name(frame->module), name, strlen(name)) == 0;
}

static bool is_starter(const struct frame *frame)
{
	static const char *const names[] = {"start_thread",	 "clone",	      "clone3", "__clone", "__clone3",
					    "__libc_start_main", "__libc_start_call_main", "_start",
					    "call_init",	 "__libc_start_main_impl"};
	if (!frame->function)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(frame->function, names[i]) == 0)
			return true;
	return false;
}

size_t render_stack_count(const struct frame_stack *stack, size_t end)
{
	size_t count = 0;
	for (size_t i = 0; i < end; i++)
		count += !render_stack_is_own(&stack->frames[i]);
	return count;
}

size_t render_stack_end(const struct frame_stack *stack)
{
	size_t end = stack->count;
	while (end > 0 && (is_starter(&stack->frames[end - 1]) || render_stack_is_own(&stack->frames[end - 1])))
		end--;
	return render_stack_count(stack, end) ? end : stack->count;
}
