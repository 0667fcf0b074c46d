#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "symbolize.h"
#include "symbolize_fixture.h"

#define FIXTURE_FILE  TEST_FIXTURES_FOLDER "/libsymbolize_fixture.so"
#define FIXTURE_ID    "af0123456789abcdef0123456789abcdef012345"
#define OTHER_ID      "bb0123456789abcdef0123456789abcdef012345"
#define WITHOUT_ID_SO TEST_FIXTURES_FOLDER "/libsymbolize_fixture_without_id.so"

static struct fixture fixture;
static uint64_t bias;
static struct symbolizer *symbolizer;
static struct message_list warnings;

static void load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	cr_assert_not_null(library, "%s", dlerror());
	void (*fill)(struct fixture *) = (void (*)(struct fixture *))dlsym(library, "fixture_fill");
	struct link_map *map;
	cr_assert_eq(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
	bias = map->l_addr;
	fill(&fixture);
	symbolizer = symbolizer_new(&(struct symbolizer_options){.warnings = &warnings});
	cr_assert_not_null(symbolizer);
}

static void setup(void)
{
	load(FIXTURE_FILE);
}

static void teardown(void)
{
	symbolizer_free(symbolizer);
	message_list_release(&warnings);
}

TestSuite(symbolize, .init = setup, .fini = teardown);

/* The frames of one address; the caller frees them. */
static size_t look_up(const struct module_ref *module, const void *pc, struct frame **ret_frames)
{
	struct raw_frame raw = {.pc = (uintptr_t)pc, .module = module, .offset = (uintptr_t)pc - bias};
	size_t count = 0;
	cr_assert_eq(symbolize_frames(symbolizer, &raw, 1, ret_frames, &count), 0);
	return count;
}

static void expect_frame(const struct frame *frame, const char *function, const char *file, int line,
                         bool inlined)
{
	cr_assert_str_eq(frame->function, function);
	cr_assert_str_eq(strrchr(frame->file, '/') + 1, file);
	cr_assert_eq(frame->line, (unsigned)line, "%s: line %u, not %d", function, frame->line, line);
	cr_assert_eq(frame->inlined, inlined, "%s", function);
}

static void expect_bare(const struct module_ref *module, const void *pc)
{
	struct frame *frames;
	cr_assert_eq(look_up(module, pc, &frames), 1);
	cr_assert_eq(frames[0].pc, (uintptr_t)pc);
	cr_assert_eq(frames[0].offset, (uintptr_t)pc - bias);
	cr_assert_eq(frames[0].module, module->path);
	cr_assert_null(frames[0].function);
	cr_assert_null(frames[0].file);
	cr_assert_eq(frames[0].line, 0);
	free(frames);
}

static const char *name_of(const struct module_ref *module, const void *address)
{
	return symbolize_data(symbolizer, module, (uintptr_t)address - bias);
}

static const struct module_ref whole = {FIXTURE_FILE, FIXTURE_ID};

Test(symbolize, gives_function_file_and_line)
{
	struct frame *frames;
	cr_assert_eq(look_up(&whole, fixture.plain.pc, &frames), 1);
	expect_frame(&frames[0], "fixture_plain", "symbolize_fixture_c.c", fixture.plain.lines[0], false);
	cr_assert_eq(frames[0].pc, (uintptr_t)fixture.plain.pc);
	cr_assert_str_eq(frames[0].build_id, FIXTURE_ID);
	free(frames);
	cr_assert_eq(warnings.count, 0);
}

Test(symbolize, gives_names_alone_where_asked_for_no_more)
{
	struct frame *frames;
	symbolizer_free(symbolizer);
	symbolizer = symbolizer_new(&(struct symbolizer_options){.names_only = true, .warnings = &warnings});
	cr_assert_eq(look_up(&whole, fixture.plain.pc, &frames), 1);
	cr_assert_str_eq(frames[0].function, "fixture_plain");
	cr_assert_null(frames[0].file);
	free(frames);
	cr_assert_eq(look_up(&whole, fixture.inlined.pc, &frames), 1);
	free(frames);
	cr_assert_eq(warnings.count, 0);
}

Test(symbolize, gives_inlined_functions_innermost_first_with_the_lines_of_their_calls)
{
	struct frame *frames;
	const int *lines = fixture.inlined.lines;
	const char *file = "symbolize_fixture.cc";
	cr_assert_eq(look_up(&whole, fixture.inlined.pc, &frames), 4);
	cr_assert(strstr(frames[0].function, "fixture_space::inner<fixture>"), "%s", frames[0].function);
	expect_frame(&frames[0], frames[0].function, file, lines[0], true);
	cr_assert(strstr(frames[1].function, "fixture_space::Walker::walk"), "%s", frames[1].function);
	expect_frame(&frames[1], frames[1].function, file, lines[1], true);
	cr_assert(strstr(frames[2].function, "fixture_space::outer(fixture*, int)::"), "%s",
	          frames[2].function);
	expect_frame(&frames[2], frames[2].function, file, lines[2], true);
	expect_frame(&frames[3], "fixture_space::outer(fixture*, int)", file, lines[3], false);
	free(frames);
}

Test(symbolize, looks_a_return_address_up_in_the_call_before_it)
{
	/* fixture_here()'s first byte: as a return address it belongs to what stands before, or to nothing.
	 */
	struct raw_frame raw = {.pc = 1, .module = &whole, .exact_pc = true};
	void *here = dlsym(dlopen(FIXTURE_FILE, RTLD_NOW), "fixture_here");
	struct frame *exact, *returned;
	size_t count;
	raw.offset = (uintptr_t)here - bias;
	cr_assert_eq(symbolize_frames(symbolizer, &raw, 1, &exact, &count), 0);
	raw.exact_pc = false;
	cr_assert_eq(symbolize_frames(symbolizer, &raw, 1, &returned, &count), 0);
	cr_assert_str_eq(exact[0].function, "fixture_here");
	cr_assert(!returned[0].function || strcmp(returned[0].function, "fixture_here") != 0);
	cr_assert_eq(returned[0].offset, raw.offset);
	free(exact);
	free(returned);
}

Test(symbolize, names_static_functions_from_symbols_alone)
{
	const struct module_ref module = {TEST_FIXTURES_FOLDER "/symbols_only.so", FIXTURE_ID};
	struct frame *frames;
	cr_assert_eq(look_up(&module, fixture.hidden.pc, &frames), 1);
	cr_assert_str_eq(frames[0].function, "hidden_place");
	cr_assert_null(frames[0].file);
	free(frames);
	cr_assert_eq(look_up(&module, fixture.inlined.pc, &frames), 1);
	cr_assert_str_eq(frames[0].function, "fixture_space::outer(fixture*, int)");
	free(frames);
	cr_assert_str_eq(name_of(&module, fixture.static_mutex), "static_mutex");
	cr_assert_eq(warnings.count, 0);
}

Test(symbolize, never_takes_the_nearest_symbol_for_a_stripped_static_function)
{
	const struct module_ref module = {TEST_FIXTURES_FOLDER "/stripped.so", FIXTURE_ID};
	struct frame *frames;
	expect_bare(&module, fixture.hidden.pc);
	cr_assert_eq(look_up(&module, fixture.plain.pc, &frames), 1);
	cr_assert_str_eq(frames[0].function, "fixture_plain");
	free(frames);
	cr_assert_null(name_of(&module, fixture.static_mutex));
	cr_assert_str_eq(name_of(&module, fixture.global), "fixture_global_mutex");
	cr_assert_eq(warnings.count, 0);
}

Test(symbolize, finds_a_separate_debug_file_by_its_link)
{
	const struct module_ref module = {TEST_FIXTURES_FOLDER "/separate.so", FIXTURE_ID};
	struct frame *frames;
	cr_assert_eq(look_up(&module, fixture.hidden.pc, &frames), 1);
	expect_frame(&frames[0], "hidden_place", "symbolize_fixture_c.c", fixture.hidden.lines[0], false);
	free(frames);
	cr_assert_str_eq(name_of(&module, fixture.member), "server.cache.slots[2].mutex");
}

Test(symbolize, takes_a_debug_file_in_place_of_the_module)
{
	const struct module_ref module = {TEST_FIXTURES_FOLDER "/separate.debug", FIXTURE_ID};
	struct frame *frames;
	cr_assert_eq(look_up(&module, fixture.hidden.pc, &frames), 1);
	expect_frame(&frames[0], "hidden_place", "symbolize_fixture_c.c", fixture.hidden.lines[0], false);
	free(frames);
}

/* The kernel's form of sigaction, which tells where a handler returns to: in libc, without a symbol. */
struct kernel_action {
	void *handler;
	unsigned long flags;
	void *returns_to;
	unsigned long mask;
};

static void ignore_signal(int number)
{
	(void)number;
}

static void build_id_of(const char *path, char ret_hex[64])
{
	const unsigned char *id;
	int file = open(path, O_RDONLY);

	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(file, ELF_C_READ, NULL);
	ssize_t size_bytes = dwelf_elf_gnu_build_id(elf, (const void **)&id);
	cr_assert(size_bytes > 0 && size_bytes < 32);
	for (ssize_t i = 0; i < size_bytes; i++)
		sprintf(ret_hex + 2 * i, "%02x", id[i]);
	elf_end(elf);
	close(file);
}

Test(symbolize, names_what_a_signal_handler_returns_to)
{
	char build_id[64];
	struct kernel_action action;
	Dl_info info;
	struct frame *frames;

	signal(SIGUSR1, ignore_signal);
	cr_assert_eq(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, sizeof(action.mask)), 0);
	cr_assert(dladdr(action.returns_to, &info));
	build_id_of(info.dli_fname, build_id);
	const struct module_ref libc = {info.dli_fname, build_id};
	bias = (uintptr_t)info.dli_fbase;
	cr_assert_eq(look_up(&libc, action.returns_to, &frames), 1);
	cr_assert_str_eq(frames[0].function, "<signal handler called>");
	free(frames);
	cr_assert_eq(look_up(&libc, (char *)action.returns_to + 64, &frames), 1);
	cr_assert(!frames[0].function || strcmp(frames[0].function, "<signal handler called>"));
	free(frames);
}

Test(symbolize, names_variables)
{
	cr_assert_str_eq(name_of(&whole, fixture.global), "fixture_global_mutex");
	cr_assert_str_eq(name_of(&whole, fixture.static_mutex), "static_mutex");
	cr_assert_str_eq(name_of(&whole, fixture.local_static), "local_static()::mutex");
	cr_assert_str_eq(name_of(&whole, fixture.anonymous),
	                 "fixture_space::(anonymous namespace)::anonymous_mutex");
	const char *local = name_of(&whole, fixture.cxx_local_static);
	cr_assert(strncmp(local, "fixture_space::local(", 21) == 0, "%s", local);
	cr_assert_str_eq(strrchr(local, ')'), ")::mutex");
}

Test(symbolize, names_members_and_elements)
{
	cr_assert_str_eq(name_of(&whole, fixture.member), "server.cache.slots[2].mutex");
	cr_assert_str_eq(name_of(&whole, (const char *)fixture.member + 8),
	                 "server.cache.slots[2].mutex+0x8");
	cr_assert_str_eq(name_of(&whole, fixture.grid), "server.grid[1][2]");
	cr_assert_str_eq(name_of(&whole, fixture.shard), "fixture_space::registry.shards[5].mutex");
	cr_assert_null(symbolize_data(symbolizer, &whole, 0x7fffffff));
	cr_assert_null(symbolize_data(symbolizer, NULL, 0));
}

Test(symbolize, gives_offsets_only_for_another_build_and_warns_once)
{
	const struct module_ref module = {FIXTURE_FILE, OTHER_ID};
	expect_bare(&module, fixture.plain.pc);
	expect_bare(&module, fixture.hidden.pc);
	cr_assert_null(name_of(&module, fixture.global));
	cr_assert_eq(warnings.count, 1);
	cr_assert_str_eq(warnings.items[0], FIXTURE_FILE " now has another build-id than the one traced: "
	                                                 "offsets only; give the file with build-id " OTHER_ID
	                                                 " (--sysroot) or its debug file (/usr/lib/debug)");
}

Test(symbolize, gives_offsets_only_for_a_file_that_is_gone)
{
	const struct module_ref module = {"/nowhere/libgone.so.1", FIXTURE_ID};
	expect_bare(&module, fixture.plain.pc);
	cr_assert_eq(warnings.count, 1);
	cr_assert_str_eq(
	    warnings.items[0],
	    "/nowhere/libgone.so.1 is gone: offsets only; give the file with build-id " FIXTURE_ID
	    " (--sysroot) or its debug file (/usr/lib/debug)");
}

Test(symbolize, refuses_a_file_with_a_build_id_where_none_was_traced)
{
	const struct module_ref module = {FIXTURE_FILE, NULL};
	expect_bare(&module, fixture.plain.pc);
	cr_assert_eq(warnings.count, 1);
	cr_assert(strstr(warnings.items[0], "the one traced had none"), "%s", warnings.items[0]);
}

Test(symbolize, neither_opens_nor_waits_for_what_is_no_file)
{
	char fifo[] = "/tmp/afterfork-fifo-XXXXXX";
	cr_assert_not_null(mkdtemp(fifo));
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/pipe", fifo);
	cr_assert_eq(mkfifo(path, 0600), 0);
	const struct module_ref modules[] = {
	    {path, NULL}, {"[vdso]", NULL}, {"", NULL}, {TEST_FIXTURES_FOLDER, OTHER_ID}};
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		expect_bare(&modules[i], fixture.plain.pc);
	cr_assert_eq(warnings.count, 2); /* the pipe and the folder */
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rmdir(fifo), 0);
}

Test(symbolize, keeps_an_address_in_no_module)
{
	struct raw_frame raw = {.pc = 0x1234};
	struct frame *frames;
	size_t count;
	cr_assert_eq(symbolize_frames(symbolizer, &raw, 1, &frames, &count), 0);
	cr_assert_eq(count, 1);
	cr_assert_eq(frames[0].pc, 0x1234);
	cr_assert_null(frames[0].module);
	cr_assert_null(frames[0].function);
	free(frames);
}

Test(symbolize, looks_into_the_sysroot_first)
{
	const struct module_ref module = {"/libsymbolize_fixture.so", FIXTURE_ID};
	struct frame *frames;
	symbolizer_free(symbolizer);
	symbolizer = symbolizer_new(
	    &(struct symbolizer_options){.sysroot = TEST_FIXTURES_FOLDER, .warnings = &warnings});
	cr_assert_eq(look_up(&module, fixture.plain.pc, &frames), 1);
	cr_assert_str_eq(frames[0].function, "fixture_plain");
	free(frames);
	cr_assert_eq(warnings.count, 0);
}

Test(symbolize_unverified, takes_a_file_on_trust_and_says_so, .init = NULL, .fini = teardown)
{
	const struct module_ref module = {WITHOUT_ID_SO, NULL};
	struct frame *frames;
	load(WITHOUT_ID_SO);
	cr_assert_eq(look_up(&module, fixture.plain.pc, &frames), 1);
	expect_frame(&frames[0], "fixture_plain", "symbolize_fixture_c.c", fixture.plain.lines[0], false);
	free(frames);
	cr_assert_eq(warnings.count, 1);
	cr_assert(strstr(warnings.items[0], "has no build-id"), "%s", warnings.items[0]);
}
