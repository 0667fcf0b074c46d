/* Walked and captured stacks against libunwind's. */
#include <alloca.h>
#include <pthread.h>
#include <stdlib.h>

#include "call_stack_fixture.h"

static NOINLINE WITH_FRAME_POINTER unsigned recurse_alternating(unsigned depth)
{
	volatile char *space = depth % 3 ? alloca(depth * 16) : NULL;
	if (space)
		space[0] = 1;
	if (depth)
		sink += recurse(1, check_stack) + recurse_alternating(depth - 1);
	else
		check_stack();
	return sink;
}

static int compare_by_checking(const void *a, const void *b)
{
	check_stack();
	return *(const int *)a - *(const int *)b;
}

Test(call_stack, walks_functions_with_and_without_frame_pointer)
{
	for (int i = 0; i < 3; i++) {
		with_frame_pointer();
		without_frame_pointer();
	}
	expect_complete(5);
}

Test(call_stack, walks_variable_frames)
{
	for (unsigned size = 1; size < 3000; size += 37) {
		with_alloca(size, with_frame_pointer);
		with_alloca(size, without_frame_pointer);
		with_alloca(size, check_stack);
	}
	expect_complete(4);
}

Test(call_stack, walks_deep_stacks_and_mixed_ones)
{
	recurse(100, check_stack);
	expect_complete(101);
	recurse_alternating(30);
	expect_complete(30);
	cr_expect_gt(checks, 30);
}

Test(call_stack, walks_through_libc)
{
	int numbers[] = {5, 3, 4, 1, 2};
	qsort(numbers, 5, sizeof numbers[0], compare_by_checking);
	expect_complete(6);
}

/* Eight callers of the same shape below eight of the same shape: pc[0] and sp never change. */
#define CALLERS(name, next)                                                                                  \
	static NOINLINE void name(unsigned path)                                                             \
	{                                                                                                    \
		switch (path & 7) {                                                                          \
		case 0:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 1;                                                                           \
			break;                                                                               \
		case 1:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 2;                                                                           \
			break;                                                                               \
		case 2:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 3;                                                                           \
			break;                                                                               \
		case 3:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 4;                                                                           \
			break;                                                                               \
		case 4:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 5;                                                                           \
			break;                                                                               \
		case 5:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 6;                                                                           \
			break;                                                                               \
		case 6:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 7;                                                                           \
			break;                                                                               \
		default:                                                                                     \
			next(path >> 3);                                                                     \
			sink += 8;                                                                           \
		}                                                                                            \
	}
static NOINLINE void leaf(unsigned unused)
{
	(void)unused;
	check_stack();
	sink++;
}
CALLERS(inner, leaf)
CALLERS(middle, inner)
CALLERS(outer, middle)

Test(call_stack, cache_tells_callers_apart_that_share_return_address_and_sp)
{
	for (unsigned i = 0; i < 2000; i++)
		outer(i * 2654435761u >> 9);
	expect_complete(6);
}

/* The same return addresses and sp inside, frames of different size outside, told by rbp only. */
static NOINLINE void second_alloca(unsigned size)
{
	with_alloca(size, check_stack);
	sink++;
}
static NOINLINE void first_alloca(unsigned size, unsigned total)
{
	volatile char *space = alloca(size);
	memset((char *)space, (int)size, size);
	second_alloca(total - size);
	sink += space[0];
}

Test(call_stack, cache_tells_variable_frames_apart_that_share_return_address_and_sp)
{
	for (unsigned round = 0; round < 3; round++)
		for (unsigned size = 64; size < 2000; size += 64)
			first_alloca(size, 2048);
	expect_complete(5);
}

static void *check_in_thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++) {
		check_stack();
		without_frame_pointer();
		recurse(3, with_frame_pointer);
	}
	return NULL;
}

Test(call_stack, walks_to_the_first_frame_of_a_thread)
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, check_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	expect_complete(6);
	cr_expect_eq(checks, 9);
}
