/* Waits that only another thread could end. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child_wait.h"
#include "core_fixture.h"
#include "wake_site.h"

enum { SIGNALLER = 100001, ANOTHER = 100002 };

static struct thread_record *self, *signaller;
static void *object;

static void start(void)
{
	self = core_start();
	object = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(object, MAP_FAILED);
	signaller = core_invent_thread(SIGNALLER);
}

TestSuite(child_wait, .init = start);

static void signalled_by(struct thread_record *thread)
{
	const struct call_registers regs = core_registers();

	wake_site_wake(thread, object, CALL_pthread_cond_signal, false, &regs);
}

typedef void waiting(struct child_use *use, struct thread_record *self, const void *object, unsigned call,
                     const struct call_registers *regs);

/* In a process of its own: the test's has a thread of the test library. */
static struct child_use wait_by(waiting *wait)
{
	const struct call_registers regs = core_registers();
	struct child_use *use =
	    mmap(NULL, sizeof *use, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0) {
		use->attempt = CHILD_LOCK;
		wait(use, self, object, CALL_pthread_cond_wait, &regs);
		_exit(0);
	}
	cr_assert_eq(core_wait(pid), 0);
	return *use;
}

static void destroy(struct child_use *use, struct thread_record *thread, const void *condition, unsigned call,
                    const struct call_registers *regs)
{
	child_wait_destroy(use, thread, condition, call, regs);
}

static void barrier(struct child_use *use, struct thread_record *thread, const void *at, unsigned call,
                    const struct call_registers *regs)
{
	child_wait_barrier(use, thread, at, call, regs);
}

static void expect(waiting *wait, enum trace_observed observed)
{
	cr_assert_eq(wait_by(wait).suspect.observed, observed);
}

Test(child_wait, names_the_vanished_signaller)
{
	signalled_by(signaller);
	core_become_child(self);
	struct child_use use = wait_by(child_wait_condition);
	cr_assert_eq(use.suspect.observed, TRACE_WAITS_FOR_VANISHED);
	cr_assert_eq(use.suspect.holder, signaller);
	cr_assert_eq(use.suspect.holder_tid, SIGNALLER);
	cr_assert_eq(use.suspect.kind, TRACE_LOCK_CONDVAR);
	cr_assert(use.suspect.proof & TRACE_PROOF_ONLY_THREAD);
	cr_assert_not_null(use.handle.record, "it may not come back: written before");
}

Test(child_wait, tells_a_condition_that_nobody_was_seen_to_signal)
{
	wake_site_see(object);
	core_become_child(self);
	expect(child_wait_condition, TRACE_WAITS_FOR_VANISHED);
}

Test(child_wait, tells_a_static_condition_that_is_used_for_the_first_time)
{
	static pthread_cond_t unused = PTHREAD_COND_INITIALIZER;

	core_become_child(self);
	wake_site_see(object);
	expect(child_wait_condition, 0);
	object = &unused;
	wake_site_see(object);
	expect(child_wait_condition, TRACE_WAITS_FOR_VANISHED);
	wake_site_init(object, 0);
	expect(child_wait_condition, 0);
}

Test(child_wait, says_nothing_of_an_object_that_the_child_made)
{
	core_become_child(self);
	wake_site_init(object, 0);
	expect(child_wait_condition, 0);
	expect(child_wait_semaphore, 0);
}

Test(child_wait, says_nothing_where_another_thread_lives)
{
	signalled_by(signaller);
	core_become_child(self);
	core_invent_thread(ANOTHER);
	expect(child_wait_condition, 0);
}

static void ignore(int number)
{
	(void)number;
}

Test(child_wait, says_nothing_where_a_signal_handler_could_do_it)
{
	signalled_by(signaller);
	core_become_child(self);
	signal(SIGUSR1, ignore);
	expect(child_wait_condition, 0);
	signal(SIGUSR1, SIG_DFL);
	expect(child_wait_condition, TRACE_WAITS_FOR_VANISHED);
}

Test(child_wait, says_nothing_of_memory_that_the_parent_shares)
{
	cr_assert_eq(munmap(object, 4096), 0);
	object = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signalled_by(signaller);
	core_become_child(self);
	expect(child_wait_condition, 0);
}

Test(child_wait, says_nothing_without_a_vanished_thread)
{
	thread_record_release(signaller);
	atomic_fetch_sub(&process.live_threads, 1);
	wake_site_see(object);
	core_become_child(self);
	expect(child_wait_condition, 0);
}

Test(child_wait, tells_a_semaphore_that_others_post)
{
	sem_init(object, 0, 0);
	signalled_by(signaller);
	core_become_child(self);
	expect(child_wait_semaphore, TRACE_WAITS_FOR_VANISHED);
	sem_post(object);
	expect(child_wait_semaphore, 0);
}

Test(child_wait, tells_a_semaphore_that_begins_at_zero)
{
	sem_init(object, 0, 0);
	wake_site_init(object, 0);
	core_become_child(self);
	expect(child_wait_semaphore, TRACE_WAITS_FOR_VANISHED);
}

Test(child_wait, says_nothing_of_a_semaphore_that_the_child_may_have_taken_itself)
{
	sem_init(object, 0, 0);
	wake_site_init(object, 1);
	core_become_child(self);
	expect(child_wait_semaphore, 0);
}

Test(child_wait, says_nothing_of_a_semaphore_that_is_used_as_a_lock)
{
	const struct call_registers regs = core_registers();

	sem_init(object, 0, 0);
	wake_site_wake(signaller, object, CALL_sem_post, true, &regs);
	core_become_child(self);
	expect(child_wait_semaphore, 0);
}

Test(child_wait, tells_a_destroy_that_waits_for_a_vanished_waiter)
{
	pthread_cond_t *condition = object;
	const struct call_registers regs = core_registers();

	thread_record_want(signaller, condition, TRACE_LOCK_CONDVAR, CALL_pthread_cond_wait, &regs);
	core_become_child(self);
	expect(destroy, 0);
	condition->__data.__wrefs = 1 << 3;
	struct child_use use = wait_by(destroy);
	cr_assert_eq(use.suspect.observed, TRACE_WAITS_FOR_VANISHED);
	cr_assert_eq(use.suspect.holder, signaller);
	cr_assert_eq(use.suspect.state.word, 1);
}

Test(child_wait, counts_who_came_to_the_barrier_before_the_fork)
{
	pthread_barrier_init(object, NULL, 2);
	wake_site_init(object, 2);
	core_become_child(self);
	expect(barrier, TRACE_WAITS_FOR_VANISHED);
	((uint32_t *)object)[0] = 1; /* one has come */
	expect(barrier, 0);
}

static void *stay(void *unused)
{
	pause();
	return unused;
}

static void expect_join(pthread_t thread, enum trace_observed observed)
{
	const struct call_registers regs = core_registers();
	struct child_use use = {.attempt = CHILD_LOCK};

	child_wait_join(&use, self, thread, CALL_pthread_join, &regs);
	cr_assert_eq(use.suspect.observed, observed);
	cr_assert_eq(use.suspect.holder, observed ? signaller : NULL);
}

/* The descriptor says which id the thread has; the record is that of a thread with the same one. */
Test(child_wait, knows_the_vanished_thread_that_is_joined)
{
	pthread_t thread;
	clockid_t clock;

	cr_assert_eq(pthread_create(&thread, NULL, stay, NULL), 0);
	cr_assert_eq(pthread_getcpuclockid(thread, &clock), 0);
	signaller->handle = (uint64_t)thread;
	signaller->tid = signaller->owner_tid = ~(clock >> 3);
	expect_join(thread, 0); /* it is there yet */
	core_become_child(self);
	expect_join(thread, TRACE_WAITS_FOR_VANISHED);
	signaller->is_detached = true;
	expect_join(thread, 0); /* the call is refused */
	signaller->is_detached = false;
	signaller->owner_tid++;
	expect_join(thread, 0); /* the descriptor is a live thread's by now */
}
