/* The trace folder and its file `run`, as `afterfork run` makes them before the command
 * starts. The library in every process of the tree maps the same file and counts in it. */
#ifndef AFTERFORK_RUN_FILE_H
#define AFTERFORK_RUN_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace_format.h"

/* The reports beside a trace; each is written under its name with RUN_FILE_DRAFT first. */
#define RUN_FILE_REPORT_TEXT "report.txt"
#define RUN_FILE_REPORT_JSON "report.json"
#define RUN_FILE_DRAFT       ".new"

struct run_file {
	char *folder;  /* absolute */
	int folder_fd; /* stays valid when the command changes root or moves the folder */
	int file_fd;
	bool made_folder;      /* it was not there before */
	struct trace_run *run; /* the mapped header, shared with every process of the tree */
};

struct run_file_settings {
	const char *folder; /* absolute */
	bool replace;       /* an older trace there is removed first */
	char *const *command;
	enum trace_action on_deadlock;
	uint32_t machine; /* ELF e_machine of the command */
	uint64_t size_limit_bytes;
};

/* Creates the folder (mode 0700; an empty one of the same user is taken over) and the file
 * (mode 0600, its space allocated, so that a full disk shows here and not as a SIGBUS later).
 * On failure: false, nothing is left behind that was not there, and *ret_error is a malloc'd
 * sentence. On success the caller ends with run_file_release(). Descriptors are close-on-exec. */
bool run_file_create(struct run_file *run_file, const struct run_file_settings *settings, char **ret_error);

/* Writes down how the command ended. signal is 0 unless a signal ended it. */
void run_file_end(struct run_file *run_file, int exit_code, int exit_signal);

/* Removes the file again, and the folder where it was not there before: for a command that could not be
 * started. */
void run_file_discard(struct run_file *run_file);

/* Unmaps and closes; the folder stays. A zeroed or released one is a no-op. */
void run_file_release(struct run_file *run_file);

#endif
