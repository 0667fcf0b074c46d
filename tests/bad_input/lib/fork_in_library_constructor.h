#ifndef AFTERFORK_CASELIB_FORK_IN_LIBRARY_CONSTRUCTOR_H
#define AFTERFORK_CASELIB_FORK_IN_LIBRARY_CONSTRUCTOR_H

/* Ends the worker that the constructor started. */
void early_finish(void);

#endif
