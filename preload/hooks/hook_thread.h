/* How threads become known; hook_thread.c has the wrappers. */
#ifndef AFTERFORK_PRELOAD_HOOK_THREAD_H
#define AFTERFORK_PRELOAD_HOOK_THREAD_H

#include "thread_record.h"

/* Once, from the library's constructor. */
void hook_thread_init(void);
/* A record for a running thread that has none: the initial thread, or one that no wrapper saw start. NULL
 * when the thread is past its end, or memory is short. Not counted as alive: that is the caller's to do. */
struct thread_record *hook_thread_adopt(void);

#endif
