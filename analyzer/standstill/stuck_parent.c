#include "stuck_parent.h"

#include <string.h>

#include "proc_memory.h"
#include "proc_stat.h"
#include "proc_tree.h"

static const struct proc_map *find_named(const struct proc_maps *maps, const char *path)
{
	for (size_t i = 0; i < maps->count; i++)
		if (strcmp(maps->items[i].path, path) == 0)
			return &maps->items[i];
	return NULL;
}

static const struct proc_map *first_file(const struct proc_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->items[i].path[0] == '/')
			return &maps->items[i];
	return NULL;
}

static bool is_same(const struct proc_map *a, const struct proc_map *b)
{
	return a && b && a->start == b->start && strcmp(a->path, b->path) == 0;
}

/* exec() places everything anew; without a random layout a program that was executed twice would look the
 * same, but then it has no thread that is older than the child. */
static bool has_same_layout(const struct proc_maps *a, const struct proc_maps *b)
{
	return is_same(first_file(a), first_file(b)) &&
	       is_same(find_named(a, "[vdso]"), find_named(b, "[vdso]"));
}

/* Start times are whole ticks: a thread of the child's own tick may be younger. */
static void list_older_threads(pid_t pid, uint64_t child_start_ticks, struct stuck_parent *parent)
{
	struct proc_list threads;
	struct proc_stat stat;

	proc_tree_threads(pid, &threads);
	for (size_t i = 0; i < threads.count && parent->count < STUCK_PARENT_THREADS_MAX; i++)
		if (proc_stat_read(pid, threads.pids[i], &stat) && stat.start_ticks < child_start_ticks)
			parent->tids[parent->count++] = threads.pids[i];
	proc_list_release(&threads);
}

/* libc keeps a thread's id in its descriptor, to which the thread pointer points. The child's only thread
 * took over the forking one's descriptor: in the parent that one's id is in the same place. fork() has
 * written the child's id there, a raw system call has left it. */
static void find_forking_thread(pid_t pid, pid_t child, uint64_t thread_pointer, struct stuck_parent *parent)
{
	enum { DESCRIPTOR_SIZE_BYTES = 1024 };
	int32_t ours[DESCRIPTOR_SIZE_BYTES / sizeof(int32_t)],
	    theirs[DESCRIPTOR_SIZE_BYTES / sizeof(int32_t)];

	if (!thread_pointer || !proc_memory_read(child, thread_pointer, ours, sizeof(ours)) ||
	    !proc_memory_read(pid, thread_pointer, theirs, sizeof(theirs)))
		return;
	for (int by_system_call = 0; by_system_call <= 1; by_system_call++)
		for (size_t i = 0; i < DESCRIPTOR_SIZE_BYTES / sizeof(int32_t); i++) {
			if (ours[i] != (by_system_call ? theirs[i] : child) ||
			    !stuck_parent_has(parent, theirs[i]))
				continue;
			parent->forking_tid = theirs[i];
			parent->has_other_contents = !by_system_call;
			return;
		}
}

void stuck_parent_read(pid_t pid, pid_t child, const struct proc_maps *child_maps, uint64_t thread_pointer,
                       struct stuck_parent *ret_parent)
{
	struct proc_stat child_stat;
	struct proc_maps maps;

	*ret_parent = (struct stuck_parent){0};
	if (!proc_stat_read(child, 0, &child_stat) || !proc_maps_read(pid, &maps))
		return;
	ret_parent->is_same_program = has_same_layout(&maps, child_maps);
	proc_maps_release(&maps);
	if (!ret_parent->is_same_program)
		return;
	list_older_threads(pid, child_stat.start_ticks, ret_parent);
	find_forking_thread(pid, child, thread_pointer, ret_parent);
}

bool stuck_parent_has(const struct stuck_parent *parent, pid_t tid)
{
	for (size_t i = 0; i < parent->count; i++)
		if (parent->tids[i] == tid)
			return true;
	return false;
}
