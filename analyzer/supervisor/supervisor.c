#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monotonic.h"
#include "options.h"
#include "proc_stat.h"
#include "proc_stop.h"
#include "supervisor_message.h"
#include "supervisor_signals.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
	ORPHAN_PATIENCE_S = 2, /* for descendants that outlive the command */
	TICK_S = 1,            /* a sandboxed child counts its incident but may not wake us */
	NAMED_MAX = 8,
};

void supervisor_init(struct supervisor *ret_supervisor, struct run_file *run_file,
                     const struct options *options)
{
	*ret_supervisor = (struct supervisor){
	    .run_file = run_file,
	    .wait_for_all = options_choice(options, OPTION_WAIT_FOR) == WAIT_FOR_ALL,
	    .quiet = options_flag(options, OPTION_QUIET),
	    .children_left = true,
	    .exit_code = -1,
	};
	const struct deadlock_settings settings = {
	    .folder = run_file->folder,
	    .folder_fd = run_file->folder_fd,
	    .action = options_choice(options, OPTION_ON_DEADLOCK),
	    .quiet = ret_supervisor->quiet,
	    .options = options,
	    .run = run_file->run,
	};
	supervisor_deadlock_init(&ret_supervisor->deadlock, &settings);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	proc_tree_descendants(getpid(), &ret_supervisor->older_children);
	supervisor_signals_install(&run_file->run->notice_count);
}

static bool has_terminal(void)
{
	int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (terminal < 0)
		return false;
	close(terminal);
	return true;
}

static bool command_state_is(const struct supervisor *supervisor, char state)
{
	struct proc_stat stat;

	return proc_stat_read(supervisor->command, 0, &stat) && stat.state == state;
}

static void take_command_status(struct supervisor *supervisor, int status)
{
	if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
		supervisor->stop_signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
		supervisor->command_stopped = WIFSTOPPED(status);
		return;
	}
	supervisor->command_ended = true;
	supervisor->command_ended_ns = monotonic_now_ns();
	supervisor->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	supervisor->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* A stop of the command stops this process too, or the shell that started it would not notice: where there is
 * a terminal, so that somebody is there to continue both. */
static void stop_with_command(struct supervisor *supervisor)
{
	int status;

	while (supervisor->stop_signal) {
		int number = supervisor->stop_signal;

		supervisor->stop_signal = 0;
		if (getpgid(supervisor->command) != getpgrp() || !has_terminal() ||
		    !command_state_is(supervisor, 'T'))
			return;
		supervisor_signals_stop_like(number);
		/* Continued. A status that is new now tells that the command was, too (and may have stopped
		 * again since); without one it is still in the stop that is known. */
		if (waitpid(supervisor->command, &status, WNOHANG | WUNTRACED | WCONTINUED) > 0) {
			take_command_status(supervisor, status);
		} else {
			supervisor->command_stopped = false;
			kill(supervisor->command, SIGCONT);
		}
	}
}

/* What the terminal sends reaches the command by itself, and what the tree sends to its whole group has
 * reached it. */
static void pass_on(const struct supervisor *supervisor, const struct taken_signal *taken)
{
	if (taken->number == SIGCONT) {
		/* One that this process was continued by is old news for the command. */
		if (supervisor->command_stopped)
			kill(supervisor->command, SIGCONT);
		return;
	}
	if (!taken->sender || taken->sender == getpid() || proc_tree_descends(taken->sender, getpid()))
		return;
	if (taken->queued)
		sigqueue(supervisor->command, taken->number, taken->value);
	else
		kill(supervisor->command, taken->number);
}

static bool asks_to_stop(const struct taken_signal *taken)
{
	return taken->number == SIGINT || taken->number == SIGTERM || taken->number == SIGHUP ||
	       taken->number == SIGQUIT;
}

static void take_signals(struct supervisor *supervisor)
{
	struct taken_signal taken;

	while (supervisor_signals_take(&taken)) {
		if (supervisor->command_ended || command_state_is(supervisor, 'Z'))
			supervisor->asked_to_stop |= asks_to_stop(&taken);
		else
			pass_on(supervisor, &taken);
	}
}

static void reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED | __WALL)) > 0) {
		if (pid == supervisor->command && !supervisor->command_ended)
			take_command_status(supervisor, status);
		else if (WIFSTOPPED(status))
			proc_stop_end_late(pid, status);
		else if (!WIFCONTINUED(status))
			supervisor_deadlock_child_ended(&supervisor->deadlock, pid, status,
			                                monotonic_now_ns());
	}
	supervisor->children_left = pid == 0;
	if (!supervisor->command_ended)
		stop_with_command(supervisor);
}

/* The living processes of the tree. Our own helpers and children from before are none of it. */
static void list_tree(const struct supervisor *supervisor, struct proc_list *ret_list)
{
	size_t kept = 0;

	proc_tree_descendants(getpid(), ret_list);
	for (size_t i = 0; i < ret_list->count; i++) {
		pid_t pid = ret_list->pids[i];

		if (!supervisor_deadlock_is_helper(&supervisor->deadlock, pid) &&
		    !proc_list_has(&supervisor->older_children, pid))
			ret_list->pids[kept++] = pid;
	}
	ret_list->count = kept;
}

/* True when nobody of the tree is left that could still end by itself. */
static bool tree_has_ended(const struct supervisor *supervisor)
{
	struct proc_list tree;
	bool ended = true;

	if (!supervisor->children_left)
		return true;
	list_tree(supervisor, &tree);
	for (size_t i = 0; i < tree.count && ended; i++)
		ended = supervisor_deadlock_was_left(&supervisor->deadlock, tree.pids[i]);
	proc_list_release(&tree);
	return ended;
}

static bool is_finished(const struct supervisor *supervisor, uint64_t now_ns)
{
	if (!supervisor->command_ended)
		return false;
	if (supervisor->asked_to_stop)
		return true;
	if (supervisor_deadlock_is_busy(&supervisor->deadlock, now_ns))
		return false;
	if (!supervisor->wait_for_all &&
	    now_ns - supervisor->command_ended_ns >= ORPHAN_PATIENCE_S * SECOND_NS)
		return true;
	return tree_has_ended(supervisor);
}

static void sleep_until(const struct supervisor *supervisor, uint32_t seen, uint64_t due_ns)
{
	uint64_t now_ns = monotonic_now_ns();
	uint64_t tick_ns = now_ns + TICK_S * SECOND_NS;
	uint64_t wake_ns = due_ns < tick_ns ? due_ns : tick_ns;

	if (supervisor->command_ended && !supervisor->wait_for_all) {
		uint64_t end_ns = supervisor->command_ended_ns + ORPHAN_PATIENCE_S * SECOND_NS;

		wake_ns = end_ns > now_ns && end_ns < wake_ns ? end_ns : wake_ns;
	}
	if (wake_ns <= now_ns)
		return;
	struct timespec span = {.tv_sec = (time_t)((wake_ns - now_ns) / SECOND_NS),
	                        .tv_nsec = (long)((wake_ns - now_ns) % SECOND_NS)};
	/* Not private: processes of the tree wake it. */
	syscall(SYS_futex, &supervisor->run_file->run->notice_count, FUTEX_WAIT, seen, &span, NULL, 0);
}

void supervisor_watch(struct supervisor *supervisor, pid_t command)
{
	supervisor->command = command;
	for (;;) {
		/* First: whatever happens after this read ends the sleep below at once. */
		uint32_t seen = __atomic_load_n(&supervisor->run_file->run->notice_count, __ATOMIC_ACQUIRE);
		uint32_t notices = seen - supervisor_signals_wakes();

		reap(supervisor);
		take_signals(supervisor);
		if (notices != supervisor->seen_notices) {
			supervisor->seen_notices = notices;
			supervisor_deadlock_notice(&supervisor->deadlock);
		}
		uint64_t due_ns = supervisor_deadlock_step(&supervisor->deadlock, monotonic_now_ns());
		if (is_finished(supervisor, monotonic_now_ns()))
			return;
		sleep_until(supervisor, seen, due_ns);
	}
}

static void tell_left(const struct supervisor *supervisor)
{
	char names[512] = "", name[256];
	struct proc_list tree;
	size_t used = 0;

	list_tree(supervisor, &tree);
	for (size_t i = 0; i < tree.count && i < NAMED_MAX && used < sizeof(names); i++)
		used += (size_t)snprintf(
		    names + used, sizeof(names) - used, "%s%d (%s%s)", i ? ", " : "", (int)tree.pids[i],
		    proc_stat_describe(tree.pids[i], name, sizeof(name)),
		    supervisor_deadlock_was_left(&supervisor->deadlock, tree.pids[i]) ? ", deadlocked" : "");
	if (tree.count && !supervisor->quiet)
		supervisor_message(
		    "%zu process%s of the command %s still running, unwatched from here on: %s%s%s",
		    tree.count, tree.count == 1 ? "" : "es", tree.count == 1 ? "is" : "are", names,
		    tree.count > NAMED_MAX ? ", ..." : "",
		    supervisor->wait_for_all ? "" : " (to wait for them: --wait-for all)");
	proc_list_release(&tree);
}

void supervisor_release(struct supervisor *supervisor)
{
	supervisor_deadlock_end_helpers(&supervisor->deadlock);
	if (supervisor->command_ended)
		tell_left(supervisor);
	supervisor_signals_restore();
	supervisor_deadlock_release(&supervisor->deadlock);
	proc_list_release(&supervisor->older_children);
}
