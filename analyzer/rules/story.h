/* Words for the parts of a finding, so that every rule's sentence names a lock, a thread and a place in the
 * same way. Each function writes to `out`; none ends with a blank or a full stop. */
#ifndef AFTERFORK_STORY_H
#define AFTERFORK_STORY_H

#include <stdbool.h>
#include <stdio.h>

#include "findings.h"
#include "model.h"

/* "recursive mutex cache_mutex", "mutex initialised in Cache::Cache()", "mutex at 0x55d0c0ffee40". */
void story_lock(const struct finding *finding, FILE *out);
/* "pid 4242", "thread 4250 of pid 4242". */
void story_victim(const struct finding *finding, FILE *out);
/* "thread 4240 'worker'", "a thread". */
void story_holder(const struct finding *finding, FILE *out);
/* "thread 7 'pool' (in sem_wait()) and thread 8"; nothing where none is known. */
void story_vanished(const struct finding *finding, FILE *out);
/* "main() called fork()", "the parent forked". */
void story_fork(const struct finding *finding, FILE *out);
/* ", in the fork handler pool_reset() of libpool.so," or nothing. */
void story_handler(const struct finding *finding, FILE *out);
/* " in cache_fill()", or nothing. */
void story_place(const struct frame_stack *stack, FILE *out);
/* The same of a stack that was read from outside, and starts inside of the call. */
void story_place_beyond_libc(const struct frame_stack *stack, FILE *out);
/* "pthread_mutex_lock()", or `otherwise`. */
void story_call(const char *call, const char *otherwise, FILE *out);
/* " in setenv(), which takes the environment lock (setenv) of libc" */
void story_libc_lock(const char *call, const struct finding *finding, FILE *out);
bool story_is_libc(const struct finding *finding);

/* The cure for a lock inside libc, which `call` takes; NULL: the call that `stack` shows. */
void story_advise_libc(const struct finding *finding, const char *call, const struct frame_stack *stack,
                       FILE *out);
/* The general cure: sentences on making this very lock safe across fork, by what is known of it and of the
 * fork handlers of its module. */
void story_advise_cover(const struct finding *finding, const struct model *model, FILE *out);

/* A function's name without parameters, with "()": "Cache::fill()". */
void story_function(const char *function, FILE *out);

/* The function that a std::thread was made to run, as its stack shows it; NULL: it does not. */
const char *story_std_thread_function(const struct frame_stack *stack);

/* The function of libc that the program called: "setenv()"; "libc" where it has no name. */
void story_libc_call(const struct frame_stack *stack, FILE *out);

#endif
