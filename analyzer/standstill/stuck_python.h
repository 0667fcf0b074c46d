/* CPython's locks since 3.13: a byte in an object, with nothing in it that says since when. */
#ifndef AFTERFORK_STUCK_PYTHON_H
#define AFTERFORK_STUCK_PYTHON_H

#include <stdbool.h>

#include "stuck_queue.h"

/* True for a lock object that the fork copied. The blocks of such objects are used again at once: to wait for
 * an event a thread makes a lock, and the parent may have made another one in the same place. So the parent
 * must have a lock there too that nobody waits for, and as many places as its count of references says must
 * refer to it in both processes. */
bool stuck_python_lock_was_there(const struct stuck_waiter *waiter, const struct stuck_object *lock);

#endif
