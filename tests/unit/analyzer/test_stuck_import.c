/* From a semaphore to the thread that imports the module. This process plays a stuck Python: its memory has
 * the objects of one in it. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "stuck_import.h"

enum { DIGIT_BITS = 30, OWNER_TID = 4201 };
static const uint64_t stack_high = UINT64_C(0x7f0000000000);

struct type {
	uint64_t references, type, size;
	const char *name;
};
struct object {
	uint64_t references;
	const struct type *type;
	union {
		const void *semaphore;
		int64_t count;
	};
	uint32_t digits[2];
};

static const struct type lock_type = {.name = "_thread.lock"}, str_type = {.name = "str"},
                         int_type = {.name = "int"}, list_type = {.name = "list"};
static uint32_t semaphores[2];
static struct object lock, wakeup, name, owner, one;
/* _ModuleLock's: lock, wakeup, name, owner, count, waiters. Read by no name: the compiler must not know. */
extern struct object *stuck_import_attributes[6];
struct object *stuck_import_attributes[6];

static struct proc_maps maps;
static struct stuck_vanished threads[2];
static struct stuck_vanished_list vanished;
static uint64_t frames[64];

static void set_up(void)
{
	const uint64_t ident = stack_high + 0x6c0;

	lock = (struct object){1, &lock_type, {&semaphores[0]}, {0}};
	wakeup = (struct object){1, &lock_type, {&semaphores[1]}, {0}};
	name = (struct object){.type = &str_type};
	owner =
	    (struct object){.type = &int_type,
	                    .count = 2,
	                    .digits = {ident & ((1U << DIGIT_BITS) - 1), (uint32_t)(ident >> DIGIT_BITS)}};
	one = (struct object){.type = &int_type, .count = 1, .digits = {1}};
	memcpy(stuck_import_attributes, (struct object *[]){&lock, &wakeup, &name, &owner, &one, &one},
	       sizeof(stuck_import_attributes));
	threads[0].known =
	    (struct library_thread){.owner_tid = OWNER_TID + 1, .stack_high = stack_high - 8192};
	threads[1].known = (struct library_thread){.owner_tid = OWNER_TID, .stack_high = stack_high};
	vanished = (struct stuck_vanished_list){.items = threads, .count = 2, .made_no_threads = true};
	frames[20] = (uintptr_t)&wakeup;
	cr_assert(proc_maps_read(getpid(), &maps));
}

static void release(void)
{
	proc_maps_release(&maps);
}

TestSuite(stuck_import, .init = set_up, .fini = release);

static pid_t find(void)
{
	struct stack_source source = {.memory = (unsigned char *)frames,
	                              .memory_start = (uintptr_t)frames,
	                              .memory_size_bytes = sizeof(frames)};
	const struct stuck_waiter waiter = {
	    .pid = getpid(), .maps = &maps, .source = &source, .word = (uintptr_t)&semaphores[1]};

	return stuck_import_owner(&waiter, &vanished);
}

/* AddressSanitizer's heap, and the gaps between its variables, are not searched as a Python's memory is. */
static void skip_under_sanitizer(void)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("AddressSanitizer moves what plays Python's memory");
#endif
}

Test(stuck_import, names_the_vanished_thread_that_has_the_module)
{
	skip_under_sanitizer();
	cr_assert_eq(find(), OWNER_TID);
}

Test(stuck_import, knows_no_owner_that_did_not_vanish)
{
	owner.digits[0] += 1U << 20;
	cr_assert_eq(find(), 0);
	owner.digits[0] -= 1U << 20;
	vanished.made_no_threads = false;
	cr_assert_eq(find(), 0);
	vanished.made_no_threads = true;
	threads[1].known.stack_high = 0; /* not known */
	threads[0].known.stack_high = 0;
	cr_assert_eq(find(), 0);
}

Test(stuck_import, takes_no_other_lock_for_a_modules)
{
	skip_under_sanitizer();
	/* Somebody's note of a thread beside a lock. */
	name.type = &list_type;
	cr_assert_eq(find(), 0);
	name.type = &str_type;
	stuck_import_attributes[0] = &one;
	cr_assert_eq(find(), 0);
	stuck_import_attributes[0] = &lock;
	/* Nobody has it, or nobody waits. */
	stuck_import_attributes[4] = &(struct object){.type = &int_type};
	cr_assert_eq(find(), 0);
	stuck_import_attributes[4] = &one;
	stuck_import_attributes[5] = &(struct object){.type = &int_type};
	cr_assert_eq(find(), 0);
	stuck_import_attributes[5] = &one;
	cr_assert_eq(find(), OWNER_TID);
	owner.count = -2;
	cr_assert_eq(find(), 0);
}

Test(stuck_import, wants_the_lock_in_the_threads_hands)
{
	frames[20] = 0;
	cr_assert_eq(find(), 0);
	frames[20] = (uintptr_t)&lock; /* of another semaphore */
	cr_assert_eq(find(), 0);
}
