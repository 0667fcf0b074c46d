/* Work space for putting a trace record together: too large for a stack that may be small. One serves almost
 * every process; threads that need it at the same time get one each from the arena, and what they give back
 * serves the next. Lock-free, async-signal-safe. */
#ifndef AFTERFORK_PRELOAD_RECORD_WORK_H
#define AFTERFORK_PRELOAD_RECORD_WORK_H

#include "frame_table.h"
#include "free_list.h"
#include "thread_record.h"
#include "trace_format.h"

struct record_work {
	struct free_link link;   /* first */
	struct kept_stack stack; /* the stack that is being added */
	struct frame_table table;
	union {
		struct trace_incident incident;
		struct trace_atfork atfork;
		struct trace_handover handover;
		char bytes[sizeof(struct trace_incident) + sizeof(struct frame_table)];
	} record;
};

/* Contents are undefined. NULL when the kernel gives no memory. */
struct record_work *record_work_take(void);
/* NULL is a no-op. */
void record_work_give(struct record_work *work);

#endif
