/* The child of a program with a libgomp pool takes an OpenMP lock twice, which hangs in any process.
 * libgomp's threads did vanish, but a lock is not what they are met at: never certain.
 *
 * expect: likely waker-vanished
 *   lock: futex - table_lock._x[0]
 *   victim: function=?<table_enter<child<main
 * exit: 0
 * native: hangs
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <omp.h>

#include "case.h"

enum { THREADS = 4 };

static omp_lock_t table_lock;

static int sum_parallel(void)
{
	int sum = 0;

#pragma omp parallel num_threads(THREADS) reduction(+ : sum)
	sum += 1;
	return sum;
}

static void table_enter(void)
{
	omp_set_lock(&table_lock);
}

static void child(void)
{
	table_enter();
	table_enter();
	_exit(0);
}

int main(void)
{
	omp_init_lock(&table_lock);
	CHECK(sum_parallel() == THREADS);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	return 0;
}
