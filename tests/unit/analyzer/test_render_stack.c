#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "render_stack.h"

#define OWN(name)                                                                                            \
	{                                                                                                    \
		.pc = 1, .function = (name), .module = "/opt/lib/libafterfork.so"                            \
	}
#define USER(name)                                                                                           \
	{                                                                                                    \
		.pc = 1, .function = (name), .module = "/opt/bin/app", .file = "/home/me/app.cc", .line = 1  \
	}
#define HEADER(name)                                                                                         \
	{                                                                                                    \
		.pc = 1, .function = (name), .module = "/opt/bin/app", .file = "/usr/include/c++/12/mutex",  \
		.line = 1                                                                                    \
	}
#define RUST(name)                                                                                           \
	{                                                                                                    \
		.pc = 1, .function = (name), .module = "/opt/bin/app",                                       \
		.file = "/rustc/0123456789abcdef/library/std/src/sync/mutex.rs", .line = 1                   \
	}
#define LIBSTDCXX                                                                                            \
	{                                                                                                    \
		.pc = 1, .module = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30"                           \
	}
#define LIBC(name)                                                                                           \
	{                                                                                                    \
		.pc = 1, .function = (name), .module = "/lib/x86_64-linux-gnu/libc.so.6"                     \
	}
#define COUNT(frames) (sizeof(frames) / sizeof(*(frames)))

/* Names of what is shown, separated by a space; ? for a frame without a name. */
static void expect_brief(struct frame *frames, size_t count, const char *expected, bool expected_complete)
{
	struct frame_stack stack = {.frames = frames, .count = count};
	size_t shown = 0;
	bool complete = !expected_complete;
	char names[512] = "";
	const struct frame **brief = render_stack_brief(&stack, &shown, &complete);
	cr_assert_not_null(brief);
	for (size_t i = 0; i < shown; i++) {
		strcat(names, i ? " " : "");
		strcat(names, brief[i]->function ? brief[i]->function : "?");
	}
	cr_assert_str_eq(names, expected);
	cr_assert_eq(complete, expected_complete);
	free(brief);
}

Test(render_stack, leaves_out_own_frames_and_what_starts_every_thread)
{
	struct frame frames[] = {OWN("hook"),       USER("put"),          USER("worker"),
	                         OWN("trampoline"), LIBC("start_thread"), LIBC("clone3")};
	expect_brief(frames, COUNT(frames), "put worker", true);
}

Test(render_stack, leaves_out_a_start_without_a_name)
{
	struct frame frames[] = {USER("put"), LIBC("__libc_start_main_impl"), {.pc = 1}};
	expect_brief(frames, COUNT(frames), "put", true);
}

Test(render_stack, leaves_out_what_starts_threads_in_a_libc_without_its_debug_file)
{
	struct frame thread[] = {USER("put"), LIBC(NULL), LIBC(NULL)};
	expect_brief(thread, COUNT(thread), "put", true);
	struct frame initial[] = {USER("main"), LIBC(NULL), LIBC("__libc_start_main"), {.pc = 1}};
	expect_brief(initial, COUNT(initial), "main", true);
	struct frame callback[] = {USER("compare"), LIBC(NULL), LIBC("qsort"), USER("main"), LIBC(NULL)};
	expect_brief(callback, COUNT(callback), "compare ? qsort main", true);
}

Test(render_stack, is_complete_up_to_main)
{
	struct frame frames[] = {USER("put"), USER("main")};
	expect_brief(frames, COUNT(frames), "put main", true);
	expect_brief(frames, 1, "put", false);
}

Test(render_stack, keeps_what_the_user_called_of_a_run_of_library_frames)
{
	struct frame frames[] = {HEADER("__gthread_mutex_lock"),
	                         HEADER("std::mutex::lock()"),
	                         HEADER("std::lock_guard::lock_guard"),
	                         USER("put"),
	                         HEADER("inner"),
	                         HEADER("std::sort"),
	                         USER("main")};
	expect_brief(frames, COUNT(frames), "std::lock_guard::lock_guard put std::sort main", true);
}

Test(render_stack, leaves_out_the_library_below_a_thread_s_function)
{
	struct frame frames[] = {USER("put"), HEADER("std::__invoke"), LIBSTDCXX, LIBC("start_thread")};
	expect_brief(frames, COUNT(frames), "put", true);
}

Test(render_stack, keeps_the_outermost_library_frame_of_a_cut_stack)
{
	struct frame frames[] = {HEADER("std::mutex::lock()"), HEADER("std::lock_guard::lock_guard")};
	expect_brief(frames, COUNT(frames), "std::lock_guard::lock_guard", false);
}

Test(render_stack, shows_something_wherever_there_is_something)
{
	struct frame frames[] = {OWN("hook"), LIBC("start_thread"), LIBC("clone3")};
	expect_brief(frames, COUNT(frames), "start_thread clone3", true);
	expect_brief(frames, 1, "", false);
	expect_brief(NULL, 0, "", false);
}

Test(render_stack, finds_the_user_s_innermost_function)
{
	struct frame frames[] = {
	    OWN("hook"), HEADER("std::mutex::lock()"), {.pc = 1}, USER("put"), USER("main")};
	struct frame_stack stack = {.frames = frames, .count = COUNT(frames)};
	cr_assert_eq(render_stack_user_frame(&stack), &frames[3]);
	stack.count = 3;
	cr_assert_null(render_stack_user_frame(&stack));
	cr_assert_eq(render_stack_count(&stack), 2);
}

Test(render_stack, takes_neither_libc_nor_the_rust_library_for_the_users)
{
	struct frame frames[] = {LIBC("syscall"), RUST("std::sys::unix::futex::futex_wait"),
	                         RUST("std::sync::mutex::Mutex<T>::lock"), USER("app::read"),
	                         USER("app::main")};
	struct frame_stack stack = {.frames = frames, .count = COUNT(frames)};
	cr_assert_eq(render_stack_user_frame(&stack), &frames[3]);
	stack.count = 3;
	cr_assert_null(render_stack_user_frame(&stack));
	expect_brief(frames, COUNT(frames), "syscall std::sync::mutex::Mutex<T>::lock app::read app::main",
	             false);
}
