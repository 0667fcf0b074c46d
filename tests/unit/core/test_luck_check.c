#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core_fixture.h"
#include "init_site.h"
#include "luck_check.h"
#include "trace_writer.h"

enum { WORKER = 100001, OTHER = 100002, PAGE = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;
static struct thread_record *self, *worker;

static void start(void)
{
	self = core_start();
	worker = core_invent_thread(WORKER);
}

static void hold(struct thread_record *thread, pthread_mutex_t *mutex)
{
	core_invent_hold(thread, mutex, TRACE_HOLD_WANT);
	core_lock_by_hand(mutex, thread->owner_tid);
}

static void use(struct thread_record *thread, const void *mutex)
{
	core_invent_hold(thread, mutex, TRACE_HOLD_WANT);
	cr_assert(thread_record_pop(thread, mutex));
}

static void run_on(const void *about)
{
	const struct call_registers regs = core_registers();

	luck_check_ran_on(self, about, CALL_pthread_mutex_lock, &regs);
}

static void take(const void *mutex)
{
	const struct incident taken = {.lock = mutex,
	                               .kind = TRACE_LOCK_MUTEX,
	                               .state = lock_word_of_mutex(mutex),
	                               .victim = self,
	                               .call = CALL_pthread_mutex_lock,
	                               .regs = core_registers()};
	luck_check_took(&taken);
}

/* How many incidents of the kind the trace holds; the last one goes to *ret_last. */
static unsigned told(enum trace_observed observed, const struct trace_incident **ret_last)
{
	const char *file = (const char *)trace_writer_image();
	unsigned count = 0;
	uint64_t size = 0;

	for (uint64_t at = TRACE_HEADER_SIZE_BYTES; file && at < trace_writer_image()->file.tail_bytes;
	     at += size) {
		const struct trace_incident *incident = (const struct trace_incident *)(file + at);
		size = (incident->record.size_bytes + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES *
		       TRACE_GRANULE_BYTES;
		if (incident->record.type != TRACE_RECORD_INCIDENT || incident->observed != observed)
			continue;
		count++;
		if (ret_last)
			*ret_last = incident;
	}
	return count;
}

static unsigned told_held(void)
{
	return told(TRACE_HELD_AT_FORK, NULL);
}

static unsigned told_shared(void)
{
	return told(TRACE_SHARED_WITH_VANISHED, NULL);
}

Test(luck_check, tells_what_was_held_once_the_child_runs_on)
{
	const struct trace_incident *incident = NULL;

	start();
	hold(worker, &lock);
	core_become_child(self);
	cr_assert_eq(told_held(), 0);
	run_on(NULL);
	run_on(NULL);
	cr_assert_eq(told(TRACE_HELD_AT_FORK, &incident), 1);
	cr_assert_eq(incident->lock.address, (uint64_t)(uintptr_t)&lock);
	cr_assert_eq(incident->holder.tid, WORKER);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(incident->repeats, 0);
	cr_assert(incident->proof & TRACE_PROOF_OWNER_WORD);
	cr_assert(incident->proof & TRACE_PROOF_PRIVATE_MAPPING);
}

Test(luck_check, leaves_the_lock_that_the_call_is_about_to_its_own_check)
{
	start();
	hold(worker, &lock);
	core_become_child(self);
	run_on(&lock);
	cr_assert_eq(told_held(), 0);
}

Test(luck_check, waits_for_the_end_of_the_child_s_handlers)
{
	start();
	hold(worker, &lock);
	core_become_child(self);
	process.in_handlers = self;
	run_on(NULL);
	cr_assert_eq(told_held(), 0);
	process.in_handlers = NULL;
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

Test(luck_check, tells_nothing_of_free_locks_nor_of_those_of_another_owner)
{
	start();
	core_invent_hold(worker, &lock, TRACE_HOLD_WANT);
	core_invent_hold(worker, &outer, TRACE_HOLD_WANT);
	core_lock_by_hand(&outer, self->owner_tid);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 0);
}

Test(luck_check, survives_a_lock_whose_memory_is_gone)
{
	start();
	pthread_mutex_t *gone = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hold(worker, gone);
	hold(worker, &lock);
	munmap(gone, PAGE);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

Test(luck_check, tells_nothing_of_memory_that_the_parent_shares)
{
	start();
	pthread_mutex_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	hold(worker, shared);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 0);
}

Test(luck_check, tells_one_place_once_however_many_hold_a_lock_there)
{
	static pthread_mutex_t lanes[3];

	start();
	for (int i = 0; i < 3; i++)
		hold(core_invent_thread(OTHER + i), &lanes[i]);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

Test(luck_check, takes_it_back_when_the_child_goes_on_to_exec)
{
	const struct trace_incident *incident = NULL;

	start();
	hold(worker, &lock);
	core_become_child(self);
	cr_assert_not(luck_check_exec_begins());
	run_on(NULL);
	told(TRACE_HELD_AT_FORK, &incident);
	cr_assert(luck_check_exec_begins());
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_RETURNED);
	luck_check_exec_failed(true);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_PENDING);
}

Test(luck_check, tells_a_lock_that_a_vanished_thread_used)
{
	const struct trace_incident *incident = NULL;

	start();
	use(worker, &lock);
	core_become_child(self);
	take(&lock);
	take(&lock);
	cr_assert_eq(told(TRACE_SHARED_WITH_VANISHED, &incident), 1);
	cr_assert_eq(incident->holder.tid, WORKER);
	cr_assert_eq(incident->holder.acquired_at.count, 1);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_RETURNED);
	cr_assert_eq(incident->repeats, 0);
}

Test(luck_check, tells_nothing_of_what_the_forking_thread_held)
{
	start();
	use(worker, &lock);
	hold(self, &lock);
	core_become_child(self);
	cr_assert(thread_record_pop(self, &lock));
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_check, tells_nothing_of_what_is_used_inside_of_a_covered_lock_only)
{
	start();
	core_invent_hold(worker, &outer, TRACE_HOLD_WANT);
	use(worker, &lock);
	cr_assert(thread_record_pop(worker, &outer));
	hold(self, &outer);
	core_become_child(self);
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_check, tells_nothing_of_what_nobody_used_or_was_made_anew)
{
	start();
	use(worker, &lock);
	core_become_child(self);
	take(&outer);
	const struct call_registers regs = core_registers();
	init_site_record(self, &lock, &regs);
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_check, tells_nothing_of_a_lock_that_was_held_at_the_fork_and_is_free)
{
	start();
	hold(worker, &lock);
	core_become_child(self);
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_check, tells_heap_locks_only_where_their_beginning_was_seen)
{
	pthread_mutex_t *seen = calloc(1, sizeof *seen), *unseen = calloc(1, sizeof *unseen);

	start();
	const struct call_registers regs = core_registers();
	init_site_record(self, seen, &regs);
	use(worker, seen);
	use(worker, unseen);
	core_become_child(self);
	take(unseen);
	cr_assert_eq(told_shared(), 0);
	take(seen);
	cr_assert_eq(told_shared(), 1);
}
