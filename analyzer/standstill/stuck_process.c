#include "stuck_process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>
#include <unistd.h>

#include "proc_await.h"
#include "proc_memory.h"
#include "proc_namespace.h"
#include "proc_signals.h"
#include "proc_standstill.h"
#include "proc_stat.h"
#include "proc_stop.h"
#include "proc_tree.h"
#include "stuck_import.h"
#include "trace_format.h"

enum {
	STACK_COPY_MAX = 1 << 20, /* of one thread; deeper stacks end there, marked as cut */
};

static void in_dwarf_order(const struct user_regs_struct *user, uint64_t registers[STACK_REGISTERS])
{
	const uint64_t in_order[STACK_REGISTERS] = {
	    user->rax, user->rdx, user->rcx, user->rbx, user->rsi, user->rdi, user->rbp, user->rsp, user->r8,
	    user->r9,  user->r10, user->r11, user->r12, user->r13, user->r14, user->r15, user->rip,
	};

	memcpy(registers, in_order, sizeof(in_order));
}

static bool read_registers(pid_t tid, uint64_t registers[STACK_REGISTERS], uint64_t *ret_thread_pointer)
{
	struct user_regs_struct user;

	if (!proc_stop_begin(tid, &user))
		return false;
	proc_stop_end(tid);
	in_dwarf_order(&user, registers);
	*ret_thread_pointer = user.fs_base;
	return true;
}

/* parent 0: it does not run the program that forked any more. */
static void take_objects(const struct stuck_process *process, pid_t parent, struct stuck_thread *thread)
{
	const struct stuck_waiter waiter = {
	    .pid = process->pid,
	    .parent = parent,
	    .exe = process->exe,
	    .maps = &process->maps,
	    .source = &thread->source,
	    .thread_pointer = thread->thread_pointer,
	    .word = thread->wait.address,
	};

	stuck_object_read(process->pid, parent, thread->wait.address, &thread->object);
	if (process->thread_count > 1 || process->is_in_loop)
		return;
	stuck_queue_find(&waiter, &thread->queue);
	thread->import_owner = stuck_import_owner(&waiter, &process->vanished);
}

static void name_thread(const struct proc_stat *stat, struct stuck_thread *thread)
{
	thread->tid = stat->pid;
	snprintf(thread->name, sizeof(thread->name), "%.15s", stat->name);
}

static bool take_thread(struct stuck_process *process, pid_t tid, struct stuck_thread *ret_thread)
{
	struct stack_source *source = &ret_thread->source;
	struct proc_stat stat;

	proc_wait_read(process->pid, tid, &ret_thread->wait);
	if (ret_thread->wait.state != PROC_WAIT_FUTEX || !proc_stat_read(process->pid, tid, &stat))
		return false;
	name_thread(&stat, ret_thread);
	source->has_all_registers = read_registers(tid, source->registers, &ret_thread->thread_pointer);
	if (!source->has_all_registers) {
		source->registers[STACK_REGISTER_SP] = ret_thread->wait.stack;
		source->registers[STACK_REGISTER_PC] = ret_thread->wait.pc;
	}
	stack_source_copy_memory(process->pid, &process->maps, source->registers[STACK_REGISTER_SP],
	                         STACK_COPY_MAX, source);
	return true;
}

static bool take_threads(struct stuck_process *process)
{
	struct proc_list list;

	proc_tree_threads(process->pid, &list);
	size_t count = list.count < STUCK_THREADS_MAX ? list.count : STUCK_THREADS_MAX;
	process->threads = calloc(count ? count : 1, sizeof(*process->threads));
	process->has_more_threads = count < list.count;
	bool whole = process->threads && count;
	for (size_t i = 0; i < count && whole; i++) {
		struct proc_stat stat;

		if (list.pids[i] == process->pid && proc_stat_read(process->pid, list.pids[i], &stat) &&
		    stat.state == 'Z')
			continue;
		whole = take_thread(process, list.pids[i], &process->threads[process->thread_count]);
		process->thread_count++;
	}
	proc_list_release(&list);
	return whole && process->thread_count;
}

static bool take_loop(struct stuck_process *process, const struct spin_loop *loop)
{
	struct stuck_thread *thread = calloc(1, sizeof(*thread));
	struct proc_stat stat;

	process->threads = thread;
	if (!thread || !proc_stat_read(process->pid, process->pid, &stat))
		return false;
	process->thread_count = 1;
	process->is_in_loop = true;
	process->sleeps_on_word = loop->sleeps_on_word;
	name_thread(&stat, thread);
	thread->wait = (struct proc_wait){.state = PROC_WAIT_OTHER, .address = loop->word, .call = -1};
	thread->thread_pointer = loop->thread_pointer;
	thread->source.has_all_registers = true;
	memcpy(thread->source.registers, loop->registers, sizeof(loop->registers));
	stack_source_copy_memory(process->pid, &process->maps, loop->registers[STACK_REGISTER_SP],
	                         STACK_COPY_MAX, &thread->source);
	return true;
}

static bool take_await(struct stuck_process *process)
{
	struct stuck_thread *thread = calloc(1, sizeof(*thread));
	struct proc_standstill standstill;
	struct proc_stat stat;

	process->threads = thread;
	if (!thread || !proc_stat_read(process->pid, process->pid, &stat) ||
	    !proc_await_read(process->pid, &standstill))
		return false;
	process->thread_count = 1;
	process->awaits_descriptors = stuck_process_awaits_work(process->pid, &standstill.wait);
	name_thread(&stat, thread);
	thread->wait = standstill.wait;
	thread->source.registers[STACK_REGISTER_SP] = standstill.wait.stack;
	thread->source.registers[STACK_REGISTER_PC] = standstill.wait.pc;
	stack_source_copy_memory(process->pid, &process->maps, standstill.wait.stack, STACK_COPY_MAX,
	                         &thread->source);
	return process->awaits_descriptors;
}

static char *link_target(pid_t pid, const char *name)
{
	char path[64], target[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	ssize_t size = readlink(path, target, sizeof(target) - 1);
	return size > 0 ? strndup(target, (size_t)size) : NULL;
}

/* A child writes where its parent did: the mapping that it inherited tells where. */
static char *mapped_image_name(const struct proc_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct proc_map *map = &maps->items[i];
		const char *name = proc_map_base_name(map);

		if (!map->is_private && name != map->path && !strchr(name, ' ') &&
		    strncmp(name, TRACE_IMAGE_FILE_PREFIX, strlen(TRACE_IMAGE_FILE_PREFIX)) == 0)
			return strdup(name);
	}
	return NULL;
}

/* A child of vfork() or clone(CLONE_VM) lives in its parent's memory and could end the parent's wait. */
static bool shares_memory_with(pid_t pid, pid_t other)
{
	struct library_state state;
	struct proc_maps maps;
	enum proc_memory_same same = proc_memory_is_same(pid, other);

	if (same != PROC_MEMORY_NOT_KNOWN || !proc_maps_read(other, &maps))
		return same == PROC_MEMORY_SAME;
	bool shares = !library_state_read(other, &maps, &state) || state.shares_memory;
	proc_maps_release(&maps);
	return shares;
}

static bool has_child_in_memory(pid_t pid)
{
	struct proc_list children;
	struct proc_stat stat;
	bool found = false;

	proc_tree_descendants(pid, &children);
	for (size_t i = 0; i < children.count && !found; i++)
		found = proc_stat_read(children.pids[i], 0, &stat) && stat.forked_without_exec &&
		        shares_memory_with(pid, children.pids[i]);
	proc_list_release(&children);
	return found;
}

/* clone(CLONE_PARENT) makes a sibling, and a child whose parent ended goes to an ancestor. */
static bool has_other_in_memory(pid_t pid)
{
	struct proc_list tree;
	bool found = false;

	proc_tree_descendants(getpid(), &tree);
	for (size_t i = 0; i < tree.count && !found; i++)
		found = tree.pids[i] != pid && proc_memory_is_same(pid, tree.pids[i]) == PROC_MEMORY_SAME;
	proc_list_release(&tree);
	return found;
}

bool stuck_process_has_other_in_memory(pid_t pid)
{
	return has_child_in_memory(pid) || has_other_in_memory(pid);
}

/* Where neither the library nor the kernel tells, nor what is in there, it counts as shared. */
static bool is_in_parents_memory(const struct stuck_process *process, const struct stuck_parent *parent)
{
	if (process->has_library && process->library.shares_memory)
		return true;
	switch (proc_memory_is_same(process->pid, process->ppid)) {
	case PROC_MEMORY_SAME:
		return true;
	case PROC_MEMORY_DIFFERS:
		return false;
	default:
		return !process->has_library && !parent->has_other_contents;
	}
}

/* What the library says counts, for it knows the whole line of forks. Of the parent's threads, one is that
 * which forked. */
static uint32_t vanished_of(const struct library_state *library, const struct stuck_parent *parent)
{
	if (library)
		return library->vanished_threads;
	return parent->count ? (uint32_t)parent->count - 1 : 0;
}

bool stuck_process_is_candidate(pid_t pid)
{
	struct stuck_parent parent;
	struct library_state library;
	struct proc_stat stat;
	struct proc_maps maps;

	if (!proc_namespace_is_ours(pid) || !proc_stat_read(pid, 0, &stat) || !proc_maps_read(pid, &maps))
		return false;
	bool has_library = library_state_read(pid, &maps, &library);
	stuck_parent_read(stat.ppid, pid, &maps, 0, &parent);
	proc_maps_release(&maps);
	return vanished_of(has_library ? &library : NULL, &parent) && !(has_library && library.shares_memory);
}

bool stuck_process_awaits_work(pid_t pid, const struct proc_wait *wait)
{
	struct library_state library;
	struct proc_maps maps;

	if (!proc_namespace_is_ours(pid) || !proc_maps_read(pid, &maps))
		return false;
	bool has_handed = library_state_read(pid, &maps, &library) && !library.shares_memory &&
	                  library.handover.object && library.handover.tid == pid;
	proc_maps_release(&maps);
	return has_handed && proc_await_is_hopeless(pid, wait);
}

/* A wait for the mutex of a condition is none for the condition. */
static void take_known_wait(const struct library_threads *library, struct stuck_thread *thread)
{
	enum { LOCK_SIZE_BYTES = 64 };

	for (size_t i = 0; i < library->wait_count; i++) {
		const struct library_wait *wait = &library->waits[i];

		if (wait->tid == thread->tid && thread->wait.address - wait->lock < LOCK_SIZE_BYTES) {
			thread->known_lock = wait->lock;
			thread->known_kind = wait->kind;
		}
	}
}

static void take_past(struct stuck_process *process)
{
	const struct library_state *library = process->has_library ? &process->library : NULL;
	const struct stuck_thread *first = &process->threads[0];
	struct stuck_parent parent;

	process->forking_pid = library && library->fork.pid ? library->fork.pid : process->ppid;
	stuck_parent_read(process->forking_pid, process->pid, &process->maps, first->thread_pointer, &parent);
	process->forking_tid = library && library->fork.tid ? library->fork.tid : parent.forking_tid;
	process->vanished_threads = vanished_of(library, &parent);
	process->memory_is_shared =
	    is_in_parents_memory(process, &parent) || stuck_process_has_other_in_memory(process->pid);
	stuck_vanished_take(process->pid, library, &parent, process->forking_pid, &process->maps,
	                    first->source.registers[STACK_REGISTER_SP], &process->vanished);
	for (size_t i = 0; i < process->thread_count; i++) {
		take_objects(process, parent.is_same_program ? process->forking_pid : 0,
		             &process->threads[i]);
		take_known_wait(&process->vanished.threads, &process->threads[i]);
	}
}

bool stuck_process_take(pid_t pid, const struct spin_loop *loop, uint64_t since_ns, uint64_t now_ns,
                        struct stuck_process *ret_process)
{
	struct stuck_process process = {.pid = pid, .since_ns = since_ns, .seen_ns = now_ns};
	struct proc_standstill standstill;
	struct proc_stat stat;

	if (!proc_stat_read(pid, 0, &stat) || !proc_maps_read(pid, &process.maps) ||
	    !(loop                                     ? take_loop(&process, loop)
	      : proc_standstill_read(pid, &standstill) ? take_threads(&process)
	                                               : take_await(&process))) {
		stuck_process_release(&process);
		return false;
	}
	process.ppid = stat.ppid;
	process.exe = link_target(pid, "exe");
	process.image_name = mapped_image_name(&process.maps);
	process.has_library = library_state_read(pid, &process.maps, &process.library);
	take_past(&process);
	process.signals_known = loop ? proc_signals_caught(pid, &process.caught_signals)
	                             : proc_signals_caught_asleep(pid, &process.caught_signals);
	*ret_process = process;
	return true;
}

void stuck_process_release(struct stuck_process *process)
{
	for (size_t i = 0; i < process->thread_count; i++)
		free(process->threads[i].source.memory);
	free(process->threads);
	stuck_vanished_release(&process->vanished);
	free(process->exe);
	free(process->image_name);
	proc_maps_release(&process->maps);
	*process = (struct stuck_process){0};
}
