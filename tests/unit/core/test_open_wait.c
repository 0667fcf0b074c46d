#include <criterion/criterion.h>
#include <errno.h>
#include <sys/time.h>

#include "clock.h"
#include "core_fixture.h"
#include "open_wait.h"
#include "ring_time.h"
#include "trace_writer.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread_record *self;

static void start(void)
{
	self = core_start();
	core_invent_thread(100001);
	core_become_child(self);
}

/* A wait whose caller's frame lies at sp. */
static struct trace_incident *wait_at(uint64_t sp, enum trace_observed observed)
{
	struct incident incident = {
	    .observed = observed,
	    .lock = &lock,
	    .kind = TRACE_LOCK_MUTEX,
	    .victim = self,
	    .call = CALL_pthread_mutex_lock,
	    .regs = core_registers(),
	    .holder_entry = UINT32_MAX,
	    .fork = fork_snapshot_last_note(),
	};
	incident.regs.sp = sp;
	return incident_write(&incident).record;
}

static bool is_left(const struct trace_incident *record)
{
	return record->outcome == TRACE_OUTCOME_RETURNED && record->result == EINTR;
}

Test(open_wait, is_left_by_going_on_at_or_above_its_caller)
{
	start();
	uint64_t sp = core_registers().sp;
	struct trace_incident *first = wait_at(sp, TRACE_BLOCKS_ON_VANISHED);

	open_wait_leave(self, sp - 8); /* a handler, which runs below */
	cr_assert_eq(first->outcome, TRACE_OUTCOME_PENDING);
	open_wait_leave(self, self->bounds.high + 8); /* one on a stack of its own */
	cr_assert_eq(first->outcome, TRACE_OUTCOME_PENDING);
	open_wait_leave(self, sp);
	cr_assert(is_left(first));
}

Test(open_wait, of_a_handler_can_be_left_alone)
{
	start();
	uint64_t sp = core_registers().sp;
	struct trace_incident *outer = wait_at(sp, TRACE_BLOCKS_ON_VANISHED);
	struct trace_incident *inner = wait_at(sp - 4096, TRACE_BLOCKS_ON_SELF);

	open_wait_leave(self, sp - 2048);
	cr_assert(is_left(inner));
	cr_assert_eq(outer->outcome, TRACE_OUTCOME_PENDING);
	open_wait_leave_all(self);
	cr_assert(is_left(outer));
}

static struct trace_incident *jump_over(uint64_t wait_sp, uint64_t from_sp, uint64_t to_sp)
{
	struct trace_incident *record = wait_at(wait_sp, TRACE_BLOCKS_ON_VANISHED);

	open_wait_jump(self, from_sp, to_sp);
	return record;
}

Test(open_wait, is_left_by_a_jump_out_of_the_handler)
{
	start();
	uint64_t sp = core_registers().sp, own_stack = 0x10000;

	cr_assert(is_left(jump_over(sp, sp - 4096, sp)));
	cr_assert(is_left(jump_over(sp, sp - 4096, sp + 64)));
	cr_assert(is_left(jump_over(sp, own_stack, sp + 64)));
}

Test(open_wait, is_not_left_by_a_jump_inside_of_the_handler)
{
	start();
	uint64_t sp = core_registers().sp, low = 0x10000, high = self->bounds.high + 4096;

	cr_assert_eq(jump_over(sp, sp - 4096, sp - 2048)->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(jump_over(sp, low, low + 64)->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(jump_over(sp, high, high + 64)->outcome, TRACE_OUTCOME_PENDING);
}

Test(open_wait, on_a_stack_that_is_not_known_is_left_too)
{
	start();
	uint64_t sp = core_registers().sp, coroutine = 0x100000;

	cr_assert(is_left(jump_over(coroutine, coroutine - 4096, sp)));
	cr_assert(is_left(jump_over(coroutine, coroutine - 4096, coroutine - 0x10000)));
	cr_assert_eq(jump_over(coroutine, coroutine - 4096, coroutine - 64)->outcome, TRACE_OUTCOME_PENDING);
}

Test(open_wait, is_over_once_the_call_returned)
{
	start();
	uint64_t sp = core_registers().sp;
	struct trace_incident *record = wait_at(sp, TRACE_BLOCKS_ON_VANISHED);

	incident_returned((struct incident_handle){.record = record}, 0);
	open_wait_leave_all(self);
	cr_assert_eq(record->outcome, TRACE_OUTCOME_RETURNED);
	cr_assert_eq(record->result, 0);
}

Test(open_wait, of_a_parent_is_not_its_child_s)
{
	start();
	uint64_t sp = core_registers().sp;
	struct trace_incident *record = wait_at(sp, TRACE_BLOCKS_ON_VANISHED);

	process.generation++;
	open_wait_leave(self, sp);
	open_wait_leave_all(self);
	cr_assert_eq(record->outcome, TRACE_OUTCOME_PENDING);
	struct trace_incident *own = wait_at(sp, TRACE_BLOCKS_ON_SELF);
	open_wait_leave(self, sp);
	cr_assert(is_left(own));
	cr_assert_eq(record->outcome, TRACE_OUTCOME_PENDING);
}

Test(open_wait, keeps_what_it_has_room_for)
{
	enum { MANY = 10 };
	struct trace_incident *records[MANY];
	unsigned left = 0;
	start();
	uint64_t sp = core_registers().sp;

	/* One lock more each time: each is a fault of its own. */
	for (unsigned i = 0; i < MANY; i++)
		records[i] = wait_at(sp - 512 * i, i % 2 ? TRACE_BLOCKS_ON_SELF : TRACE_BLOCKS_ON_VANISHED);
	open_wait_leave_all(self);
	for (unsigned i = 0; i < MANY; i++)
		left += is_left(records[i]);
	cr_assert_gt(left, 0);
	cr_assert_lt(left, MANY);
}

static void set_alarm(unsigned seconds, unsigned interval)
{
	const struct itimerval value = {{.tv_sec = interval}, {.tv_sec = seconds}};

	cr_assert_eq(setitimer(ITIMER_REAL, &value, NULL), 0);
}

Test(ring_time, is_known_from_the_first_wait_on)
{
	start();
	uint64_t before = clock_now_ns();
	set_alarm(100, 0);
	ring_time_changed();
	cr_assert_eq(process.rings_ns, TRACE_RINGS_NOT_KNOWN);
	wait_at(core_registers().sp, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_gt(process.rings_ns, before + UINT64_C(99) * 1000000000);
	cr_assert_lt(process.rings_ns, clock_now_ns() + UINT64_C(101) * 1000000000);
	set_alarm(100, 1);
	ring_time_changed();
	cr_assert_eq(process.rings_ns, TRACE_RINGS_FOR_EVER);
	set_alarm(0, 0);
	ring_time_changed();
	cr_assert_eq(process.rings_ns, TRACE_RINGS_NEVER);
}

Test(ring_time, is_not_asked_for_in_a_sandbox)
{
	start();
	trace_writer_seal(true);
	ring_time_note();
	cr_assert_eq(process.rings_ns, TRACE_RINGS_NOT_KNOWN);
}
