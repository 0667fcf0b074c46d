/* Who the threads are: where they were made, their start routine and name, and when they end.
 *
 * A thread starts in a trampoline that ties it to its record and jumps on, so it leaves no frame on the
 * stack. Its end is seen by a thread-specific key's destructor, which asks to be called again until the last
 * round, because other destructors may still take locks. That shows the end by return, pthread_exit and
 * cancellation alike, and after cleanup handlers and thread_local destructors, which are the thread's own
 * work: so pthread_exit and thrd_exit have no wrapper. One that notes its caller and jumps on would be sound
 * with the unwinding, but could only add to locks whose holder had ended, and those are no fork's fault. */
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "hook.h"
#include "hook_thread.h"
#include "luck_check.h"
#include "open_wait.h"
#include "raw_syscall.h"
#include "retry_loop.h"
#include "trace_writer.h"

enum {
	DESTRUCTOR_ROUNDS = 4,   /* PTHREAD_DESTRUCTOR_ITERATIONS of glibc */
	LAST_KEY = 31,           /* the values of keys up to this one need no allocation in glibc */
	START_FRAME_BYTES = 512, /* start_thread's frame and above lie within this of the trampoline's; the
	                            thread's TLS block comes next, so the reads stay inside the mapping */
};

static pthread_key_t end_key;
static bool has_end_key;
static uint64_t default_stack_bytes;
static __thread uint8_t end_rounds __attribute__((tls_model("initial-exec")));
/* The process's generation plus one, in which it gave its record back; 0: not yet. Destructors that run later
 * may fork, and their child goes on in this thread. */
static __thread uint32_t over_since __attribute__((tls_model("initial-exec")));

/* A thread that ends waits for nothing (a cancelled wait leaves its entry), and one that took a semaphore
 * need not be the one that posts it: neither makes its record worth keeping. */
static void forget_waits(struct thread_record *self)
{
	for (uint32_t i = atomic_load(&self->held_count); i-- > 0;) {
		uint8_t kind = self->held[i].kind;
		if (kind == TRACE_LOCK_SEMAPHORE || kind == TRACE_LOCK_CONDVAR)
			thread_record_remove(self, i);
	}
}

static void thread_end(void *value)
{
	struct thread_record *self = value;
	if (++end_rounds < DESTRUCTOR_ROUNDS && pthread_setspecific(end_key, self) == 0)
		return;
	fork_snapshot_postfork_child();
	over_since = process.generation + 1;
	retry_loop_leave(self);
	open_wait_leave_all(self);
	forget_waits(self);
	thread_record_become(NULL);
	atomic_fetch_sub(&process.live_threads, 1);
	thread_record_release(self);
}

/* The last key without allocation: the program's first ones keep their numbers, and 0, which a key has that
 * the program forgot to make, stays refused. Keys are given out from the lowest up. */
static bool make_end_key(void)
{
	pthread_key_t made[LAST_KEY + 1];
	uint32_t count = 0;
	while (count <= LAST_KEY && pthread_key_create(&made[count], thread_end) == 0)
		if (made[count++] >= LAST_KEY)
			break;
	if (!count)
		return false;
	uint32_t kept = count - 1;
	if (kept > 0 && made[kept] > LAST_KEY)
		kept--;
	end_key = made[kept];
	for (uint32_t i = 0; i < count; i++)
		if (i != kept)
			pthread_key_delete(made[i]);
	return true;
}

void hook_thread_init(void)
{
	has_end_key = make_end_key();
	pthread_attr_t attributes;
	size_t size = 0;
	if (pthread_getattr_default_np(&attributes) == 0) {
		pthread_attr_getstacksize(&attributes, &size);
		pthread_attr_destroy(&attributes);
	}
	default_stack_bytes = size;
}

static void read_name(struct thread_record *self)
{
	char name[TRACE_THREAD_NAME_SIZE_BYTES] = {0};
	if (trace_writer_is_sealed())
		return;
	raw_syscall2(SYS_prctl, PR_GET_NAME, (long)name);
	__builtin_memcpy(self->name, name, sizeof self->name);
}

static void tie(struct thread_record *self)
{
	self->owner_tid = fork_snapshot_owner_tid();
	self->tid = trace_writer_is_sealed() ? self->owner_tid : (int32_t)raw_syscall0(SYS_gettid);
	self->handle = (uint64_t)pthread_self();
	read_name(self);
	thread_record_become(self);
	thread_record_open_gate(self, process_is_plain());
	if (has_end_key)
		pthread_setspecific(end_key, self);
}

struct thread_record *hook_thread_adopt(void)
{
	if (over_since == process.generation + 1)
		return NULL;
	struct thread_record *self = thread_record_new(process.generation);
	if (!self)
		return NULL;
	tie(self);
	return self;
}

/* Only what must not be inlined into the trampolines, which are to end in a jump. */
static __attribute__((noinline)) void begin(struct thread_record *self, uint64_t frame)
{
	if (thread_record_self) { /* a signal handler was faster, and made a record */
		atomic_fetch_sub(&process.live_threads, 1);
		thread_record_release(thread_record_self);
	}
	self->bounds.high = frame + START_FRAME_BYTES;
	self->bounds.low = self->bounds.high - self->stack_size_bytes;
	tie(self);
}

static void *start_posix(void *argument)
{
	struct thread_record *self = argument;
	begin(self, (uint64_t)(uintptr_t)__builtin_frame_address(0));
	return ((void *(*)(void *))self->start_routine)(self->start_argument);
}

static int start_c11(void *argument)
{
	struct thread_record *self = argument;
	begin(self, (uint64_t)(uintptr_t)__builtin_frame_address(0));
	return ((int (*)(void *))self->start_routine)(self->start_argument);
}

static void keep_origin(struct thread_record *made, struct thread_record *creator,
                        const struct call_registers *regs)
{
	unsigned flags = 0;
	made->created_count = call_stack_walk(regs, &creator->bounds, made->created_pc, THREAD_CREATED_FRAMES,
	                                      &flags, &made->created_exact);
	made->created_flags = flags;
}

/* A record for a thread about to be made, counted as alive from now on. NULL: make it unrecorded. */
static struct thread_record *prepare(void *start, void *argument, unsigned call,
                                     const struct call_registers *regs)
{
	struct thread_record *creator = hook_thread();
	struct thread_record *made = creator ? thread_record_new(process.generation) : NULL;
	if (!made)
		return NULL;
	if (process_is_child()) {
		luck_check_ran_on(creator, NULL, call, regs);
		fork_snapshot_preserve_stacks();
	}
	trace_writer_open_run();
	made->start_routine = start;
	made->start_argument = argument;
	made->stack_size_bytes = default_stack_bytes;
	keep_origin(made, creator, regs);
	atomic_fetch_add(&process.live_threads, 1);
	trace_writer_add(&trace_writer_run()->threads, 1);
	return made;
}

static void cancel(struct thread_record *made)
{
	atomic_fetch_sub(&process.live_threads, 1);
	__atomic_fetch_sub(&trace_writer_run()->threads, 1, __ATOMIC_RELAXED);
	thread_record_release(made);
}

HOOK_EXPORT int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*start)(void *), void *arg)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *made = prepare((void *)start, arg, CALL_pthread_create, &regs);
	if (!made)
		return real.pthread_create(t, a, start, arg);
	size_t size = 0;
	if (a && pthread_attr_getstacksize(a, &size) == 0)
		made->stack_size_bytes = size;
	int detached = PTHREAD_CREATE_JOINABLE;
	made->is_detached =
	    a && pthread_attr_getdetachstate(a, &detached) == 0 && detached == PTHREAD_CREATE_DETACHED;
	int result = real.pthread_create(t, a, start_posix, made);
	if (result != 0)
		cancel(made);
	return result;
}

HOOK_EXPORT int thrd_create(thrd_t *t, thrd_start_t start, void *arg)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *made = prepare((void *)start, arg, CALL_thrd_create, &regs);
	if (!made)
		return real.thrd_create(t, start, arg);
	int result = real.thrd_create(t, start_c11, made);
	if (result != thrd_success)
		cancel(made);
	return result;
}

/* A live thread of this process; NULL for one that is not known by its handle, or not yet. */
static struct thread_record *find_by_handle(uint64_t handle)
{
	struct thread_record *thread = thread_record_first();
	while (thread && !(thread->handle == handle && fork_snapshot_is_alive(thread)))
		thread = thread->next;
	return thread;
}

/* Before the call: once it is detached its descriptor may be another thread's. */
static void note_detached(uint64_t handle)
{
	struct thread_record *thread = hook_thread() ? find_by_handle(handle) : NULL;
	if (thread)
		thread->is_detached = true;
}

HOOK_EXPORT int pthread_detach(pthread_t t)
{
	note_detached((uint64_t)t);
	return real.pthread_detach(t);
}

HOOK_EXPORT int thrd_detach(thrd_t t)
{
	note_detached((uint64_t)t);
	return real.thrd_detach(t);
}

static void keep_name(struct thread_record *thread, const char *name)
{
	char kept[TRACE_THREAD_NAME_SIZE_BYTES] = {0};
	for (size_t i = 0; i < sizeof kept - 1 && name[i]; i++)
		kept[i] = name[i];
	__builtin_memcpy(thread->name, kept, sizeof kept);
}

HOOK_EXPORT int pthread_setname_np(pthread_t t, const char *name)
{
	int result = real.pthread_setname_np(t, name);
	struct thread_record *thread = result == 0 ? find_by_handle((uint64_t)t) : NULL;
	if (thread)
		keep_name(thread, name);
	return result;
}

HOOK_EXPORT int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	bool confines =
	    option == PR_SET_SECCOMP && (a == SECCOMP_MODE_STRICT || (a == SECCOMP_MODE_FILTER && b));
	bool was_sealed = confines && hook_seal();
	int result = real.prctl(option, a, b, c, d);
	if (confines && result != 0)
		hook_unseal(was_sealed);
	if (option == PR_SET_NAME && result == 0 && thread_record_self)
		read_name(thread_record_self);
	return result;
}
