#include "proc_tree.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc_namespace.h"
#include "proc_stat.h"

enum { ANCESTORS_MAX = 10000 }; /* ends the walk when pids are reused under it */

static int compare_pids(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return (left > right) - (left < right);
}

static bool append(struct proc_list *list, size_t *capacity, pid_t pid)
{
	if (list->count == *capacity) {
		size_t larger = *capacity ? 2 * *capacity : 64;
		pid_t *pids = reallocarray(list->pids, larger, sizeof(*pids));

		if (!pids)
			return false;
		list->pids = pids;
		*capacity = larger;
	}
	list->pids[list->count++] = pid;
	return true;
}

/* The numeric names of a folder of /proc. */
static void list_numbers(const char *folder, struct proc_list *ret_list)
{
	size_t capacity = 0;
	DIR *dir = opendir(folder);

	*ret_list = (struct proc_list){0};
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		char *end;
		long number = strtol(entry->d_name, &end, 10);

		if (!*end && number > 0 && number <= INT_MAX && !append(ret_list, &capacity, (pid_t)number))
			break;
	}
	closedir(dir);
	if (ret_list->count)
		qsort(ret_list->pids, ret_list->count, sizeof(*ret_list->pids), compare_pids);
}

bool proc_tree_descends(pid_t pid, pid_t root)
{
	struct proc_stat stat;

	for (int depth = 0; depth < ANCESTORS_MAX && pid > 0 && proc_stat_read(pid, 0, &stat); depth++) {
		if (stat.ppid == root)
			return true;
		pid = stat.ppid;
	}
	return false;
}

/* A process and its parent as one pass over /proc saw them. */
struct kinship {
	pid_t pid, ppid;
	bool is_dead;
};

static int compare_kinships(const void *a, const void *b)
{
	pid_t left = ((const struct kinship *)a)->pid, right = ((const struct kinship *)b)->pid;

	return (left > right) - (left < right);
}

static bool descends(const struct kinship *all, size_t count, const struct kinship *process, pid_t root)
{
	for (int depth = 0; depth < ANCESTORS_MAX && process; depth++) {
		if (process->ppid == root)
			return true;
		struct kinship parent = {.pid = process->ppid};
		process = bsearch(&parent, all, count, sizeof(*all), compare_kinships);
	}
	return false;
}

/* Fills *ret_all, rising, with those of the pids that are not in `foreign` and are still there. */
static size_t read_kinships(const struct proc_list *pids, const struct proc_list *foreign,
                            struct kinship *ret_all)
{
	struct proc_stat stat;
	size_t count = 0;

	for (size_t i = 0; i < pids->count; i++)
		if (!proc_list_has(foreign, pids->pids[i]) && proc_stat_read(pids->pids[i], 0, &stat))
			ret_all[count++] =
			    (struct kinship){stat.pid, stat.ppid, stat.state == 'Z' || stat.state == 'X'};
	return count;
}

void proc_tree_descendants_beside(pid_t root, struct proc_list *foreign, struct proc_list *ret_list)
{
	size_t kept = 0, strangers = 0, next = 0;

	list_numbers("/proc", ret_list);
	struct kinship *all = calloc(ret_list->count ? ret_list->count : 1, sizeof(*all));
	pid_t *others = calloc(ret_list->count ? ret_list->count : 1, sizeof(*others));
	size_t count = all && others ? read_kinships(ret_list, foreign, all) : 0;
	/* Both lists are rising: `all` holds a part of the pids, each that is missing was foreign or is gone.
	 */
	for (size_t i = 0; all && others && i < ret_list->count; i++) {
		pid_t pid = ret_list->pids[i];
		bool is_read = next < count && all[next].pid == pid;
		const struct kinship *process = is_read ? &all[next++] : NULL;
		bool is_ours = process && pid != root && descends(all, count, process, root);

		if (is_ours && !process->is_dead)
			ret_list->pids[kept++] = pid;
		else if (!is_ours && pid != root)
			others[strangers++] = pid;
	}
	ret_list->count = kept;
	free(all);
	proc_list_release(foreign);
	*foreign = (struct proc_list){others, strangers};
}

void proc_tree_descendants(pid_t root, struct proc_list *ret_list)
{
	struct proc_list foreign = {0};

	proc_tree_descendants_beside(root, &foreign, ret_list);
	proc_list_release(&foreign);
}

void proc_tree_threads(pid_t pid, struct proc_list *ret_list)
{
	char folder[64];

	snprintf(folder, sizeof(folder), "/proc/%d/task", (int)pid);
	list_numbers(folder, ret_list);
}

bool proc_tree_has_thread(pid_t pid, pid_t tid)
{
	char path[64];

	if (!proc_namespace_is_ours(pid))
		return proc_namespace_find_thread(pid, tid) != 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	return access(path, F_OK) == 0;
}

bool proc_tree_has_one_thread(pid_t pid)
{
	struct proc_list threads;

	proc_tree_threads(pid, &threads);
	bool has_one = threads.count == 1;
	proc_list_release(&threads);
	return has_one;
}

bool proc_list_has(const struct proc_list *list, pid_t pid)
{
	return list->count && list->pids && bsearch(&pid, list->pids, list->count, sizeof(pid), compare_pids);
}

void proc_list_release(struct proc_list *list)
{
	free(list->pids);
	*list = (struct proc_list){0};
}
