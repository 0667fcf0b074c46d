/* A std::atomic_flag as a lock, in an object on the heap: a worker holds it while main forks, and the child
 * spins for ever.
 *
 * expect: likely waker-vanished
 *   lock: spinlock - -
 *   fork: call=fork function=play<main
 *   victim: function=Table::enter<child<play<main
 *   count: 1
 * exit: 0
 * native: loops
 */
#include <atomic>

#include "home_spin.h"

struct Table {
	const char *name;
	int rows;
	std::atomic_flag busy = ATOMIC_FLAG_INIT;

	void enter();
	void leave();
};

__attribute__((noinline)) void Table::enter()
{
	while (busy.test_and_set(std::memory_order_acquire))
		__builtin_ia32_pause();
}

void Table::leave()
{
	busy.clear(std::memory_order_release);
}

static Table *table;

static void *worker(void *unused)
{
	(void)unused;
	table->enter();
	worker_stay();
	table->leave();
	return NULL;
}

__attribute__((noinline)) static void child()
{
	table->enter();
	table->leave();
}

int main()
{
	table = new Table;
	table->name = "orders";
	table->rows = 7;
	play(worker, child);
	delete table;
	return 0;
}
