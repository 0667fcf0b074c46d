/* Opening and making the files of a trace, by direct system calls. Functions return 0 or an errno value.
 *
 * Nothing here follows a symbolic link in the last component, leaves a descriptor open, or lets a limit on
 * file sizes (RLIMIT_FSIZE) raise a signal. In a forked child only where the fork left no file: by then the
 * folder may be out of reach. */
#ifndef AFTERFORK_PRELOAD_TRACE_FILE_H
#define AFTERFORK_PRELOAD_TRACE_FILE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_format.h"

/* Maps the file `run` of a folder that a supervisor made. */
int trace_file_open_run(const char *folder, struct trace_run **ret_run);
/* True where the next image of this process will be refused it, since it has another user by now. */
bool trace_file_is_run_denied(const char *folder);
/* Makes a folder with mode 0700; one that is there already is an error (EEXIST). */
int trace_file_make_folder(const char *folder);
int trace_file_create_run(const char *folder, uint64_t size_bytes, struct trace_run **ret_run);
int trace_file_create_image(const char *folder, uint64_t size_bytes, uint64_t run_id,
                            struct trace_image **ret_image);

#endif
