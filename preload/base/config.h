/* What the environment asks of the library: AFTERFORK_TRACE (the folder of a supervisor) and
 * AFTERFORK_OPTIONS. Read once, before the program's main(); strings are copied, since programs change their
 * environment. */
#ifndef AFTERFORK_PRELOAD_CONFIG_H
#define AFTERFORK_PRELOAD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_format.h"

struct config {
	const char *trace_folder;           /* NULL: no supervisor */
	char output[TRACE_PATH_SIZE_BYTES]; /* pattern of the folder's name when there is none */
	uint32_t on_deadlock;               /* enum trace_action */
	uint64_t trace_limit_bytes;         /* of all files of a run */
};
extern struct config config;

/* Parses `environment` (as environ). An unknown key or a bad value is said on standard error, and the default
 * stays. */
void config_init(char *const environment[]);

/* Writes the folder's name made from config.output: %p pid, %h host name, %q{VAR} environment variable as at
 * config_init, %% a percent sign. A pattern with another escape, or a variable that is not set or empty, is
 * said on standard error, and the default is written. 0 or ENAMETOOLONG. */
int config_expand_output(char *ret_path, size_t size_bytes);

/* The value of a variable in an environment, or NULL. */
const char *config_variable(char *const environment[], const char *name);

#endif
