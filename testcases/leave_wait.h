/* For cases in which a signal handler leaves a wait for slot_lock, or looks as if it could. */
#ifndef AFTERFORK_CASE_LEAVE_WAIT_H
#define AFTERFORK_CASE_LEAVE_WAIT_H

#include "case.h"
#include <setjmp.h>
#include <sys/mman.h>

static pthread_mutex_t slot_lock = PTHREAD_MUTEX_INITIALIZER;

static void slot_use(void)
{
	CHECK(pthread_mutex_lock(&slot_lock) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&slot_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	slot_use();
	return NULL;
}

static sigjmp_buf way_out;
static int rings_left; /* before the handler leaves */

__attribute__((unused)) static void leave(int number)
{
	if (rings_left-- > 0)
		alarm(1);
	else
		siglongjmp(way_out, number);
}

__attribute__((unused)) static void leave_on(int number, int rings_before)
{
	rings_left = rings_before;
	CHECK(signal(number, leave) != SIG_ERR);
}

/* Counts in memory that the parent sees. */
static volatile int *rung;

__attribute__((unused)) static void count(int number)
{
	(void)number;
	*rung = *rung + 1;
}

__attribute__((unused)) static void count_on(int number)
{
	void *page = mmap(NULL, sizeof(*rung), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	rung = (volatile int *)page;
	CHECK(signal(number, count) != SIG_ERR);
}

#endif
