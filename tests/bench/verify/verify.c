/* libafterfork-verify.so: compares what the library records of a mutex's acquisition, thread_record_want()
 * and call_stack_finish(), with libunwind at each of them. When the mutex is let go, the record must still
 * say of it what it said then.
 *
 * Preload it into any program; scripts/verify-stacks does so over several. At its end a process writes one
 * line:
 *
 *   afterfork-verify: checked=N mismatches=N cut=N truncated=N deepest=N wrapped=N program=NAME
 *
 *   AFTERFORK_VERIFY_OUTPUT=FILE  append the line, and what differed, to FILE; else stderr
 *   AFTERFORK_VERIFY_EVERY=N      check each Nth acquisition of each thread only (default 1)
 *
 * wrapped counts stacks of which more than four frames are kept. A cut stack is compared as far as it goes.
 * Forked children are not checked: libunwind calls dl_iterate_phdr, whose lock a vanished thread may hold.
 * The check comes before the lock is taken, so that it holds no lock of the program's.
 */
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libunwind.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "call_stack.h"
#include "module_map.h"
#include "thread_record_push.h"

enum { FRAMES_MAX = 256, HELD_MAX = 64, MISMATCHES_SHOWN_MAX = 5, PAGE_SIZE_BYTES = 4096 };

/* On a page that the kernel clears in forked children. */
struct totals {
	_Atomic uint32_t active;
	_Atomic uint64_t checked, mismatches, cut, truncated, deepest, wrapped;
};

struct checked_thread {
	bool busy; /* libunwind locks mutexes, too */
	uint64_t acquisitions;
	struct thread_record *record;
	struct held {
		const pthread_mutex_t *mutex;
		uint64_t pc[CALL_SITE_FRAMES_MAX]; /* as kept at its acquisition */
	} held[HELD_MAX];
	unsigned held_count;
};

struct stack {
	uint64_t pc[FRAMES_MAX];
	unsigned count, flags;
};

static struct totals *totals;
static uint64_t every = 1;
static int (*real_lock)(pthread_mutex_t *), (*real_unlock)(pthread_mutex_t *);
static __thread struct checked_thread *self __attribute__((tls_model("initial-exec")));

static void find_real(void)
{
	real_unlock = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_unlock");
	real_lock = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
}

__attribute__((constructor)) static void start(void)
{
	const char *text = getenv("AFTERFORK_VERIFY_EVERY");
	if (text && strtoull(text, NULL, 10) > 0)
		every = strtoull(text, NULL, 10);
	find_real();
	void *page = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || madvise(page, PAGE_SIZE_BYTES, MADV_WIPEONFORK)) {
		fprintf(
		    stderr,
		    "afterfork-verify: no page that fork clears (Linux 4.14 has it): nothing is checked\n");
		return;
	}
	totals = page;
	unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_PER_THREAD);
	module_map_refresh();
	atomic_store(&totals->active, 1);
}

static int open_output(void)
{
	const char *path = getenv("AFTERFORK_VERIFY_OUTPUT");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	return fd >= 0 ? fd : dup(STDERR_FILENO);
}

__attribute__((destructor)) static void finish(void)
{
	if (!totals || !atomic_exchange(&totals->active, 0) || !totals->checked)
		return;
	int fd = open_output();
	dprintf(fd,
	        "afterfork-verify: checked=%lu mismatches=%lu cut=%lu truncated=%lu deepest=%lu wrapped=%lu "
	        "program=%s\n",
	        totals->checked, totals->mismatches, totals->cut, totals->truncated, totals->deepest,
	        totals->wrapped, program_invocation_short_name);
	close(fd);
}

static struct checked_thread *checked_thread(uint64_t sp)
{
	if (!self) {
		struct checked_thread *state = arena_alloc(sizeof *state);
		struct thread_record *record = state ? thread_record_new(0) : NULL;
		if (record && call_stack_find_bounds(sp, &record->bounds.low, &record->bounds.high)) {
			state->record = record;
			self = state;
		}
	}
	return self;
}

/* Frames from the one that regs describe outwards. libunwind starts inside this function: those before are
 * passed over. */
static void walk_by_libunwind(const struct call_registers *regs, struct stack *ret_stack)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t ip, sp;
	bool reached = false;
	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	ret_stack->count = 0;
	do {
		unw_get_reg(&cursor, UNW_REG_IP, &ip);
		unw_get_reg(&cursor, UNW_REG_SP, &sp);
		if (!ip)
			return;
		reached |= ip == regs->pc && sp == regs->sp;
		if (reached)
			ret_stack->pc[ret_stack->count++] = ip;
	} while (ret_stack->count < FRAMES_MAX && unw_step(&cursor) > 0);
}

static void print_frame(int fd, const struct stack *stack, unsigned index)
{
	if (index >= stack->count) {
		dprintf(fd, " %-40s", "-");
		return;
	}
	char text[64];
	const struct module *module = module_map_find(stack->pc[index]);
	const char *name = module ? strrchr(module->path, '/') : NULL;
	snprintf(text, sizeof text, "%.24s+0x%lx", name ? name + 1 : "?",
	         module ? stack->pc[index] - module->bias : stack->pc[index]);
	dprintf(fd, " %-40s", text);
}

static void show_mismatch(const struct stack *ours, const struct stack *theirs)
{
	int fd = open_output();
	dprintf(fd, "afterfork-verify: mismatch in %s (afterfork, libunwind):\n",
	        program_invocation_short_name);
	for (unsigned i = 0; i < ours->count || i < theirs->count; i++) {
		dprintf(fd, "  %3u", i);
		print_frame(fd, ours, i);
		print_frame(fd, theirs, i);
		dprintf(fd, "%s\n",
		        i < ours->count && i < theirs->count && ours->pc[i] == theirs->pc[i] ? "" : " <<");
	}
	close(fd);
}

static void compare(const struct stack *ours, const struct stack *theirs)
{
	bool cut = ours->flags & CALL_STACK_CUT;
	bool same = cut ? ours->count <= theirs->count : ours->count == theirs->count;
	same = same && !memcmp(ours->pc, theirs->pc, ours->count * sizeof ours->pc[0]);
	atomic_fetch_add(&totals->checked, 1);
	atomic_fetch_add(&totals->cut, cut);
	atomic_fetch_add(&totals->truncated, (ours->flags & CALL_STACK_TRUNCATED) != 0);
	uint64_t deepest = totals->deepest;
	while (ours->count > deepest &&
	       !atomic_compare_exchange_weak(&totals->deepest, &deepest, ours->count))
		;
	if (!same && atomic_fetch_add(&totals->mismatches, 1) < MISMATCHES_SHOWN_MAX)
		show_mismatch(ours, theirs);
}

/* Only a mutex whose acquisition was checked is recorded. */
static __attribute__((noinline)) void check(struct checked_thread *state, const pthread_mutex_t *mutex,
                                            const struct call_registers *regs)
{
	struct thread_record *record = state->record;
	struct stack ours, theirs;
	struct call_site site;
	uint64_t exact;
	if (state->held_count == HELD_MAX) { /* taken here, let go elsewhere */
		state->held_count = 0;
		atomic_store(&record->held_count, 0);
	}
	uint32_t index = thread_record_want(record, mutex, 0, 0, regs);
	thread_record_site(&record->held[index], &site);
	ours.count = call_stack_finish(&site, &record->bounds, ours.pc, FRAMES_MAX, &ours.flags, &exact);
	walk_by_libunwind(regs, &theirs);
	compare(&ours, &theirs);
	atomic_fetch_add(&totals->wrapped, site.pc[CALL_SITE_FRAMES] != 0);
	struct held *held = &state->held[state->held_count++];
	held->mutex = mutex;
	memcpy(held->pc, site.pc, sizeof held->pc);
}

/* The entry as a child would read it now, before the release. */
static void check_held(struct checked_thread *state, const pthread_mutex_t *mutex)
{
	struct stack now = {.count = CALL_SITE_FRAMES_MAX}, then = now;
	struct call_site site;
	unsigned i = state->held_count;
	while (i-- > 0 && state->held[i].mutex != mutex)
		;
	uint32_t index = thread_record_find(state->record, mutex);
	if (i >= state->held_count || index == UINT32_MAX)
		return;
	thread_record_site(&state->record->held[index], &site);
	memcpy(now.pc, site.pc, sizeof site.pc);
	memcpy(then.pc, state->held[i].pc, sizeof site.pc);
	if (memcmp(now.pc, then.pc, sizeof site.pc) &&
	    atomic_fetch_add(&totals->mismatches, 1) < MISMATCHES_SHOWN_MAX)
		show_mismatch(&now, &then);
	memmove(&state->held[i], &state->held[i + 1], (--state->held_count - i) * sizeof state->held[0]);
}

static struct checked_thread *start_check(uint64_t sp)
{
	struct checked_thread *state = totals && atomic_load(&totals->active) ? checked_thread(sp) : NULL;
	if (!state || state->busy)
		return NULL;
	state->busy = true;
	return state;
}

__attribute__((visibility("default"))) int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int saved_errno = errno;
	struct checked_thread *state = start_check(regs.sp);
	if (state) {
		if (state->acquisitions++ % every == 0)
			check(state, mutex, &regs);
		state->busy = false;
	}
	if (!real_lock)
		find_real();
	errno = saved_errno;
	return real_lock(mutex);
}

/* As the library's own wrapper: what is let go in the order taken is popped. */
__attribute__((visibility("default"))) int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int saved_errno = errno;
	struct checked_thread *state = start_check(regs.sp);
	if (state) {
		check_held(state, mutex);
		if (!thread_record_pop(state->record, mutex))
			thread_record_remove(state->record, thread_record_find(state->record, mutex));
		state->record->released_pc = regs.pc; /* this function has a frame */
		state->busy = false;
	}
	if (!real_unlock)
		find_real();
	errno = saved_errno;
	return real_unlock(mutex);
}
