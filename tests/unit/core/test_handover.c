/* Work handed to threads that vanished: what counts as such, and what does not. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child_wait.h"
#include "core_fixture.h"
#include "handover.h"
#include "trace_writer.h"
#include "wake_site.h"

enum { WORKER = 100001, OTHER_WORKER = 100002, OWN = 100003 };

static struct thread_record *self, *worker;
static pthread_cond_t *work;

static void sleep_on(struct thread_record *thread, const void *object, enum trace_lock_kind kind)
{
	const struct call_registers regs = {.pc = 0x1000};
	uint32_t index = thread_record_want(thread, object, kind, CALL_pthread_cond_wait, &regs);

	cr_assert_neq(index, UINT32_MAX);
	thread_record_set(thread, index, TRACE_HOLD_WAITING);
}

/* In glibc's condition variable one waiter counts 8. */
static void count_waiters(unsigned count)
{
	work->__data.__wrefs = count << 3;
}

static void start(void)
{
	self = core_start();
	work = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(work, MAP_FAILED);
	worker = core_invent_thread(WORKER);
	sleep_on(worker, work, TRACE_LOCK_CONDVAR);
	count_waiters(1);
}

TestSuite(handover, .init = start);

static void wake(const void *object, enum trace_lock_kind kind)
{
	const struct call_registers regs = core_registers();

	handover_note(self, object, kind, CALL_pthread_cond_signal, &regs);
}

Test(handover, names_who_slept_on_what_was_woken)
{
	sleep_on(core_invent_thread(OTHER_WORKER), work, TRACE_LOCK_CONDVAR);
	core_become_child(self);
	cr_assert_null(handover_find());
	wake(work, TRACE_LOCK_CONDVAR);
	const struct handover *last = handover_find();
	cr_assert_not_null(last);
	cr_assert_eq(last->object, work);
	cr_assert_eq(last->waiting_count, 2);
	cr_assert(last->waiter->tid == WORKER || last->waiter->tid == OTHER_WORKER);
	cr_assert_eq(last->tid, self->tid);
	cr_assert_gt(last->stack.count, 0);
	cr_assert_eq(last->count, 1);
	wake(work, TRACE_LOCK_CONDVAR);
	cr_assert_eq(last->count, 2);
}

Test(handover, is_none_where_the_object_counts_no_waiters)
{
	core_become_child(self);
	count_waiters(0); /* made anew */
	wake(work, TRACE_LOCK_CONDVAR);
	cr_assert_null(handover_find());
}

Test(handover, is_none_where_nobody_is_known_to_have_slept)
{
	core_become_child(self);
	wake((char *)work + 1024, TRACE_LOCK_FUTEX);
	cr_assert_null(handover_find());
}

Test(handover, is_none_where_a_thread_of_the_child_sleeps_there_too)
{
	core_become_child(self);
	sleep_on(core_invent_thread(OWN), work, TRACE_LOCK_CONDVAR);
	wake(work, TRACE_LOCK_CONDVAR);
	cr_assert_null(handover_find());
}

static void let_own_thread_sleep_beside(void)
{
	core_become_child(self);
	sleep_on(core_invent_thread(OWN), work, TRACE_LOCK_CONDVAR);
	count_waiters(2);
}

Test(handover, may_be_by_a_signal_that_is_for_who_vanished)
{
	let_own_thread_sleep_beside();
	wake(work, TRACE_LOCK_CONDVAR);
	const struct handover *last = handover_find();
	cr_assert_not_null(last);
	cr_assert_eq(last->waiter, worker);
	cr_assert_eq(last->waiting_count, 1);
}

Test(handover, is_none_by_a_broadcast_beside_a_thread_of_the_child)
{
	const struct call_registers regs = core_registers();

	let_own_thread_sleep_beside();
	handover_note(self, work, TRACE_LOCK_CONDVAR, CALL_pthread_cond_broadcast, &regs);
	cr_assert_null(handover_find());
}

/* The worker slept, was woken and is at work. */
static void let_worker_be_busy(void)
{
	uint64_t sleeps = 2;

	thread_record_remove(worker, thread_record_find(worker, work));
	count_waiters(0);
	memcpy(work, &sleeps, sizeof(sleeps));
}

Test(handover, names_a_worker_that_was_busy)
{
	let_worker_be_busy();
	core_become_child(self);
	wake(work, TRACE_LOCK_CONDVAR);
	const struct handover *last = handover_find();
	cr_assert_not_null(last);
	cr_assert_eq(last->waiting_count, 0);
	cr_assert_eq(last->waiter, worker);
	cr_assert_not_null(last->past);
	cr_assert_eq(last->past->call, CALL_pthread_cond_wait);
	cr_assert_eq(last->past->pc[0], 0x1000);
}

Test(handover, is_none_where_nobody_ever_slept)
{
	let_worker_be_busy();
	memset(work, 0, sizeof(*work)); /* made anew */
	core_become_child(self);
	wake(work, TRACE_LOCK_CONDVAR);
	cr_assert_null(handover_find());
}

Test(handover, is_none_where_a_thread_of_the_child_used_to_sleep)
{
	let_worker_be_busy();
	sleep_on(self, work, TRACE_LOCK_CONDVAR);
	thread_record_remove(self, thread_record_find(self, work));
	core_become_child(self);
	wake(work, TRACE_LOCK_CONDVAR);
	cr_assert_null(handover_find());
}

Test(handover, to_who_slept_says_more_than_to_who_was_busy)
{
	pthread_cond_t *other = work + 1;

	let_worker_be_busy();
	sleep_on(core_invent_thread(OTHER_WORKER), other, TRACE_LOCK_CONDVAR);
	other->__data.__wrefs = 1 << 3;
	core_become_child(self);
	wake(other, TRACE_LOCK_CONDVAR);
	wake(work, TRACE_LOCK_CONDVAR);
	cr_assert_eq(handover_find()->object, other);
}

Test(handover, by_a_semaphore_is_to_who_took_and_never_posted)
{
	sem_t *requests = (sem_t *)((char *)work + 1024);
	const struct call_registers regs = core_registers();

	sem_init(requests, 0, 0);
	wake_site_init(requests, 0);
	thread_record_set(worker,
	                  thread_record_want(worker, requests, TRACE_LOCK_SEMAPHORE, CALL_sem_wait, &regs),
	                  TRACE_HOLD_HELD);
	core_become_child(self);
	wake(requests, TRACE_LOCK_SEMAPHORE);
	cr_assert_eq(handover_find()->waiter, worker);
	cr_assert_eq(handover_find()->waiting_count, 0);
	cr_assert_null(handover_find()->past);
}

Test(handover, by_a_semaphore_that_may_be_a_lock_is_none)
{
	sem_t *lock = (sem_t *)((char *)work + 1024);
	const struct call_registers regs = core_registers();

	sem_init(lock, 0, 0);
	wake_site_init(lock, 1);
	thread_record_set(worker,
	                  thread_record_want(worker, lock, TRACE_LOCK_SEMAPHORE, CALL_sem_wait, &regs),
	                  TRACE_HOLD_HELD);
	core_become_child(self);
	wake(lock, TRACE_LOCK_SEMAPHORE);
	cr_assert_null(handover_find());
}

Test(handover, is_none_in_a_child_handler)
{
	core_become_child(self);
	process.in_handlers = self;
	wake(work, TRACE_LOCK_CONDVAR);
	cr_assert_null(handover_find());
}

Test(handover, ends_when_another_thread_comes_for_the_work)
{
	core_become_child(self);
	wake(work, TRACE_LOCK_CONDVAR);
	handover_look_for_taker(self, work);
	handover_look_for_taker(core_invent_thread(OWN), (char *)work + 64);
	cr_assert_not_null(handover_find());
	handover_look_for_taker(core_invent_thread(OWN + 1), work);
	cr_assert_null(handover_find());
}

Test(handover, is_not_that_of_a_child_of_the_child)
{
	core_become_child(self);
	wake(work, TRACE_LOCK_CONDVAR);
	core_become_child(self);
	cr_assert_null(handover_find());
}

/* In a process of its own: the test's has a thread of the test library. */
static struct child_use wait_for_semaphore(sem_t *semaphore, bool has_taken_it)
{
	const struct call_registers regs = core_registers();
	struct child_use *use =
	    mmap(NULL, sizeof *use, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i <= has_taken_it; i++)
			thread_record_want(self, semaphore, TRACE_LOCK_SEMAPHORE, CALL_sem_wait, &regs);
		use->attempt = CHILD_LOCK;
		child_wait_semaphore(use, self, semaphore, CALL_sem_wait, &regs);
		_exit(0);
	}
	cr_assert_eq(core_wait(pid), 0);
	return *use;
}

static sem_t *make_semaphore(void)
{
	sem_t *semaphore = (sem_t *)((char *)work + 512);

	sem_init(semaphore, 0, 0);
	wake_site_init(semaphore, 0);
	return semaphore;
}

Test(handover, explains_the_wait_for_an_answer)
{
	core_become_child(self);
	sem_t *before = make_semaphore();
	cr_assert_eq(wait_for_semaphore(before, false).suspect.observed, 0);
	wake(work, TRACE_LOCK_CONDVAR);
	struct child_use use = wait_for_semaphore(before, false);
	cr_assert_eq(use.suspect.observed, TRACE_WAITS_FOR_HANDED_WORK);
	cr_assert_eq(use.suspect.holder, worker);
	cr_assert_eq(use.suspect.holder_tid, WORKER);
	cr_assert_not_null(use.handle.record, "it may not come back: written before");
	/* A lock that it takes twice. */
	cr_assert_eq(wait_for_semaphore(before, true).suspect.observed, 0);
	/* One that was made for the answer: CPython takes those twice. */
	cr_assert_eq(wait_for_semaphore(make_semaphore(), true).suspect.observed,
	             TRACE_WAITS_FOR_HANDED_WORK);
}

Test(handover, is_written_behind_its_incident)
{
	const struct trace_handover *found = NULL;
	const struct trace_record *record;
	uint64_t position = 0;

	core_become_child(self);
	trace_writer_open_image();
	wake(work, TRACE_LOCK_CONDVAR);
	handover_write(77);
	while ((record = trace_writer_next(&trace_writer_image()->file, &position)))
		if (record->type == TRACE_RECORD_HANDOVER)
			found = (const struct trace_handover *)record;
	cr_assert_not_null(found);
	cr_assert_eq(found->incident_time_ns, 77);
	cr_assert_eq(found->lock_address, (uint64_t)(uintptr_t)work);
	cr_assert_eq(found->lock_kind, TRACE_LOCK_CONDVAR);
	cr_assert_eq(found->waiting_threads, 1);
	cr_assert_eq(found->call, CALL_pthread_cond_signal);
	cr_assert_gt(found->stack.count, 0);
}
