/* From the word that a thread sleeps on to the lock in whose queue it is. This process is the child that
 * waits, one that it forks before it does plays the parent. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stuck_fixture.h"
#include "stuck_python.h"
#include "stuck_queue.h"

enum {
	WORD = sizeof(uint64_t),
	RECORD_AT = 40, /* of the frames, in words */
	BITS = 5,
	REGISTER_RBX = 3
};

struct lock {
	uint64_t state, last;
};

static struct lock static_lock __attribute__((aligned(64)));
static uint64_t others_record[64] __attribute__((aligned(64)));
static uint64_t *python_object;

static struct proc_maps maps;
static struct stack_source source;
static struct stuck_waiter *waiter; /* not static: it has the word's address */
static char exe[4096];
static pid_t parent;

static void release(void)
{
	free(waiter);
	waiter = NULL;
	if (parent)
		stuck_end(parent);
	parent = 0;
	proc_maps_release(&maps);
}

TestSuite(stuck_queue, .fini = release);

/* frames[] are the stack's innermost; what is in memory now is what the fork copied. */
static void set_up(uint64_t *frames, size_t size_bytes)
{
	parent = stuck_fork_waiter(&stuck_private_word);
	cr_assert(proc_maps_read(getpid(), &maps));
	source = (struct stack_source){
	    .has_all_registers = true,
	    .memory = (unsigned char *)frames,
	    .memory_start = (uintptr_t)frames,
	    .memory_size_bytes = size_bytes,
	};
	source.registers[STACK_REGISTER_SP] = (uintptr_t)frames;
	cr_assert_gt(readlink("/proc/self/exe", exe, sizeof(exe) - 1), 0);
	waiter = malloc(sizeof(*waiter));
	cr_assert(waiter);
	*waiter = (struct stuck_waiter){
	    .pid = getpid(),
	    .parent = parent,
	    .exe = exe,
	    .maps = &maps,
	    .source = &source,
	    .word = (uintptr_t)&frames[RECORD_AT],
	};
}

static struct stuck_queue find(void)
{
	struct stuck_queue queue;

	stuck_queue_find(waiter, &queue);
	return queue;
}

Test(stuck_queue, finds_the_lock_that_a_register_points_to)
{
	uint64_t frames[128] = {0};

	set_up(frames, sizeof(frames));
	static_lock.last = (uintptr_t)&frames[RECORD_AT - 4];
	source.registers[REGISTER_RBX] = (uintptr_t)&static_lock;
	struct stuck_queue queue = find();
	cr_assert_eq(queue.link.address, (uintptr_t)&static_lock.last);
	cr_assert_eq(queue.key.address, 0);
}

Test(stuck_queue, finds_the_lock_that_a_frame_points_to)
{
	uint64_t frames[128] = {0};

	set_up(frames, sizeof(frames));
	/* Too far from the word for a variable that nobody points to. */
	static_lock.last = (uintptr_t)&frames[RECORD_AT - 20];
	cr_assert_eq(find().link.address, 0);
	frames[90] = (uintptr_t)&static_lock;
	cr_assert_eq(find().link.address, (uintptr_t)&static_lock.last);
}

Test(stuck_queue, finds_the_variable_that_nobody_points_to)
{
	uint64_t frames[128] = {0};

	set_up(frames, sizeof(frames));
	static_lock.last = (uintptr_t)&frames[RECORD_AT - 1];
	cr_assert_eq(find().link.address, (uintptr_t)&static_lock.last);
	/* Without the parent nobody knows since when. */
	waiter->parent = 0;
	cr_assert_eq(find().link.address, 0);
}

Test(stuck_queue, finds_no_lock_in_what_was_there_at_the_fork)
{
	uint64_t frames[128] = {0};

	static_lock.last = (uintptr_t)&frames[RECORD_AT - 1];
	set_up(frames, sizeof(frames));
	source.registers[REGISTER_RBX] = (uintptr_t)&static_lock;
	cr_assert_eq(find().link.address, 0);
	static_lock.last += WORD;
	cr_assert_eq(find().link.address, (uintptr_t)&static_lock.last);
}

Test(stuck_queue, takes_no_variable_that_points_to_an_object_for_a_lock)
{
	uint64_t frames[128] = {0};

	set_up(frames, sizeof(frames));
	source.registers[REGISTER_RBX] = (uintptr_t)&static_lock;
	waiter->word = (uintptr_t)&others_record[RECORD_AT];
	static_lock.last = (uintptr_t)others_record;
	cr_assert_eq(find().link.address, 0);
	/* With a lock's state in the same word it is one, wherever the record lies. */
	static_lock.last |= BITS;
	cr_assert_eq(find().link.address, 0, "the record begins further away than records do");
	static_lock.last = (uintptr_t)&others_record[RECORD_AT - 8] | BITS;
	cr_assert_eq(find().link.address, (uintptr_t)&static_lock.last);
	waiter->word = static_lock.last = (uintptr_t)&others_record[RECORD_AT] + sizeof(int);
	cr_assert_eq(find().link.address, 0);
}

Test(stuck_queue, finds_a_record_among_thread_local_variables)
{
	uint64_t frames[128] = {0};

	set_up(frames, sizeof(frames));
	source.registers[REGISTER_RBX] = (uintptr_t)&static_lock;
	waiter->word = (uintptr_t)&others_record[RECORD_AT];
	static_lock.last = waiter->word;
	cr_assert_eq(find().link.address, 0);
	waiter->thread_pointer = (uintptr_t)(others_record + 64);
	cr_assert_eq(find().link.address, (uintptr_t)&static_lock.last);
	waiter->thread_pointer = (uintptr_t)others_record;
	cr_assert_eq(find().link.address, 0);
}

Test(stuck_queue, asks_the_parent_whether_a_block_of_the_heap_was_there)
{
	struct {
		uint64_t before[8];
		struct lock lock;
		uint64_t behind[8];
	} *block = calloc(1, sizeof(*block));
	uint64_t frames[128] = {0};

	cr_assert(block);
	set_up(frames, sizeof(frames));
	source.registers[REGISTER_RBX] = (uintptr_t)&block->lock;
	block->lock.last = (uintptr_t)&frames[RECORD_AT] | BITS;
	cr_assert_eq(find().link.address, 0);
	release();
	block->before[6] = 1000;
	block->behind[1] = 20;
	set_up(frames, sizeof(frames));
	source.registers[REGISTER_RBX] = (uintptr_t)&block->lock;
	block->lock.last += WORD;
	cr_assert_eq(find().link.address, (uintptr_t)&block->lock.last);
	free(block);
}

/* That the record alone names it may be chance. */
Test(stuck_queue, finds_what_both_the_record_and_a_frame_name)
{
	uint64_t frames[128] = {0};

	set_up(frames, sizeof(frames));
	frames[RECORD_AT - 1] = (uintptr_t)&others_record[1];
	cr_assert_eq(find().key.address, 0);
	frames[100] = (uintptr_t)&others_record[1];
	cr_assert_eq(find().key.address, (uintptr_t)&others_record[1]);
	/* The queue's head, which the record is linked to, is not what it waits for. */
	static_lock.last = (uintptr_t)&frames[RECORD_AT + 4];
	frames[RECORD_AT + 4] = frames[80] = (uintptr_t)&static_lock.last;
	struct stuck_queue queue = find();
	cr_assert_eq(queue.link.address, (uintptr_t)&static_lock.last);
	cr_assert_eq(queue.key.address, (uintptr_t)&others_record[1]);
}

static bool pythons_lock_was_there(void)
{
	struct stuck_object lock;

	stuck_object_read(waiter->pid, waiter->parent, (uintptr_t)(python_object + 2), &lock);
	return stuck_python_lock_was_there(waiter, &lock);
}

static void make_python_object(uint64_t count, uint64_t byte)
{
	python_object[0] = count;
	python_object[1] = 0x9000;
	python_object[2] = byte;
}

Test(stuck_queue, knows_a_lock_of_python_by_who_refers_to_it)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("AddressSanitizer moves what plays Python's memory");
#endif
	enum { TAKEN = 1, PARKED = 2, MANY = 50 };
	uint64_t frames[128] = {0};

	python_object = calloc(1, STUCK_OBJECT_SIZE_BYTES);
	cr_assert(python_object);
	make_python_object(1, 0);
	set_up(frames, sizeof(frames));
	make_python_object(3, TAKEN | PARKED);
	cr_assert(pythons_lock_was_there());
	/* Another object of the child's. */
	python_object[1]++;
	cr_assert_not(pythons_lock_was_there());
	release();
	/* The parent waits for it: perhaps for one that it made itself. */
	make_python_object(1, TAKEN | PARKED);
	set_up(frames, sizeof(frames));
	cr_assert_not(pythons_lock_was_there());
	release();
	/* Who refers to the parent's does not refer to the child's. */
	make_python_object(MANY, TAKEN);
	set_up(frames, sizeof(frames));
	cr_assert_not(pythons_lock_was_there());
	release();
	/* A free block. */
	make_python_object((uintptr_t)python_object, 0);
	set_up(frames, sizeof(frames));
	make_python_object(1, TAKEN | PARKED);
	cr_assert_not(pythons_lock_was_there());
	free(python_object);
}
