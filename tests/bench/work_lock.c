/* Lock/unlock pairs of one thread that nobody disturbs. An operation is a pair.
 *   --mutexes=N   take the next of N mutexes each time
 *   --nested=N    take N mutexes, then let go of all; counts as N operations
 *   --fifo=1      with --nested: let go of the first taken first
 *   --depth=N     with N frames of ours between main() and the pair
 *   --held=N      while N other mutexes are held all along
 *   --idle=N      beside N threads that sleep; 0 lets glibc skip its atomic instructions */
#include <pthread.h>
#include <stdlib.h>

#include "measure.h"

struct pairs {
	pthread_mutex_t *mutex;
	uint64_t mutexes, nested, is_fifo, depth;
};

static pthread_mutex_t *make_mutexes(uint64_t count)
{
	pthread_mutex_t *made = aligned_alloc(64, (count ? count : 1) * 64);
	for (uint64_t i = 0; i < count; i++)
		measure_check(pthread_mutex_init(&made[i], NULL), "pthread_mutex_init");
	return made;
}

static void lock_one(const struct pairs *pairs, uint64_t count)
{
	pthread_mutex_t *mutex = pairs->mutex;
	for (uint64_t i = 0; i < count; i++) {
		pthread_mutex_lock(mutex);
		pthread_mutex_unlock(mutex);
	}
}

static void lock_in_turn(const struct pairs *pairs, uint64_t count)
{
	for (uint64_t i = 0, next = 0; i < count; i++) {
		pthread_mutex_lock(&pairs->mutex[next]);
		pthread_mutex_unlock(&pairs->mutex[next]);
		next = next + 1 == pairs->mutexes ? 0 : next + 1;
	}
}

static void lock_nested(const struct pairs *pairs, uint64_t count)
{
	uint64_t last = pairs->nested - 1;
	for (uint64_t i = 0; i < count; i++) {
		for (uint64_t k = 0; k <= last; k++)
			pthread_mutex_lock(&pairs->mutex[k]);
		for (uint64_t k = 0; k <= last; k++)
			pthread_mutex_unlock(&pairs->mutex[pairs->is_fifo ? k : last - k]);
	}
}

/* The frames below are real ones: the empty asm after the call forbids a tail call. */
static __attribute__((noinline)) void descend(const struct pairs *pairs, uint64_t count, uint64_t depth)
{
	if (depth > 0)
		descend(pairs, count, depth - 1);
	else if (pairs->nested > 1)
		lock_nested(pairs, count);
	else if (pairs->mutexes > 1)
		lock_in_turn(pairs, count);
	else
		lock_one(pairs, count);
	__asm__ volatile("" ::: "memory");
}

static void run(void *context, uint64_t count)
{
	struct pairs *pairs = context;
	descend(pairs, count, pairs->depth);
}

int main(int argc, char *argv[])
{
	(void)argc;
	measure_init(MEASURE_PINNED);
	measure_start_idle_threads(measure_option(argv, "idle", 1));
	struct pairs pairs = {
	    .mutexes = measure_option(argv, "mutexes", 1),
	    .nested = measure_option(argv, "nested", 1),
	    .is_fifo = measure_option(argv, "fifo", 0),
	    .depth = measure_option(argv, "depth", 0),
	};
	uint64_t held = measure_option(argv, "held", 0);
	pairs.mutex = make_mutexes(pairs.mutexes + pairs.nested);
	pthread_mutex_t *others = make_mutexes(held);
	for (uint64_t i = 0; i < held; i++)
		pthread_mutex_lock(&others[i]);
	measure_run(run, &pairs, pairs.nested);
	return 0;
}
