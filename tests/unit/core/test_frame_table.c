#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_fixture.h"
#include "frame_table.h"
#include "module_map.h"

static struct frame_table table;
static char space[sizeof(struct frame_table) + 4096];

static struct kept_stack stack_of(unsigned count, const uint64_t *pc)
{
	struct kept_stack stack = {.count = count};

	for (unsigned i = 0; i < count; i++)
		stack.pc[i] = pc[i];
	return stack;
}

Test(frame_table, starts_with_the_empty_string)
{
	frame_table_init(&table);
	cr_assert_eq(table.frame_count, 0);
	cr_assert_eq(table.module_count, 0);
	cr_assert_eq(table.strings_size_bytes, 1);
	cr_assert_str_eq(table.strings, "");
}

Test(frame_table, puts_stacks_one_behind_the_other)
{
	uint64_t first_pc[] = {0x1001, 0x1002}, second_pc[] = {0x1003};
	struct kept_stack first = stack_of(2, first_pc), second = stack_of(1, second_pc);

	core_start();
	frame_table_init(&table);
	first.flags = TRACE_STACK_CUT;
	struct trace_stack one = frame_table_add_stack(&table, &first);
	struct trace_stack two = frame_table_add_stack(&table, &second);
	cr_assert_eq(one.first, 0);
	cr_assert_eq(one.count, 2);
	cr_assert_eq(one.flags, TRACE_STACK_CUT);
	cr_assert_eq(two.first, 2);
	cr_assert_eq(two.count, 1);
	cr_assert_eq(two.flags, 0);
	cr_assert_eq(table.frames[1].pc, 0x1002);
	cr_assert_eq(table.frames[2].pc, 0x1003);
	cr_assert_eq(table.frames[0].module, TRACE_MODULE_UNKNOWN);
}

Test(frame_table, marks_exact_frames)
{
	uint64_t pc[] = {0x1001, 0x1002, 0x1003};
	struct kept_stack stack = stack_of(3, pc);

	core_start();
	frame_table_init(&table);
	stack.exact = 2;
	frame_table_add_stack(&table, &stack);
	cr_assert_eq(table.frames[0].flags, 0);
	cr_assert_eq(table.frames[1].flags, TRACE_FRAME_EXACT_PC);
	cr_assert_eq(table.frames[2].flags, 0);
}

Test(frame_table, names_each_module_once)
{
	char self[TRACE_PATH_SIZE_BYTES] = "";
	uint64_t pc[] = {(uint64_t)(uintptr_t)stack_of + 1,
	                 (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "getpid") + 1,
	                 (uint64_t)(uintptr_t)core_start + 1};
	struct kept_stack stack = stack_of(3, pc);

	core_start();
	frame_table_init(&table);
	frame_table_add_stack(&table, &stack);
	cr_assert_eq(table.module_count, 2);
	cr_assert_eq(table.frames[0].module, 0);
	cr_assert_eq(table.frames[1].module, 1);
	cr_assert_eq(table.frames[2].module, 0);
	const struct trace_module *program = &table.modules[0], *libc = &table.modules[1];
	cr_assert_neq(readlink("/proc/self/exe", self, sizeof self - 1), -1);
	cr_assert_str_eq(table.strings + program->path, self);
	cr_assert_not_null(strstr(table.strings + libc->path, "libc.so.6"));
	cr_assert(program->start <= pc[0] && pc[0] < program->end);
	cr_assert(libc->start <= pc[1] && pc[1] < libc->end);
	cr_assert_eq(libc->build_id_size_bytes, 20);
	Dl_info info;
	cr_assert(dladdr((void *)(uintptr_t)pc[1], &info));
	cr_assert_eq(libc->bias, (uint64_t)(uintptr_t)info.dli_fbase);
}

/* A return address just behind a module's code belongs to the call before it. */
Test(frame_table, looks_a_return_address_up_by_the_call_before_it)
{
	core_start();
	const struct module *module = module_map_find((uint64_t)(uintptr_t)core_start);
	uint64_t pc[] = {module->end};
	struct kept_stack stack = stack_of(1, pc);

	frame_table_init(&table);
	frame_table_add_stack(&table, &stack);
	cr_assert_eq(table.frames[0].module, 0);
	cr_assert_eq(table.modules[0].end, module->end);
}

Test(frame_table, finds_the_module_of_data)
{
	static int variable;
	int local;

	core_start();
	frame_table_init(&table);
	cr_assert_eq(frame_table_add_module_of(&table, (uint64_t)(uintptr_t)&variable, true), 0);
	cr_assert_eq(frame_table_add_module_of(&table, (uint64_t)(uintptr_t)&local, true),
	             TRACE_MODULE_UNKNOWN);
	void *heap = malloc(100);
	cr_assert_eq(frame_table_add_module_of(&table, (uint64_t)(uintptr_t)heap, true),
	             TRACE_MODULE_UNKNOWN);
	free(heap);
}

Test(frame_table, leaves_out_frames_that_do_not_fit)
{
	struct kept_stack stack = {.count = TRACE_STACK_FRAMES_MAX};

	core_start();
	frame_table_init(&table);
	for (int i = 0; i < TRACE_STACKS_MAX; i++)
		cr_assert_eq(frame_table_add_stack(&table, &stack).count, TRACE_STACK_FRAMES_MAX);
	cr_assert_eq(frame_table_add_stack(&table, &stack).count, 0);
	cr_assert_eq(table.frame_count, FRAME_TABLE_FRAMES_MAX);
}

Test(frame_table, leaves_out_strings_that_do_not_fit)
{
	char text[1001];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	frame_table_init(&table);
	for (uint32_t i = 0; i < FRAME_TABLE_STRINGS_MAX / 1001; i++)
		cr_assert_eq(frame_table_add_string(&table, text), 1 + i * 1001);
	cr_assert_eq(frame_table_add_string(&table, text), 0);
	cr_assert_neq(frame_table_add_string(&table, "short"), 0);
}

Test(frame_table, places_everything_behind_the_record)
{
	uint64_t pc[] = {(uint64_t)(uintptr_t)stack_of + 1};
	struct kept_stack stack = stack_of(1, pc);
	struct trace_table_places places;
	enum { FIXED_SIZE_BYTES = 44 };

	core_start();
	frame_table_init(&table);
	frame_table_add_stack(&table, &stack);
	uint32_t hello = frame_table_add_string(&table, "hello");
	memset(space, 0xee, sizeof space);
	uint32_t size_bytes = frame_table_place(&table, space, FIXED_SIZE_BYTES, &places);
	cr_assert_eq(places.frames_offset, 48);
	cr_assert_eq(places.frame_count, 1);
	cr_assert_eq(places.modules_offset, 64);
	cr_assert_eq(places.module_count, 1);
	cr_assert_eq(places.strings_offset, 128);
	cr_assert_eq(size_bytes, places.strings_offset + places.strings_size_bytes);
	cr_assert_arr_eq(space + places.frames_offset, table.frames, sizeof(struct trace_frame));
	cr_assert_arr_eq(space + places.modules_offset, table.modules, sizeof(struct trace_module));
	cr_assert_str_eq(space + places.strings_offset + hello, "hello");
	cr_assert_arr_eq(space + FIXED_SIZE_BYTES, "\0\0\0\0", 4);
	cr_assert_eq((unsigned char)space[FIXED_SIZE_BYTES - 1], 0xee);
	cr_assert_eq((unsigned char)space[size_bytes], 0xee, "wrote behind the end");
}
