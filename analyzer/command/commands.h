/* The commands of `afterfork`. Each takes its own argument vector (argv[0] is the command's name) and
 * returns the exit code. */
#ifndef AFTERFORK_COMMANDS_H
#define AFTERFORK_COMMANDS_H

enum {
	EXIT_OWN_FAILURE = 125, /* afterfork itself could not do its work */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

int cmd_run(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_rules(int argc, char **argv);

#endif
