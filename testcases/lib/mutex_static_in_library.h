#ifndef AFTERFORK_CASELIB_MUTEX_STATIC_IN_LIBRARY_H
#define AFTERFORK_CASELIB_MUTEX_STATIC_IN_LIBRARY_H

/* Calls during_hold() while the library's lock is held. */
void counter_visit(void (*during_hold)(void));
long counter_next(void);

#endif
