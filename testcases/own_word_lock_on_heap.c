/* A lock of which one word has both its state and the address of the last waiter's record, as abseil's Mutex
 * has: a worker holds it while main forks. The child waits in a record on its heap. The lock lies in a block
 * of the heap that was there before the fork.
 *
 * expect: likely waker-vanished
 *   lock: futex - -
 *   holder: acquired_at=-
 *   fork: call=fork function=main
 *   victim: function=futex_call<futex_wait<own_word_await<cache_enter<child<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include "own_word_lock.h"

enum { TAKEN = 1 };

struct record {
	char name[64];
	int is_first;
};

struct cache {
	long rows, columns;
	uintptr_t lock;
	long hits;
};

static struct cache *cache;

static void cache_enter(struct cache *self)
{
	uintptr_t before = 0;

	if (__atomic_compare_exchange_n(&self->lock, &before, TAKEN, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	struct record *record = aligned_alloc(64, sizeof(*record) + 64);
	CHECK(record);
	memset(record, 0, sizeof(*record));
	__atomic_store_n(&self->lock, (uintptr_t)record | TAKEN, __ATOMIC_RELEASE);
	own_word_await(&record->is_first);
}

static void *worker(void *unused)
{
	(void)unused;
	cache_enter(cache);
	worker_stay();
	return NULL;
}

static void child(void)
{
	cache_enter(cache);
	_exit(0);
}

int main(void)
{
	cache = calloc(1, sizeof(*cache));
	CHECK(cache);
	*cache = (struct cache){.rows = 1000, .columns = 20, .hits = 3};
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	worker_finish(thread);
	free(cache);
	return 0;
}
