/* The few lines that the library itself may say, on standard error and only while that descriptor is
 * still the one that the program was started with: a program may have reused number 2 for data. */
#ifndef AFTERFORK_PRELOAD_MESSAGE_H
#define AFTERFORK_PRELOAD_MESSAGE_H

/* Remembers what standard error is. */
void message_init(void);
/* "afterfork: WHAT SUBJECT: errno name". error 0: without the last part. One write, no allocation. */
void message_error(const char *what, const char *subject, int error);

#endif
