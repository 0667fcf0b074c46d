/* The name of a fault across runs, build paths and ASLR layouts: it says the same for the same rule, the same
 * observation, the same kind and name of lock, the same call, and the same functions of the same modules on
 * the stacks of the acquisition, the fork and the victim, frames of libc left out. No process ids, addresses,
 * folders or line numbers go in. Where no symbol is known, build-id and offset stand for it. */
#ifndef AFTERFORK_FINGERPRINT_H
#define AFTERFORK_FINGERPRINT_H

#include "findings.h"

/* Fills finding->fingerprint from its symbolized stacks and lock. */
void fingerprint_compute(struct finding *finding);

#endif
