#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "report.h"

static int cmd_inspect(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fputs("afterfork inspect: not part of this version; run the program under `afterfork run` instead\n",
	      stderr);
	return EXIT_OWN_FAILURE;
}

static const struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	unsigned user;
	int (*main)(int argc, char **argv);
} commands[] = {
    {"run", "[options] [--] CMD [ARG...]",
     "runs CMD and all of its children under the library and reports at the end", OPTION_FOR_RUN, cmd_run},
    {"report", "[options] TRACE...", "reads traces (files or folders) and prints one report",
     OPTION_FOR_REPORT, cmd_report},
    {"inspect", "[options] PID | --core CORE [EXE]", "not part of this version", OPTION_FOR_INSPECT,
     cmd_inspect},
    {"rules", "", "lists every rule: name, verdict, one line, advice", OPTION_FOR_RULES, cmd_rules},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_usage(FILE *out)
{
	fputs("afterfork finds what breaks in the child when a program with threads forks.\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  afterfork %s%s%s\n      %s\n", commands[i].name,
		        *commands[i].arguments ? " " : "", commands[i].arguments, commands[i].summary);
	fputs("\n`afterfork COMMAND --help` lists a command's options; AFTERFORK_OPTIONS=\"key=value ...\" "
	      "takes the same names.\n",
	      out);
}

static void print_command_help(const struct command *command)
{
	printf("usage: afterfork %s %s\n%s\n\noptions:\n", command->name, command->arguments,
	       command->summary);
	options_print_help(command->user, stdout);
	if (command->user & (OPTION_FOR_RUN | OPTION_FOR_REPORT)) {
		fputs("\nformats:\n", stdout);
		report_print_formats(stdout);
	}
	fputs("\nexit code: that of --fail-on where a finding reaches it, else the command's own (run) or 0; "
	      "125 for a failure of afterfork itself.\n",
	      stdout);
}

static int finish_output(void)
{
	if (fflush(stdout) == 0)
		return 0;
	perror("afterfork: cannot write to standard output");
	return EXIT_OWN_FAILURE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command = name ? find_command(name) : NULL;

	if (!name) {
		print_usage(stderr);
		return EXIT_OWN_FAILURE;
	}
	if (!strcmp(name, "--version")) {
		puts("afterfork " AFTERFORK_VERSION);
		return finish_output();
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		print_usage(stdout);
		return finish_output();
	}
	if (!command) {
		fprintf(stderr, "afterfork: unknown command \"%s\"; `afterfork --help` lists the commands\n",
		        name);
		return EXIT_OWN_FAILURE;
	}
	if (options_ask_help(command->user, argc - 1, argv + 1)) {
		print_command_help(command);
		return finish_output();
	}
	return command->main(argc - 1, argv + 1);
}
