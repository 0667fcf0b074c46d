#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arena.h"
#include "core_fixture.h"

enum { THREADS = 8, ALLOCATIONS = 2000 };

Test(arena, gives_zeroed_memory_aligned_to_64)
{
	for (size_t size_bytes = 0; size_bytes < 300; size_bytes++) {
		char *memory = arena_alloc(size_bytes);

		cr_assert_not_null(memory);
		cr_assert_eq((uintptr_t)memory % 64, 0, "%zu bytes at %p", size_bytes, (void *)memory);
		for (size_t i = 0; i < size_bytes; i++)
			cr_assert_eq(memory[i], 0);
		memset(memory, 0xff, size_bytes);
	}
}

Test(arena, gives_every_size_around_the_limits_of_a_chunk)
{
	static const size_t sizes_bytes[] = {(1 << 18) - 1,  1 << 18, (1 << 18) + 1,
	                                     (1 << 20) - 64, 1 << 20, 3 << 20};

	for (size_t i = 0; i < sizeof sizes_bytes / sizeof *sizes_bytes; i++) {
		char *memory = arena_alloc(sizes_bytes[i]);

		cr_assert_not_null(memory);
		cr_assert_eq(memory[0], 0);
		cr_assert_eq(memory[sizes_bytes[i] - 1], 0);
		memset(memory, 0xff, sizes_bytes[i]);
	}
}

Test(arena, refuses_what_overflows)
{
	cr_assert_null(arena_alloc(SIZE_MAX));
	cr_assert_null(arena_alloc(SIZE_MAX - 63));
	cr_assert_null(arena_alloc(SIZE_MAX / 2));
}

Test(arena, asks_the_kernel_for_nothing_in_a_sandbox)
{
	enum { AHEAD_BYTES = 2 << 20 };
	size_t given_bytes = 0;
	char *memory;

	arena_seal(true);
	while ((memory = arena_alloc(4096))) {
		memset(memory, 0xff, 4096);
		given_bytes += 4096;
		cr_assert_lt(given_bytes, 64 << 20);
	}
	cr_assert_geq(given_bytes, AHEAD_BYTES);
	cr_assert_null(arena_alloc(1 << 20));
	arena_seal(false);
	cr_assert_not_null(arena_alloc(1 << 20));
}

Test(arena, says_so_when_the_kernel_gives_no_memory)
{
	struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
	size_t given = 0;

	if (CORE_IS_SANITIZED)
		cr_skip_test("AddressSanitizer itself ends without memory");
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	while (given < 100000 && arena_alloc(4096))
		given++;
	limit.rlim_cur = given;
	cr_assert_lt(given, 100000, "a limit of the address space was not met");
	cr_assert_null(arena_alloc(1 << 20));
}

struct share {
	pthread_t thread;
	pthread_barrier_t *start;
	struct block {
		uint64_t *words;
		size_t count;
	} block[ALLOCATIONS];
	uint64_t stamp;
};

/* Sizes from one word to some pages, so that chunks are used up by all threads at once. */
static void *allocate_many(void *argument)
{
	struct share *share = argument;
	pthread_barrier_wait(share->start);
	for (size_t i = 0; i < ALLOCATIONS; i++) {
		struct block *block = &share->block[i];
		block->count = 1 + (i * 37 + share->stamp * 11) % 700;
		block->words = arena_alloc(block->count * sizeof *block->words);
		for (size_t k = 0; block->words && k < block->count; k++)
			block->words[k] += share->stamp << 32 | i;
	}
	return NULL;
}

Test(arena, gives_racing_threads_memory_of_their_own, .timeout = 60)
{
	struct share *share = calloc(THREADS, sizeof *share);
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		share[i].start = &start;
		share[i].stamp = i + 1;
		cr_assert_eq(pthread_create(&share[i].thread, NULL, allocate_many, &share[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(share[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		for (size_t k = 0; k < ALLOCATIONS; k++) {
			const struct block *block = &share[i].block[k];
			cr_assert_not_null(block->words);
			for (size_t word = 0; word < block->count; word++)
				cr_assert_eq(block->words[word], share[i].stamp << 32 | k,
				             "thread %u, block %zu: given twice, or not zeroed", i, k);
		}
	}
	free(share);
}

Test(arena, pages_begin_at_a_page_and_overlap_nothing)
{
	enum { BLOCKS = 200 };
	static char *taken[BLOCKS][2];
	for (int i = 0; i < BLOCKS; i++) {
		taken[i][0] = arena_alloc_pages(5 * ARENA_PAGE_SIZE_BYTES);
		taken[i][1] = arena_alloc(100);
		cr_assert_eq((uintptr_t)taken[i][0] % ARENA_PAGE_SIZE_BYTES, 0);
		memset(taken[i][0], i, 5 * ARENA_PAGE_SIZE_BYTES);
		memset(taken[i][1], i + 1, 100);
	}
	for (int i = 0; i < BLOCKS; i++) {
		for (int at = 0; at < 5 * ARENA_PAGE_SIZE_BYTES; at++)
			cr_assert_eq(taken[i][0][at], (char)i);
		for (int at = 0; at < 100; at++)
			cr_assert_eq(taken[i][1][at], (char)(i + 1));
	}
}
