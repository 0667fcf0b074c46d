/* What the supervisor says while the command runs: one line on stderr, in one write, with the tool's name
 * before it. */
#ifndef AFTERFORK_SUPERVISOR_MESSAGE_H
#define AFTERFORK_SUPERVISOR_MESSAGE_H

/* Does not change errno. */
__attribute__((format(printf, 1, 2))) void supervisor_message(const char *format, ...);

#endif
