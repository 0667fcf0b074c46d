/* A name for the library that the loader can take, where its own path cannot stand in LD_PRELOAD. */
#ifndef AFTERFORK_LIBRARY_LINK_H
#define AFTERFORK_LIBRARY_LINK_H

#include <stdbool.h>

/* False for a path with a colon or space, at which the loader splits LD_PRELOAD, or a $, which it expands. */
bool library_link_is_needless(const char *path);

/* The absolute path of a link to `path`, malloc'd. It stays: what the program left behind may execute others
 * long after. NULL where none can be made that other users cannot change; errno says why. */
char *library_link_make(const char *path);

#endif
