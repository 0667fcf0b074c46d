/* When the alarm of this process rings, which nobody can see from outside: kept from the first wait on an
 * incident on. Async-signal-safe. */
#ifndef AFTERFORK_PRELOAD_RING_TIME_H
#define AFTERFORK_PRELOAD_RING_TIME_H

/* A thread is about to wait. */
void ring_time_note(void);
/* The alarm was set anew. Does nothing before the first note. */
void ring_time_changed(void);

#endif
