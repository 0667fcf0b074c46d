/* For cases in which a thread must stand still inside a function of libc, with libc's own lock held: many of
 * these functions allocate while they hold it. This program's allocator is glibc's, but for a thread that
 * armed the gate: one of its allocations meets the worker's two barriers, and the program forks while it is
 * in there. Include it in one file of a program only. */
#ifndef AFTERFORK_MALLOC_GATE_H
#define AFTERFORK_MALLOC_GATE_H

#include "case.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

/* Which of the thread's next allocations meets the barriers: 1 the next; 0 none. */
static __thread int gate_armed __attribute__((tls_model("initial-exec")));
static int gate_passed; /* how often a thread stood in the gate */

static void gate_pass(void)
{
	if (gate_armed == 0 || --gate_armed > 0)
		return;
	gate_passed++;
	worker_stay();
}

void *malloc(size_t size)
{
	gate_pass();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	gate_pass();
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	gate_pass();
	return __libc_realloc(memory, size);
}

/* After the worker is done: it did stand in there. */
static void gate_check(void)
{
	CHECK(gate_passed == 1);
}

#endif
