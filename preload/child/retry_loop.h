/* A thread of a forked child that tries again and again to take a lock which a vanished thread holds: told
 * once, not at each try, and told as endless where that is proven (retry_proof.h) and nobody is left who
 * could end it.
 *
 * A loop is what one thread does from one call site with one lock, until it makes another lock call. */
#ifndef AFTERFORK_PRELOAD_RETRY_LOOP_H
#define AFTERFORK_PRELOAD_RETRY_LOOP_H

#include "incident.h"

/* Before a try: the handle to go on with, where the thread's last lock call was the same one and failed, too;
 * else an empty one, and the loop that there was is over. */
struct incident_handle retry_loop_enter(const struct incident *try);
/* True where an earlier try of this very loop showed that the lock is private memory, which takes a look at
 * /proc. Asked anew at the 2nd, 4th, 8th, ... try; who claims more than the loop's first finding looks
 * himself. */
bool retry_loop_is_private(const struct incident *try);
/* For every other lock call: whatever was tried is given up. NULL: a call that nobody looked at. */
void retry_loop_leave(struct thread_record *self);
/* The try failed, with an errno value; handle is that of its incident. */
void retry_loop_failed(const struct incident *try, struct incident_handle handle, int error);

#endif
