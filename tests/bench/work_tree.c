/* Code whose stacks vary: an operation walks down a tree of calls, at each level through a call site picked
 * at random, and takes and lets go of a lock at the bottom. Every call site is an instruction of its own, and
 * functions have frames of different sizes.
 *   --shape=4   4 levels of 8 call sites: 4,096 stacks that differ in their 4 innermost frames
 *   --shape=12  12 levels of 2 call sites: 4,096 stacks
 *   --run=N     N operations in a row take the same path
 *   --held=N    while N other locks are held all along */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile uint64_t sink;

static inline void lock_here(void)
{
	pthread_mutex_lock(&mutex);
	sink++;
	pthread_mutex_unlock(&mutex);
}

/* A frame of `words` more words; the asm keeps the array and forbids tail calls. */
#define FRAME(words)                                                                                         \
	uint64_t kept[words];                                                                                \
	__asm__ volatile("" : "=m"(kept))
#define FRAME_END() __asm__ volatile("" ::"m"(kept) : "memory")

#define CASE(number, call)                                                                                   \
	case number:                                                                                         \
		call;                                                                                        \
		__asm__ volatile("# " #number);                                                              \
		break;

#define LEVEL_OF_8(name, words, call)                                                                        \
	static __attribute__((noinline)) void name(uint64_t path)                                            \
	{                                                                                                    \
		FRAME(words);                                                                                \
		switch (path & 7) {                                                                          \
			CASE(0, call)                                                                        \
			CASE(1, call)                                                                        \
			CASE(2, call) CASE(3, call) CASE(4, call) CASE(5, call) CASE(6, call) CASE(7, call)  \
		}                                                                                            \
		FRAME_END();                                                                                 \
	}

LEVEL_OF_8(wide_4, 2, lock_here())
LEVEL_OF_8(wide_3, 6, wide_4(path >> 3))
LEVEL_OF_8(wide_2, 4, wide_3(path >> 3))
LEVEL_OF_8(wide_1, 10, wide_2(path >> 3))

#define LEVEL_OF_2(name, words_left, words_right, call)                                                      \
	static __attribute__((noinline)) void name##_left(uint64_t path)                                     \
	{                                                                                                    \
		FRAME(words_left);                                                                           \
		call;                                                                                        \
		FRAME_END();                                                                                 \
	}                                                                                                    \
	static __attribute__((noinline)) void name##_right(uint64_t path)                                    \
	{                                                                                                    \
		FRAME(words_right);                                                                          \
		call;                                                                                        \
		FRAME_END();                                                                                 \
	}
#define EITHER(name) path & 1 ? name##_left(path >> 1) : name##_right(path >> 1)

LEVEL_OF_2(deep_12, 2, 4, (void)path; lock_here())
LEVEL_OF_2(deep_11, 6, 4, EITHER(deep_12))
LEVEL_OF_2(deep_10, 2, 2, EITHER(deep_11))
LEVEL_OF_2(deep_9, 2, 8, EITHER(deep_10))
LEVEL_OF_2(deep_8, 12, 4, EITHER(deep_9))
LEVEL_OF_2(deep_7, 4, 4, EITHER(deep_8))
LEVEL_OF_2(deep_6, 2, 4, EITHER(deep_7))
LEVEL_OF_2(deep_5, 2, 20, EITHER(deep_6))
LEVEL_OF_2(deep_4, 8, 4, EITHER(deep_5))
LEVEL_OF_2(deep_3, 2, 2, EITHER(deep_4))
LEVEL_OF_2(deep_2, 6, 4, EITHER(deep_3))
LEVEL_OF_2(deep_1, 2, 4, EITHER(deep_2))

struct tree {
	uint64_t shape, run;
	uint64_t random, path, left; /* go on from batch to batch: a repeated sequence would be learned */
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 20;
}

static void run(void *context, uint64_t count)
{
	struct tree *tree = context;
	for (uint64_t i = 0; i < count; i++, tree->left--) {
		if (tree->left == 0) {
			tree->path = next_random(&tree->random);
			tree->left = tree->run;
		}
		uint64_t path = tree->path;
		if (tree->shape == 4)
			wide_1(path);
		else
			EITHER(deep_1);
	}
}

static void hold_others(uint64_t count)
{
	pthread_mutex_t *others = calloc(count + 1, sizeof *others);
	measure_check(others ? 0 : ENOMEM, "calloc");
	for (uint64_t i = 0; i < count; i++)
		pthread_mutex_lock(&others[i]);
}

int main(int argc, char *argv[])
{
	(void)argc;
	struct tree tree = {.shape = measure_option(argv, "shape", 12),
	                    .run = measure_option(argv, "run", 1),
	                    .random = 88172645463325252u};
	if ((tree.shape != 4 && tree.shape != 12) || tree.run == 0) {
		fprintf(stderr, "work_tree: --shape is 4 or 12, --run at least 1\n");
		return 2;
	}
	measure_init(MEASURE_PINNED);
	measure_start_idle_threads(1);
	hold_others(measure_option(argv, "held", 0));
	measure_run(run, &tree, 1);
	return 0;
}
