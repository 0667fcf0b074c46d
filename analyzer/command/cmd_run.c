/* `afterfork run`: check, make the trace, start the command, watch, report. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "output_path.h"
#include "report.h"
#include "run_file.h"
#include "supervisor.h"
#include "supervisor_message.h"
#include "supervisor_report.h"
#include "supervisor_spawn.h"
#include "suppressions.h"
#include "target_check.h"

enum { EXIT_SIGNAL_BASE = 128 };

struct run {
	struct options options;
	char *const *command;
	struct target target;
	char *library;
	struct run_file run_file;
	struct supervisor supervisor;
};

static int fail(char *error)
{
	supervisor_message("%s", error ? error : "out of memory");
	free(error);
	return EXIT_OWN_FAILURE;
}

/* What could go wrong at the end, hours later, is asked for now. */
static int check_options(const struct options *options)
{
	struct suppressions suppressions = {0};
	size_t count;
	const char *const *files = options_list(options, OPTION_SUPPRESSIONS, &count);
	int error = report_check_formats(options_string(options, OPTION_FORMAT));

	for (size_t i = 0; i < count && !error; i++)
		error = suppressions_read(&suppressions, files[i]);
	suppressions_release(&suppressions);
	return error ? EXIT_OWN_FAILURE : 0;
}

static int check_target(struct run *run)
{
	target_check(&run->target, run->command[0]);
	if (run->target.state == TARGET_COVERED)
		return 0;
	supervisor_message("%s", run->target.error ? run->target.error : "out of memory");
	switch (run->target.state) {
	case TARGET_NOT_FOUND:
		return EXIT_NOT_FOUND;
	case TARGET_NOT_EXECUTABLE:
		return EXIT_NOT_EXECUTABLE;
	default:
		return EXIT_OWN_FAILURE;
	}
}

static enum trace_action trace_action(const struct options *options)
{
	switch (options_choice(options, OPTION_ON_DEADLOCK)) {
	case ON_DEADLOCK_ABORT:
		return TRACE_ACTION_ABORT;
	case ON_DEADLOCK_KILL:
		return TRACE_ACTION_KILL;
	default:
		return TRACE_ACTION_REPORT;
	}
}

static int make_trace(struct run *run)
{
	char *error = NULL;
	char *folder = output_path_expand(options_string(&run->options, OPTION_OUTPUT), getpid(), &error);

	if (!folder)
		return fail(error);
	const struct run_file_settings settings = {
	    .folder = folder,
	    .replace = options_flag(&run->options, OPTION_FORCE),
	    .command = run->command,
	    .on_deadlock = trace_action(&run->options),
	    .machine = run->target.machine,
	    .size_limit_bytes = options_number(&run->options, OPTION_TRACE_LIMIT),
	};
	bool made = run_file_create(&run->run_file, &settings, &error);
	free(folder);
	if (!made)
		return fail(error);
	/* Only now: a report may go into the trace folder. */
	if (!report_check_places(options_string(&run->options, OPTION_FORMAT)))
		return 0;
	run_file_discard(&run->run_file);
	return EXIT_OWN_FAILURE;
}

static int prepare(struct run *run)
{
	char *error = NULL;
	int code = check_options(&run->options);

	if (!code)
		code = check_target(run);
	if (code)
		return code;
	run->library = supervisor_spawn_find_library(options_string(&run->options, OPTION_LIBRARY), &error);
	if (!run->library)
		return fail(error);
	return make_trace(run);
}

static int tell_not_started(const struct run *run, int error)
{
	supervisor_message("%s cannot be started: %s", run->target.path, strerror(error));
	if (error == EAGAIN || error == ENOMEM)
		return EXIT_OWN_FAILURE;
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* Starts and watches the command. 0 once it has ended. */
static int watch(struct run *run)
{
	const struct supervisor_spawn_settings settings = {
	    .path = run->target.path,
	    .command = run->command,
	    .library = run->library,
	    .trace_folder = run->run_file.folder,
	};
	int error = 0;

	supervisor_init(&run->supervisor, &run->run_file, &run->options);
	pid_t command = supervisor_spawn(&settings, &error);
	if (command >= 0) {
		supervisor_watch(&run->supervisor, command);
		run_file_end(&run->run_file, run->supervisor.exit_code, run->supervisor.exit_signal);
	}
	supervisor_release(&run->supervisor);
	/* The command may have left the terminal to another process group: the report is printed all the
	 * same. */
	signal(SIGTTOU, SIG_IGN);
	if (command >= 0)
		return 0;
	run_file_discard(&run->run_file);
	return tell_not_started(run, error);
}

static int command_code(const struct supervisor *supervisor)
{
	return supervisor->exit_signal ? EXIT_SIGNAL_BASE + supervisor->exit_signal : supervisor->exit_code;
}

/* Nothing that was watched is not the same as nothing found. */
static int tell_not_covered(const struct run *run)
{
	if (run->supervisor.exit_signal) {
		supervisor_message(
		    "%s was ended by signal %d before the library was loaded: nothing was watched",
		    run->target.path, run->supervisor.exit_signal);
		return command_code(&run->supervisor);
	}
	supervisor_message("%s ran without the library, so nothing was watched: its loader did not load %s; "
	                   "the lines that the loader wrote above, or LD_DEBUG=libs, say why",
	                   run->target.path, run->library);
	return EXIT_OWN_FAILURE;
}

static int report(struct run *run)
{
	char *paths[] = {run->run_file.folder};
	struct report_options report_options;
	struct render_options render_options;
	struct report report;

	report_options_from(&report_options, &render_options, &run->options);
	if (report_build(&report, paths, 1, &report_options) != 0)
		return EXIT_OWN_FAILURE;
	if (!supervisor_report_store(&report, run->run_file.folder_fd, &run->options))
		supervisor_message("the report cannot be written into %s: %s; `afterfork report` makes it "
		                   "again from the trace there",
		                   run->run_file.folder, strerror(errno));
	int code = report_exit_code(&report, &run->options);
	if (report_render_all(&report, options_string(&run->options, OPTION_FORMAT), &render_options) != 0)
		code = EXIT_OWN_FAILURE;
	report_release(&report);
	return code ? code : command_code(&run->supervisor);
}

static int run_command(struct run *run)
{
	int code = prepare(run);

	if (!code)
		code = watch(run);
	if (code)
		return code;
	if (__atomic_load_n(&run->run_file.run->images, __ATOMIC_ACQUIRE) == 0)
		return tell_not_covered(run);
	return report(run);
}

/* Started with closed streams, what is opened next would get their numbers, and messages would go into the
 * trace. The command gets them closed, as they were. */
static void occupy_closed_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR | O_CLOEXEC);
}

int cmd_run(int argc, char **argv)
{
	struct run run = {.run_file = {.folder_fd = -1, .file_fd = -1}};
	int first = argc;
	int code = 0;

	occupy_closed_streams();
	if (options_parse(&run.options, OPTION_FOR_RUN, getenv("AFTERFORK_OPTIONS"), argc, argv, &first) != 0)
		return EXIT_OWN_FAILURE;
	if (first >= argc) {
		supervisor_message(
		    "run: no command was given; afterfork run [options] [--] COMMAND [ARGUMENT...]");
		code = EXIT_OWN_FAILURE;
	} else {
		run.command = argv + first;
		code = run_command(&run);
	}
	run_file_release(&run.run_file);
	target_release(&run.target);
	free(run.library);
	options_release(&run.options);
	return code;
}
