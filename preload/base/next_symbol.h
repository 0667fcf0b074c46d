/* The functions behind ours in the order in which the loader searches: what dlsym(RTLD_NEXT, name) finds in
 * the libraries that the program started with. Read from their symbol tables, without the loader's lock,
 * which may be a vanished thread's: async-signal-safe, in any child, and before any constructor. */
#ifndef AFTERFORK_PRELOAD_NEXT_SYMBOL_H
#define AFTERFORK_PRELOAD_NEXT_SYMBOL_H

/* Notes which libraries there are; the first search does it where none came before. */
void next_symbol_init(void);
/* Of several versions the one that is linked against now. NULL: there is none. */
void *next_symbol_find(const char *name);
/* The same if it is libc's own, else NULL: another library may have one that does more. */
void *next_symbol_find_in_libc(const char *name);

#endif
