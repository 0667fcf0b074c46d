/* What the library itself does to a process proven to be deadlocked, where no supervisor acts. */
#ifndef AFTERFORK_PRELOAD_DEADLOCK_ACTION_H
#define AFTERFORK_PRELOAD_DEADLOCK_ACTION_H

#include "incident.h"

/* Called right after the incident reached the trace and before the call that would block. Returns unless the
 * action ended the process. Nobody looks again later: a handler that could leave the wait is enough to let it
 * be. */
void deadlock_action(const struct incident *incident);

#endif
