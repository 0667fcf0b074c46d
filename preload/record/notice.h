/* Notices in the file `run`: what a reader of the report should know of the run as a whole. Safe in a child
 * of vfork: touches no memory but its own stack and the trace. */
#ifndef AFTERFORK_PRELOAD_NOTICE_H
#define AFTERFORK_PRELOAD_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

/* False where it was said before in this run, by whichever process, or too much was said. */
bool notice_say(uint32_t kind, const char *path);

#endif
