/* Says in the trace that a program about to be started will not be covered, and why. */
#ifndef AFTERFORK_PRELOAD_EXEC_NOTE_H
#define AFTERFORK_PRELOAD_EXEC_NOTE_H

/* `file` without a slash is searched in PATH if `search`. Runs in a vfork child too: it touches no memory but its own
 * stack and the trace. Never fails; what cannot be read is not judged. */
void exec_note(const char *file, char *const environment[], int search);

#endif
