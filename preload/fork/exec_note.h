/* Says in the trace that a program about to be started will not be covered, and why.
 *
 * Runs in a vfork child too: touches no memory but its own stack and the trace. Never fails; what cannot be
 * read is not judged. */
#ifndef AFTERFORK_PRELOAD_EXEC_NOTE_H
#define AFTERFORK_PRELOAD_EXEC_NOTE_H

#include <stdbool.h>

/* A `file` without a slash is searched in PATH if `search`. */
void exec_note(const char *file, char *const environment[], bool search);
/* `path` relative to the folder. */
void exec_note_at(int folder, const char *path, char *const environment[]);
/* The program open as fd. */
void exec_note_fd(int fd, char *const environment[]);

#endif
