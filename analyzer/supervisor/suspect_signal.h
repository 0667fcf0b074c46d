/* Whether a signal handler may yet take a thread out of a wait that nothing else can end: by a jump, an
 * exception, or the end of the thread or the process.
 *
 * Handlers count whose signal may come at all. Not one by which somebody asks the program to end, to stop or
 * to draw itself anew; nor, in a process that stands still, one that CPU time raises, SIGALRM where no timer
 * is set, or SIGCHLD where it has no child. */
#ifndef AFTERFORK_SUSPECT_SIGNAL_H
#define AFTERFORK_SUSPECT_SIGNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The signals whose handlers count, bit N-1 for signal N; all of them where nothing is known. */
uint64_t suspect_signal_awaited(pid_t pid, uint64_t now_ns);
/* "SIGALRM, SIGUSR1"; cut at the end of text, which is returned. */
const char *suspect_signal_names(uint64_t mask, char *text, size_t size_bytes);

#endif
