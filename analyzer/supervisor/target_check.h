/* Finds the program that a command names, and tells before it starts whether the library can
 * be loaded into it. What cannot be covered is refused here, never reported as clean. */
#ifndef AFTERFORK_TARGET_CHECK_H
#define AFTERFORK_TARGET_CHECK_H

#include <stdbool.h>
#include <stdint.h>

enum target_state {
	TARGET_COVERED,
	TARGET_NOT_FOUND,
	TARGET_NOT_EXECUTABLE,
	TARGET_NOT_COVERED, /* it would run, but without the library */
};

struct target {
	enum target_state state;
	char *path;       /* malloc'd; what execve() takes; NULL when not found */
	uint32_t machine; /* ELF e_machine of what runs in the end; 0 where the file cannot be read */
	char *error;      /* malloc'd; a sentence; NULL when covered */
};

/* Looks `command` up as execvp() does (PATH, unless it has a slash), follows #! lines, and reads the ELF
 * file at the end of them. Makes no process and changes nothing. The caller ends with target_release(). */
void target_check(struct target *ret_target, const char *command);
void target_release(struct target *target);

#endif
