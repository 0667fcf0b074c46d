/* The live thread that a suspicion is of. */
#ifndef AFTERFORK_SUSPECT_THREAD_H
#define AFTERFORK_SUSPECT_THREAD_H

#include <stdbool.h>

#include "proc_stat.h"
#include "supervisor_suspect.h"

/* Finds it at the first call, and then sees to it that it is the same one still: pids are numbers that are
 * given again. From then on the suspect has its numbers in our pid namespace. False: it is gone, or its
 * process has executed another program. */
bool suspect_thread_is_same(struct suspect *suspect, struct proc_stat *ret_thread);

#endif
