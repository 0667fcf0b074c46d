#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

static char *text;
static size_t size;
static FILE *out;

static void open_text(void)
{
	out = open_memstream(&text, &size);
}

static void free_text(void)
{
	fclose(out);
	free(text);
}

TestSuite(story, .init = open_text, .fini = free_text);

static void expect(const char *expected)
{
	fclose(out);
	cr_assert_str_eq(text, expected);
	free(text);
	open_text();
}

static void expect_function(const char *function, const char *expected)
{
	story_function(function, out);
	expect(expected);
}

Test(story, shortens_functions_to_their_names)
{
	expect_function("main", "main()");
	expect_function("Cache::fill(std::string const&)", "Cache::fill()");
	expect_function("Cache::get(int) const", "Cache::get()");
	expect_function("Cache::operator()(int)", "Cache::operator()()");
	expect_function("(anonymous namespace)::run(int)", "(anonymous namespace)::run()");
	expect_function("(anonymous namespace)::run", "(anonymous namespace)::run()");
	expect_function("apply(void (*)(int))", "apply()");
	expect_function("main::{lambda()#1}::operator()() const", "main::{lambda()#1}::operator()()");
	expect_function("work(int) [clone .cold]", "work()");
	expect_function("bool std::try_until<std::pair<int, long> >(int)",
	                "std::try_until<std::pair<int, long> >()");
	expect_function("Cache::operator bool() const", "Cache::operator bool()");
	expect_function("std::ostream& operator<< <char>(std::ostream&)", "operator<< <char>()");
	expect_function("unsigned long count<int>(int)", "count<int>()");
	expect_function("", "()");
	expect_function(")", ")()");
	expect_function("(x)", "(x)()");
}

static void expect_place(struct frame *frames, size_t count, const char *expected)
{
	story_place(&(struct frame_stack){.frames = frames, .count = count}, out);
	expect(expected);
}

Test(story, names_the_place_behind_wrappers_of_the_language)
{
	struct frame frames[] = {
	    {.function = "__gthread_mutex_lock(pthread_mutex_t*)", .inlined = true},
	    {.function = "std::mutex::lock()", .inlined = true},
	    {.function = "bool std::try_until<long>(long)", .inlined = true},
	    {.function = "Cache::fill(int)"},
	    {.function = "main"},
	};

	expect_place(frames, 5, " in Cache::fill()");
	expect_place(frames, 2, " in __gthread_mutex_lock()");
}

Test(story, names_the_place_that_called_libc)
{
	struct frame frames[] = {
	    {.function = "__futex_abstimed_wait", .module = "/lib/libc.so.6"},
	    {.function = "pthread_cond_wait", .module = "/lib/libc.so.6"},
	    {.function = "Queue::put(int)", .module = "/opt/shop/bin/shop"},
	};

	story_place_beyond_libc(&(struct frame_stack){.frames = frames, .count = 3}, out);
	expect(" in Queue::put()");
	story_place_beyond_libc(&(struct frame_stack){.frames = frames, .count = 2}, out);
	expect(" in __futex_abstimed_wait()");
}

Test(story, names_the_place_behind_rust_s_library)
{
	struct frame frames[] = {
	    {.function = "<std::sync::mutex::Mutex<alloc::vec::Vec<u32>>>::lock"},
	    {.function = "app::cache_read"},
	};

	expect_place(frames, 2, " in app::cache_read()");
}

Test(story, names_the_file_where_the_function_is_not_known)
{
	struct frame frames[] = {
	    {.module = "/opt/shop/lib/libshop.so.1", .offset = 0x1210},
	    {.function = "main"},
	    {.pc = 0x1234},
	};

	expect_place(frames, 2, " in libshop.so.1+0x1210");
	expect_place(frames + 2, 1, "");
	expect_place(NULL, 0, "");
}

Test(story, names_a_lock_by_variable_then_origin_then_address)
{
	struct frame made = {.function = "cache_new"};
	struct finding finding = {
	    .lock = {.kind = "mutex",
	             .type = "errorcheck",
	             .name = "cache_mutex",
	             .address = 0x10,
	             .address_known = true},
	};

	story_lock(&finding, out);
	expect("errorcheck mutex cache_mutex");
	finding.lock.type = "normal";
	finding.lock.name = NULL;
	story_lock(&finding, out);
	expect("mutex at 0x10");
	finding.lock.initialised_at = (struct frame_stack){.frames = &made, .count = 1};
	story_lock(&finding, out);
	expect("mutex initialised in cache_new()");
	story_lock(&(struct finding){0}, out);
	expect("lock");
}

Test(story, names_the_threads_that_vanished)
{
	struct finding_vanished vanished[4] = {
	    {.thread = {.tid = 7, .name = "pool", .acquire_call = "sem_wait"}, .doing = "calls"},
	    {.thread = {.tid = 8, .acquire_call = "pthread_mutex_lock"}, .doing = "holds"},
	    {.thread = {.tid = 9}},
	    {.thread = {.tid = 10}},
	};
	struct finding finding = {.vanished = vanished, .vanished_count = 2, .fork.vanished_threads = 2};

	story_vanished(&finding, out);
	expect("thread 7 'pool' (in sem_wait()) and thread 8");
	finding.vanished_count = 4;
	finding.fork.vanished_threads = 12;
	story_vanished(&finding, out);
	expect("thread 7 'pool' (in sem_wait()), thread 8, thread 9 and 9 more");
	finding.vanished_count = finding.fork.vanished_threads = 1;
	vanished[0].doing = NULL;
	story_vanished(&finding, out);
	expect("thread 7 'pool'");
	finding.vanished_count = 0;
	story_vanished(&finding, out);
	expect("");
}

Test(story, ignores_the_arrows_of_rust)
{
	expect_function("<fn() -> u32 as app::Job>::run", "<fn() -> u32 as app::Job>::run()");
}

static void expect_lock_of(struct frame *frames, size_t count, const char *expected)
{
	struct finding finding = {.lock = {.kind = "futex", .address = 0x1234, .address_known = true},
	                          .victim = {.stack = {.frames = frames, .count = count}}};

	story_lock(&finding, out);
	expect(expected);
}

Test(story, names_what_waits_in_the_table_of_the_language)
{
	struct frame frames[] = {
	    {.function = "syscall"},
	    {.function = "std::barrier<std::__empty_completion>::wait(std::barrier::arrival_token&&) const"},
	    {.function = "std::barrier<std::__empty_completion>::arrive_and_wait()"},
	    {.function = "phase_end()"},
	};

	expect_lock_of(frames, 4,
	               "futex of std::barrier<std::__empty_completion>::arrive_and_wait() in phase_end()");
	expect_lock_of(frames, 1, "futex at 0x1234");
}

static void expect_thread_of(struct frame *frames, size_t count, const char *expected)
{
	const char *function =
	    story_std_thread_function(&(struct frame_stack){.frames = frames, .count = count});

	if (expected)
		cr_expect_str_eq(function, expected);
	else
		cr_expect_null(function);
}

Test(story, tells_what_a_std_thread_runs)
{
	static const char run[] =
	    "std::thread::_State_impl<std::thread::_Invoker<std::tuple<void (*)()> > >::_M_run()";
	struct frame frames[] = {
	    {.function = "std::mutex::lock()"},
	    {.function = "cache_fill()"},
	    {.function = "worker()"},
	    {.function = "void std::__invoke_impl<void, void (*)()>(std::__invoke_other, void (*&&)())"},
	    {.function = run},
	    {.module = "/usr/lib/libstdc++.so.6.0.30"},
	    {.function = "start_thread"},
	};
	struct frame inlined[] = {{.function = "cache_fill()"}, {.function = run}};

	expect_thread_of(frames, 7, "worker()");
	expect_thread_of(frames, 4, NULL);
	expect_thread_of(frames + 3, 4, NULL);
	expect_thread_of(inlined, 2, NULL);
	inlined[1].file = "/usr/include/c++/12/bits/std_thread.h";
	expect_thread_of(inlined, 2, "cache_fill()");
}
