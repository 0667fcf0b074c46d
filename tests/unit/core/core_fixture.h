/* The recorder's core, started as the library's constructor does it but without interposing anything. */
#ifndef AFTERFORK_TESTS_CORE_FIXTURE_H
#define AFTERFORK_TESTS_CORE_FIXTURE_H

#include <pthread.h>
#include <sys/types.h>

#include "fork_snapshot.h"
#include "thread_record_push.h"
#include "trace_format.h"

enum core_call {
#define CALL(id, name) CALL_##name = id,
#include "trace_calls.def"
#undef CALL
};

/* The compiler adds its own instructions and memory to the code under test. */
#if defined(__SANITIZE_ADDRESS__)
#define CORE_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORE_IS_SANITIZED 1
#endif
#endif
#ifndef CORE_IS_SANITIZED
#define CORE_IS_SANITIZED 0
#endif

/* A fresh folder of this test, mode 0700; removed with all its content when the test's process exits. */
const char *core_folder(void);
/* Starts the core and adopts the calling thread; the process is plain then. A trace, if one gets opened, goes
 * to core_trace_folder(), unless the test set config.output before. Returns the calling thread's record. */
struct thread_record *core_start(void);
const char *core_trace_folder(void);
/* A record of the calling thread, counted as alive; what the wrapper of pthread_create does. */
struct thread_record *core_adopt_thread(void);
/* What the end of a thread does. */
void core_end_thread(void);
/* A record like that of another live thread, with an invented thread id. */
struct thread_record *core_invent_thread(int32_t tid);
/* An entry of that record in the given state. Returns its index. */
uint32_t core_invent_hold(struct thread_record *record, const void *lock, enum trace_hold_state state);

/* Makes this process what a fork's child is: every other thread's record is that of a vanished one. */
void core_become_child(struct thread_record *self);
/* A normal mutex's memory as it is while the thread with that id holds it. */
void core_lock_by_hand(pthread_mutex_t *mutex, int32_t owner_tid);

/* The calling function's registers as a wrapper that it called would see them. */
struct call_registers core_registers(void);

/* Waits for a child of the test. Returns its exit code, or 1000 + the signal that ended it. */
int core_wait(pid_t child);

/* How many incidents of the kind the trace holds; the last one goes to *ret_last. */
unsigned core_told(enum trace_observed observed, const struct trace_incident **ret_last);

#endif
