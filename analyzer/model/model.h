/* The model: what happened in a run, in plain terms, whoever observed it (a trace; later a live process).
 * Rules read it. It knows nothing of verdicts and nothing of file layouts. */
#ifndef AFTERFORK_MODEL_H
#define AFTERFORK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"

struct trace_run;
struct trace_image;
struct trace_reader_sink;

enum lock_kind {
	LOCK_UNKNOWN,
	LOCK_MUTEX,
	LOCK_RWLOCK,
	LOCK_SPINLOCK,
	LOCK_SEMAPHORE,
	LOCK_CONDVAR,
	LOCK_BARRIER,
	LOCK_THREAD,
	LOCK_FUTEX,
	LOCK_LIBC,
	LOCK_STATIC_INIT,
	LOCK_STDIO,
	LOCK_KIND_COUNT
};
/* As the report spells it; NULL for LOCK_UNKNOWN. */
const char *lock_kind_name(enum lock_kind kind);

enum mutex_type { MUTEX_NORMAL, MUTEX_RECURSIVE, MUTEX_ERRORCHECK, MUTEX_ADAPTIVE, MUTEX_TYPE_COUNT };
const char *mutex_type_name(enum mutex_type type);

enum observed {
	OBSERVED_UNKNOWN, /* by a newer library; no rule takes it */
	OBSERVED_BLOCKS_ON_VANISHED,
	OBSERVED_TIMED_WAIT_ON_VANISHED,
	OBSERVED_TRY_FAILED_ON_VANISHED,
	OBSERVED_BLOCKS_ON_PARENT_OWNER,
	OBSERVED_UNLOCK_REFUSED,
	OBSERVED_FOREIGN_UNLOCK,
	OBSERVED_BLOCKS_ON_SELF,
	OBSERVED_BLOCKS_ON_ENDED_THREAD,
	OBSERVED_BLOCKS_IN_CYCLE,
	OBSERVED_RELOCK_REFUSED,
	OBSERVED_BLOCKS_IN_ATFORK_HANDLER,
	OBSERVED_HELD_AT_FORK,
	OBSERVED_SHARED_WITH_VANISHED,
	OBSERVED_WAITS_FOR_VANISHED,
	OBSERVED_UNLOCK_WITHOUT_EFFECT,
	OBSERVED_SPINS_ON_VANISHED,
	OBSERVED_ABORTS_ON_VANISHED,
	OBSERVED_STATIC_INIT_LEFT_OPEN,
	OBSERVED_ENTERS_LIBC,
	OBSERVED_STUCK_FOR_ANOTHER_REASON,
	OBSERVED_STUCK_ON_VANISHED,
	OBSERVED_WAITS_IN_ATFORK_HANDLER,
	OBSERVED_WAITS_FOR_HANDED_WORK,
	OBSERVED_COUNT
};

/* Stable for ever, since fingerprints hold it: "blocks", "try-failed". */
const char *observed_name(enum observed observed);

/* A thread, and what it had to do with a lock. */
struct thread_story {
	pid_t tid;                      /* 0: not known */
	const char *name;               /* NULL: not known */
	struct raw_frame start_routine; /* pc 0: not known */
	const char *acquire_call;
	struct raw_stack created_at, acquired_at;
};

enum thread_doing { DOING_UNKNOWN, DOING_HOLDS, DOING_CALLS };
/* A thread that is missing where the one who holds a lock is not known. */
struct vanished_thread {
	struct thread_story thread; /* acquired_at: where it took what it holds, or where it is */
	enum thread_doing doing;
	pid_t pid, tid; /* these three tell the incident of the same image */
	uint64_t time_ns;
};

/* Work that a process gave to threads that had vanished: it woke who slept on the object, and only they did.
 */
struct handover {
	pid_t by; /* the thread that did it */
	const char *call;
	unsigned waiting_threads; /* that slept on it at the fork */
	unsigned count;           /* of such calls; the stack is the last one's */
	uint64_t address;         /* of the object */
	enum lock_kind kind;
	const struct module_ref *module; /* NULL: heap, stack, unknown */
	uint64_t module_offset;
	struct raw_stack stack;
	pid_t pid, tid; /* these three tell the incident of the same image */
	uint64_t time_ns;
};

/* One fault that was seen, with all of its repetitions. All strings and stacks live as long as the model. */
struct incident {
	pid_t pid, tid; /* the victim's */
	uint64_t time_ns;
	enum observed observed;
	uint64_t count;         /* occurrences, at least 1 */
	uint64_t pending_count; /* of those, calls that had not returned */
	bool first_pending;     /* the first occurrence, whose stacks these are, had not returned */
	bool seen_blocked;      /* and was seen from outside to wait for what nobody is left to give */
	int first_result; /* what it returned, when it did; EINTR: a signal alone ended what seemed endless */
	unsigned tries;   /* of a loop that goes on; 0: not known */
	uint64_t blocked_ns; /* of the first: until it returned, or until the end of the run */
	bool blocked_known;

	/* What supports the observation. */
	bool owner_word_names_holder, record_names_lock, private_mapping, only_thread;
	bool at_standstill; /* seen from outside: no thread of the process ran over a span of time */
	bool at_meeting;    /* in a function that waits for threads, of which the process made none */
	bool until_asked;   /* a handler of a signal that asks the program to end could end the wait */

	struct {
		uint64_t address;
		enum lock_kind kind;
		enum mutex_type type;  /* of a mutex */
		const char *libc_name; /* of a lock inside libc; static. Its address is a stand-in's */
		bool libc_is_brief;    /* its functions never wait for anything outside the process */
		bool process_shared, robust, prio_inherit, prio_protect;
		pid_t owner_tid;                 /* 0: none */
		const struct module_ref *module; /* NULL: heap, stack, unknown */
		uint64_t module_offset;
		struct raw_stack initialised_at;
	} lock;
	struct thread_story holder;
	struct {
		pid_t pid, tid;   /* pid 0: not known */
		const char *call; /* NULL: a road that no symbol shows */
		unsigned vanished_threads;
		struct raw_stack stack;
	} fork;
	struct {
		pid_t ppid;
		const char *name;
		const char *exe;
		const char *call;
		unsigned live_threads;
		struct raw_stack stack;
	} victim;

	unsigned atfork_handlers;        /* registrations known to the victim's image at that time */
	const struct model_image *image; /* never NULL */
};

/* One registration of fork handlers. */
struct atfork_registration {
	pid_t pid;
	bool prepare, parent, child;
	struct raw_frame handlers[3]; /* prepare, parent, child; pc 0: none */
	uint64_t longest_ns;          /* of a run of one of them that took long; 0: none did */
	unsigned longest_of;          /* index of handlers */
	struct raw_stack registered_at;
	const struct model_image *image;
};

enum notice_kind {
	NOTICE_UNKNOWN,
	NOTICE_EXEC_WITHOUT_LIBRARY,
	NOTICE_EXEC_STATIC,
	NOTICE_EXEC_PRIVILEGED,
	NOTICE_EXEC_FOREIGN,
	NOTICE_EXEC_AS_STRANGER,
	NOTICE_UNRECORDED,
	NOTICE_FORK_BEFORE_INIT,
	NOTICE_FORK_SKIPS_HANDLERS,
	NOTICE_VFORK_SKIPS_HANDLERS,
	NOTICE_ATFORK_REPEATED,
	NOTICE_ATFORK_SLOW,
	NOTICE_KIND_COUNT
};
struct notice {
	enum notice_kind kind;
	pid_t pid;
	int error;        /* errno value; 0: none */
	const char *path; /* NULL: none */
};

/* Records of one image stand side by side in the model. */
struct model_span {
	size_t first, count;
};

/* A process image that left a file (one exec). */
struct model_image {
	uint64_t run_id;
	pid_t pid, ppid;
	const char *exe, *libc_version;
	const char **command; /* NULL-terminated */
	size_t command_count;
	struct model_span atfork, vanished, handovers;
};

/* One run; made from its `run` file, or, where that is missing, from the first image file. */
struct model_run {
	uint64_t run_id;
	bool has_file;        /* false: only image files were found; counters are not known */
	const char **command; /* NULL-terminated */
	size_t command_count;
	bool command_truncated;
	uint64_t started_realtime_ns, started_monotonic_ns;
	bool ended;
	uint64_t ended_ns;
	int exit_code, exit_signal;
	uint64_t processes, threads, forks, images, images_unrecorded, cut_stacks, lost_held, execs_uncovered;
};

struct model;

/* NULL when out of memory; so does every model_add_: -ENOMEM, else 0. */
struct model *model_new(void);
void model_free(struct model *model);

/* Feeds the model from trace_reader_scan(); context is the model. */
extern const struct trace_reader_sink model_trace_sink;

/* To call once all traces are read: sorts incidents by time, fills blocked_ns of what is still pending. */
void model_finish(struct model *model);

const struct model_run *model_runs(const struct model *model, size_t *ret_count);
const struct incident *model_incidents(const struct model *model, size_t *ret_count);
const struct notice *model_notices(const struct model *model, size_t *ret_count);
const struct atfork_registration *model_atfork(const struct model *model, size_t *ret_count);

/* Calls back for each thread known to be missing in the incident's process. */
void model_vanished_of(const struct model *model, const struct incident *incident,
                       void (*found)(void *context, const struct vanished_thread *vanished), void *context);

/* What the incident's process had handed over before it waited; NULL: not known. */
const struct handover *model_handover_of(const struct model *model, const struct incident *incident);

/* The interned module. build_id may be NULL. NULL when out of memory. */
const struct module_ref *model_module(struct model *model, const char *path, const char *build_id);

/* How many registrations the incident's image had from this module: handlers that live in it or that it
 * registered. module NULL: all. */
size_t model_atfork_of_module(const struct model *model, const struct incident *incident,
                              const struct module_ref *module);

#endif
