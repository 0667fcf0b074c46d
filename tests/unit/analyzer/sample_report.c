#include "sample_report.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define EXE     "/opt/shop/bin/shopd"
#define EXE_ID  "4f1c09b2a6d3e8f7019a2b3c4d5e6f708192a3b4"
#define LIBC    "/lib/x86_64-linux-gnu/libc.so.6"
#define LIBC_ID "58254ca972028402bc40624f81388d85ec95f70d"
#define OWN     "/opt/afterfork/lib/libafterfork.so"
#define STACK(a)                                                                                             \
	{                                                                                                    \
		.frames = (a), .count = sizeof(a) / sizeof(*(a))                                             \
	}

#define FRAME_OWN                                                                                            \
	{                                                                                                    \
		.pc = 0x7f0000001234, .offset = 0x1234, .module = OWN, .function = "hook_mutex_lock",        \
		.file = "/b/hook_mutex.c", .line = 60                                                        \
	}
#define FRAME_EXE(address, name, path, number)                                                               \
	{                                                                                                    \
		.pc = 0x555555554000 + (address), .offset = (address), .module = EXE, .build_id = EXE_ID,    \
		.function = (name), .file = (path), .line = (number)                                         \
	}
#define FRAME_START_THREAD                                                                                   \
	{                                                                                                    \
		.pc = 0x7ffff7c89134, .offset = 0x89134, .module = LIBC, .build_id = LIBC_ID,                \
		.function = "start_thread"                                                                   \
	}
#define FRAME_CLONE                                                                                          \
	{                                                                                                    \
		.pc = 0x7ffff7d097dc, .offset = 0x1097dc, .module = LIBC, .build_id = LIBC_ID,               \
		.function = "clone3"                                                                         \
	}

static char cache_path[4096];

static struct frame acquired[] = {
    FRAME_OWN,
    FRAME_EXE(0x1a42, "cache_put", cache_path, 7),
    FRAME_EXE(0x1b10, "handle_request", "/opt/shop/src/request.c", 131),
    FRAME_EXE(0x1c77, "worker_main", "/opt/shop/src/worker.c", 58),
    FRAME_OWN,
    FRAME_START_THREAD,
    FRAME_CLONE,
};
static struct frame created[] = {
    FRAME_OWN,
    FRAME_EXE(0x1d02, "start_worker", "/opt/shop/src/worker.c", 77),
    FRAME_EXE(0x1d90, "start_workers", "/opt/shop/src/worker.c", 91),
    FRAME_EXE(0x1e20, "server_init", "/opt/shop/src/server.c", 40),
    FRAME_EXE(0x1f00, "main", "/opt/shop/src/main.c", 22),
};
static struct frame forked[] = {
    FRAME_EXE(0x2011, "spawn_helper", "/opt/shop/src/helper.c", 19),
    FRAME_EXE(0x1f33, "main", "/opt/shop/src/main.c", 31),
    {.pc = 0x7ffff7c2724a,
     .offset = 0x2724a,
     .module = LIBC,
     .build_id = LIBC_ID,
     .function = "__libc_start_call_main"},
};
static struct frame blocked[] = {
    FRAME_OWN,
    FRAME_EXE(0x1a90, "cache_get", cache_path, 15),
    {.pc = 0x7ffff7ab2468, .offset = 0x2468, .module = "/opt/shop/lib/libplugin.so.1"},
    {.pc = 0x7ffff7ab1357,
     .offset = 0x1357,
     .module = "/opt/shop/lib/libplugin.so.1",
     .function = "plugin_run"},
    {.pc = 0x7fffe0000042},
    FRAME_EXE(0x2044, "spawn_helper", "/opt/shop/src/helper.c", 23),
};

static struct finding plain = {
    .fingerprint = "8d1f00c2a75be930",
    .verdict = VERDICT_CERTAIN,
    .rule_name = "lock-held-by-vanished-thread",
    .count = 128,
    .pending_count = 3,
    .message = "pid 4212 waits for ever for recursive mutex cache_mutex: thread 4203 'worker-1' took it in "
               "cache_put() and "
               "vanished when spawn_helper() called fork()",
    .advice = "Let the child call exec at once (or use posix_spawn), or fork before threads are started.",
    .process = {.pid = 4212, .ppid = 4200, .exe = EXE},
    .lock = {.address = 0x555555558060,
             .address_known = true,
             .kind = "mutex",
             .type = "recursive",
             .name = "cache_mutex",
             .module = EXE,
             .build_id = EXE_ID,
             .module_offset = 0x4060},
    .holder = {.tid = 4203,
               .name = "worker-1",
               .start_routine = "worker_main",
               .acquire_call = "pthread_mutex_lock",
               .created_at = STACK(created),
               .acquired_at = STACK(acquired)},
    .fork = {.pid = 4200, .tid = 4200, .call = "fork", .vanished_threads = 4, .stack = STACK(forked)},
    .victim = {.pid = 4212,
               .tid = 4212,
               .name = "shopd",
               .call = "pthread_mutex_lock",
               .live_threads = 1,
               .stack = {.frames = blocked, .count = 6, .cut = true},
               .blocked_ns = 12345678901,
               .blocked_known = true},
};

#define STRING "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
#define REGISTRY                                                                                             \
	"shop::registry::Registry<" STRING                                                                   \
	", std::unique_ptr<shop::Session, shop::SessionDeleter<shop::Session> > >"

static struct frame cxx_acquired[] = {
    {.pc = 0x555555557001,
     .offset = 0x3001,
     .module = EXE,
     .function = "__gthread_mutex_lock",
     .file = "/usr/include/x86_64-linux-gnu/c++/12/bits/gthr-default.h",
     .line = 749,
     .inlined = true},
    {.pc = 0x555555557001,
     .offset = 0x3001,
     .module = EXE,
     .function = "std::mutex::lock()",
     .file = "/usr/include/c++/12/bits/std_mutex.h",
     .line = 100,
     .inlined = true},
    FRAME_EXE(0x3001,
              REGISTRY "::insert(" STRING
                       " const&, std::unique_ptr<shop::Session, shop::SessionDeleter<shop::Session> >)",
              "/opt/shop/src/registry.hpp", 212),
    FRAME_EXE(0x3100, "shop::(anonymous namespace)::Acceptor::operator()(int) const",
              "/opt/shop/src/acceptor.cc", 64),
};
static struct frame cxx_forked[] = {
    FRAME_EXE(0x3200, "shop::run_hook(" STRING " const&)", "/opt/shop/src/hook.cc", 9)};
static struct frame cxx_initialised[] = {
    FRAME_EXE(0x3300, REGISTRY "::Registry()", "/opt/shop/src/registry.hpp", 88)};

static struct finding cxx = {
    .fingerprint = "0c44d2be91f7a6e5",
    .verdict = VERDICT_LIKELY,
    .rule_name = "stale-lock-met",
    .count = 1,
    .message = "pid 4300 met the mutex initialised in " REGISTRY "::Registry() that a vanished thread holds",
    .advice = "Fork before threads are started.",
    .process = {.pid = 4300, .ppid = 4200, .exe = EXE},
    .lock = {.address = 0x55555556a2d0,
             .address_known = true,
             .kind = "mutex",
             .type = "normal",
             .robust = true,
             .initialised_at = STACK(cxx_initialised)},
    .holder = {.tid = 4205,
               .acquire_call = "pthread_mutex_lock",
               .acquired_at = {.frames = cxx_acquired, .count = 4, .truncated = true}},
    .fork = {.pid = 4200, .tid = 4201, .stack = STACK(cxx_forked), .vanished_threads = 1},
    .victim = {.pid = 4300,
               .tid = 4300,
               .call = "pthread_mutex_timedlock",
               .stack = STACK(cxx_forked),
               .blocked_ns = 250000000,
               .blocked_known = true},
};

static const char *command[] = {EXE, "--port", "8080", "--name=my shop", NULL};

const struct report *sample_report_full(const char *source_folder)
{
	static struct finding *findings[] = {&plain, &cxx};
	static char *warnings[] = {
	    "/opt/shop/lib/libplugin.so.1 now has another build-id than the one traced: offsets only"};
	static struct report_notice notices[] = {
	    {.kind = "exec-static",
	     .text = "/bin/busybox is linked statically: what it did is not covered",
	     .path = "/bin/busybox",
	     .pid = 4290,
	     .count = 2}};
	static struct report report;
	snprintf(cache_path, sizeof(cache_path), "%s/cache.c", source_folder);
	report = (struct report){
	    .command = command,
	    .command_count = 4,
	    .duration_ns = 15000000000,
	    .duration_known = true,
	    .exit_code = -1,
	    .exit_signal = 6,
	    .exit_known = true,
	    .trace_count = 1,
	    .summary = {.by_verdict = {[VERDICT_CERTAIN] = 1, [VERDICT_LIKELY] = 1},
	                .counters_known = true,
	                .processes = 131,
	                .threads = 140,
	                .forks = 130,
	                .dropped_records = 7,
	                .suppressed = 1,
	                .cut_stacks = 2,
	                .images = 1,
	                .execs_uncovered = 2},
	    .findings = {.items = findings, .count = 2},
	    .notices = notices,
	    .notice_count = 1,
	    .warnings = {.items = warnings, .count = 1},
	};
	return &report;
}

const struct report *sample_report_clean(void)
{
	static const struct report report = {
	    .command = command,
	    .command_count = 4,
	    .started_realtime_ns = 1700000000123456789,
	    .duration_ns = 9007199254740993, /* not a double */
	    .duration_known = true,
	    .exit_known = true,
	    .trace_count = 1,
	    .summary = {.counters_known = true, .processes = 3, .threads = 9, .forks = 12, .images = 1},
	};
	return &report;
}

const struct report *sample_report_partial(void)
{
	static struct report report;
	report = *sample_report_clean();
	report.summary.forks = 1;
	report.summary.processes = 1;
	report.summary.execs_uncovered = 1;
	report.summary.images_unrecorded = 2;
	report.summary.suppressed = 4;
	return &report;
}

const struct report *sample_report_bare(void)
{
	static struct finding bare = {
	    .fingerprint = "ffffffffffffffff",
	    .verdict = VERDICT_NOTE,
	    .rule_name = "other-deadlock",
	    .count = 1,
	    .message = "a thread \033[31mwaits for itself\xff",
	    .victim = {.name = "bad\n\x9bname\xc2\x9b"},
	};
	static struct finding *findings[] = {&bare};
	static const struct report report = {
	    .summary = {.by_verdict = {[VERDICT_NOTE] = 1}},
	    .findings = {.items = findings, .count = 1},
	};
	return &report;
}

char *sample_report_render(const struct report *report, const struct renderer *renderer,
                           const struct render_options *options)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	cr_assert_not_null(out);
	cr_assert_eq(renderer->render(report, out, options), 0);
	fclose(out);
	return text;
}

static char *read_all(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");
	cr_assert_not_null(file, "%s cannot be opened", path);
	if (getdelim(&text, &size, '\0', file) < 0)
		cr_assert_fail("%s is empty", path);
	fclose(file);
	return text;
}

static void expect_line(const char *path, unsigned number, const char *expected, const char *actual)
{
	size_t expected_length = strcspn(expected, "\n"), actual_length = strcspn(actual, "\n");
	cr_assert(expected_length == actual_length && memcmp(expected, actual, actual_length) == 0,
	          "%s:%u differs\nexpected: %.*s\nactual:   %.*s", path, number, (int)expected_length,
	          expected, (int)actual_length, actual);
}

void sample_report_expect(const char *file_name, const char *text)
{
	char path[4096];
	snprintf(path, sizeof(path), TEST_DATA_FOLDER "/reports/%s", file_name);
	if (getenv("AFTERFORK_UPDATE_EXPECTED")) {
		FILE *file = fopen(path, "w");
		cr_assert_not_null(file);
		fputs(text, file);
		fclose(file);
		return;
	}
	char *expected = read_all(path);
	const char *left = expected, *right = text;
	for (unsigned number = 1; *left || *right; number++) {
		expect_line(path, number, left, right);
		left += strcspn(left, "\n");
		right += strcspn(right, "\n");
		cr_assert(*left == *right, "%s:%u: one of the texts ends here", path, number);
		left += *left == '\n';
		right += *right == '\n';
	}
	free(expected);
}
