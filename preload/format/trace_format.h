/* The trace format: all that preload/ (writer) and analyzer/ (reader) share.
 *
 * A run leaves one folder (mode 0700) of two kinds of files (mode 0600):
 *
 *   run                 one: command, counters, notices; made by `afterfork run`, or by the
 *                       first process that needs it when the library is only preloaded
 *   image-PID-N         one for each program image (each exec) that forked with threads:
 *                       its incidents. Children of a fork write into the file that their
 *                       parent mapped; an exec starts a file of its own.
 *
 * Both kinds start with struct trace_file_header and their own header, padded to
 * TRACE_HEADER_SIZE_BYTES; records follow, each at a multiple of TRACE_GRANULE_BYTES.
 * A process claims space by one atomic add to `tail_bytes`, fills it, and stores
 * TRACE_RECORD_COMMITTED last. A writer killed in between leaves a claimed record that a
 * reader skips granule by granule: nothing behind it is lost.
 *
 * Everything is in the byte order of the machine that wrote it (byte_order tells), in
 * fixed-width fields, without pointers; addresses are plain numbers of the traced process.
 * All `_ns` times are CLOCK_MONOTONIC nanoseconds unless the name says realtime (UTC).
 * Fields marked (atomic) are changed after the header or record was committed, by lock-free
 * atomic operations on the shared mapping. They are outside the checksum.
 */
#ifndef AFTERFORK_TRACE_FORMAT_H
#define AFTERFORK_TRACE_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_MAGIC             "AFTRFORK" /* eight bytes, no NUL */
#define TRACE_RUN_FILE_NAME     "run"
#define TRACE_IMAGE_FILE_PREFIX "image-"

enum {
	TRACE_VERSION = 1,
	TRACE_BYTE_ORDER = 0x01020304,
	TRACE_HEADER_SIZE_BYTES = 16384,
	TRACE_GRANULE_BYTES = 256,
	TRACE_RECORD_MAGIC = 0x43524641, /* "AFRC" */
	TRACE_PATH_SIZE_BYTES = 1024,
	TRACE_COMMAND_SIZE_BYTES = 8192,
	TRACE_BUILD_ID_SIZE_BYTES = 32,
	TRACE_THREAD_NAME_SIZE_BYTES = 16,
	TRACE_STACK_FRAMES_MAX = 64,
	TRACE_STACKS_MAX = 8,
	TRACE_MODULES_MAX = 64,
	TRACE_RECORD_SIZE_MAX = 64 * 1024,
	/* As written; readers go by the header. Behind it: room for notices of processes without a file. */
	TRACE_RUN_FILE_SIZE_BYTES = 64 * 1024,
};

enum trace_file_kind { TRACE_FILE_RUN = 1, TRACE_FILE_IMAGE = 2 };

struct trace_file_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint32_t kind;    /* enum trace_file_kind */
	uint32_t machine; /* ELF e_machine of the traced program, 62 = x86-64 */
	uint32_t header_size_bytes;
	uint32_t granule_bytes;
	uint64_t file_size_bytes; /* as allocated; a shorter file was truncated */
	uint64_t run_id;          /* joins the files of one run; never 0 */
	uint64_t tail_bytes;      /* (atomic) where the next record goes; may point past the end */
	uint64_t dropped_records; /* (atomic) records that found no room, in this file */
	uint64_t started_realtime_ns;
	uint64_t started_monotonic_ns;
};

/* The header of the file `run`. */
struct trace_run {
	struct trace_file_header file;
	uint32_t notice_count; /* (atomic, futex word) bumped and woken after each incident or news of one */
	uint32_t supervised;   /* 1: made by `afterfork run` */
	uint32_t on_deadlock;  /* enum trace_action, as asked for */
	uint32_t ended;        /* (atomic) 1 once ended_ns and exit_* are valid */
	uint64_t ended_ns;
	int32_t exit_code;            /* of the command; -1 unknown */
	int32_t exit_signal;          /* that ended it; 0 none */
	uint64_t size_limit_bytes;    /* of all files of the folder together */
	uint64_t size_reserved_bytes; /* (atomic) */
	/* (atomic) totals of the whole run */
	uint64_t processes;         /* images started and children forked */
	uint64_t threads;           /* threads seen, initial threads included */
	uint64_t forks;             /* children made by a fork of any form that copies memory */
	uint64_t images;            /* program images that loaded the library */
	uint64_t images_unrecorded; /* images or children that had no file to write to */
	uint64_t cut_stacks;        /* written stacks that end before the thread's first frame */
	uint64_t lost_held;         /* acquisitions that a full thread record could not keep */
	uint64_t execs_uncovered;   /* execs of an image that cannot or will not load the library */
	int32_t supervisor_pid;
	uint32_t command_size_bytes; /* of command[], NULs included */
	uint32_t command_truncated;
	uint32_t reserved;
	char library_version[16];
	char command[TRACE_COMMAND_SIZE_BYTES]; /* argv, each string NUL-terminated */
};

/* The header of a file image-PID-N. */
struct trace_image {
	struct trace_file_header file;
	int32_t pid; /* that mapped the image's file first */
	int32_t ppid;
	char libc_version[32]; /* "glibc 2.36" */
	char exe[TRACE_PATH_SIZE_BYTES];
	uint32_t command_size_bytes;
	uint32_t command_truncated;
	char command[TRACE_COMMAND_SIZE_BYTES];
};

enum trace_action {
	TRACE_ACTION_REPORT = 0, /* leave the process as it is */
	TRACE_ACTION_ABORT = 1,
	TRACE_ACTION_KILL = 2,
};

enum trace_record_type {
	TRACE_RECORD_INCIDENT = 1,
	TRACE_RECORD_NOTICE = 2,
	TRACE_RECORD_ATFORK = 3,
	TRACE_RECORD_VANISHED = 4,
	TRACE_RECORD_HANDOVER = 5,
};
enum trace_record_state { TRACE_RECORD_CLAIMED = 0, TRACE_RECORD_COMMITTED = 1 };

struct trace_record {
	uint32_t magic;
	uint32_t type;          /* enum trace_record_type; a reader skips types that it does not know */
	uint32_t size_bytes;    /* from this field's struct to the end of the record's strings */
	uint32_t state;         /* (atomic) enum trace_record_state, stored last */
	uint32_t checksum;      /* FNV-1a, 32 bits, of the bytes from checksum_from to size_bytes */
	uint32_t checksum_from; /* offset in the record of its first immutable byte */
	int32_t pid;
	int32_t tid;
	uint64_t time_ns;
};

/* Frames, modules and strings are tables at the record's end; a stack is a range of frames. */
enum {
	TRACE_STACK_CUT = 1,       /* ends where no unwind rule was found, or a slot was overwritten */
	TRACE_STACK_TRUNCATED = 2, /* ends at TRACE_STACK_FRAMES_MAX */
};
struct trace_stack {
	uint32_t first; /* index of a frame */
	uint16_t count; /* 0: no stack was kept */
	uint16_t flags;
};
enum { TRACE_MODULE_UNKNOWN = 0xffffffffu };
/* pc is not a return address (interrupted by a signal): look up pc itself, else pc - 1 */
enum { TRACE_FRAME_EXACT_PC = 1 };
struct trace_frame {
	uint64_t pc;
	uint32_t module; /* index of a module, or TRACE_MODULE_UNKNOWN */
	uint32_t flags;
};
struct trace_module {
	uint64_t start; /* lowest mapped address */
	uint64_t end;   /* one past the highest */
	uint64_t bias;  /* pc - bias = address in the ELF file (its p_vaddr space): "module offset" */
	uint8_t build_id[TRACE_BUILD_ID_SIZE_BYTES];
	uint32_t build_id_size_bytes; /* 0: none */
	uint32_t path;                /* offset in strings; NUL-terminated there */
};

enum trace_lock_kind {
	TRACE_LOCK_MUTEX = 1,
	TRACE_LOCK_RWLOCK,
	TRACE_LOCK_SPINLOCK,
	TRACE_LOCK_SEMAPHORE,
	TRACE_LOCK_CONDVAR,
	TRACE_LOCK_BARRIER,
	TRACE_LOCK_THREAD,
	TRACE_LOCK_FUTEX,
	TRACE_LOCK_LIBC,
	TRACE_LOCK_STATIC_INIT,
	TRACE_LOCK_STDIO,
};
enum trace_mutex_type {
	TRACE_MUTEX_NORMAL = 0,
	TRACE_MUTEX_RECURSIVE,
	TRACE_MUTEX_ERRORCHECK,
	TRACE_MUTEX_ADAPTIVE
};
enum {
	TRACE_LOCK_PSHARED = 1,
	TRACE_LOCK_ROBUST = 2,
	TRACE_LOCK_PRIO_INHERIT = 4,
	TRACE_LOCK_PRIO_PROTECT = 8
};

/* What the library saw. Verdict and rule are the analyzer's. */
enum trace_observed {
	TRACE_BLOCKS_ON_VANISHED = 1, /* about to wait, without limit, on what a vanished thread holds */
	TRACE_TIMED_WAIT_ON_VANISHED, /* the same with a time limit */
	TRACE_TRY_FAILED_ON_VANISHED, /* trylock: EBUSY, and a vanished thread holds it */
	TRACE_BLOCKS_ON_PARENT_OWNER, /* relock by the forking thread; the owner recorded is its old tid */
	TRACE_UNLOCK_REFUSED,         /* EPERM; the owner recorded is a thread of the parent */
	TRACE_FOREIGN_UNLOCK,         /* the child released what a vanished thread held */
	TRACE_BLOCKS_ON_SELF,         /* relock of a non-recursive lock by its live owner */
	TRACE_BLOCKS_ON_ENDED_THREAD, /* the owner had ended before the fork, or without one */
	TRACE_BLOCKS_IN_CYCLE,        /* live threads wait for each other */
	TRACE_RELOCK_REFUSED, /* trylock of a recursive lock: EBUSY; its owner is a thread of the parent */
	TRACE_WAITS_FOR_VANISHED, /* about to wait, without limit, for what only vanished threads would do */
	TRACE_UNLOCK_WITHOUT_EFFECT,   /* returned 0 and left the lock to its owner, a thread of the parent */
	TRACE_SPINS_ON_VANISHED,       /* tries again and again, without limit, what can never succeed */
	TRACE_ABORTS_ON_VANISHED,      /* libc ends the process over a lock that a vanished thread holds */
	TRACE_STATIC_INIT_LEFT_OPEN,   /* about to wait for an initialisation that a vanished thread was in */
	TRACE_ENTERS_LIBC_LEFT_LOCKED, /* into functions of libc that a vanished thread was inside of */
	TRACE_BLOCKS_IN_ATFORK_HANDLER, /* fork does not return: a handler waits for ever */
	TRACE_HELD_AT_FORK,             /* a lock was held at the fork, and the child ran on without exec */
	TRACE_SHARED_WITH_VANISHED,     /* the child took a lock that a thread which vanished had used */
	TRACE_STUCK_FOR_ANOTHER_REASON, /* seen from outside: no thread is left that could end the wait */
	TRACE_STUCK_ON_VANISHED,        /* the same, and only threads that vanished could have ended it */
	TRACE_WAITS_IN_ATFORK_HANDLER,  /* a handler of fork is about to wait, without limit, for others */
	/* Waits, or is about to, without limit and with nobody left to end it, after work was handed to
	 * threads that vanished. */
	TRACE_WAITS_FOR_HANDED_WORK,
};
enum trace_outcome {
	TRACE_OUTCOME_PENDING = 0,  /* still inside the call */
	TRACE_OUTCOME_RETURNED = 1, /* `result` says with what */
	/* Pending, and seen from outside to sleep on a word that nobody is left to wake. The supervisor sets
	 * it, in place of PENDING only; a call that comes back all the same overwrites it, unless with EINTR.
	 */
	TRACE_OUTCOME_SEEN_BLOCKED = 2,
	/* Pending, and seen the same, but for a signal whose handler could leave the call. Set in place of
	 * PENDING, replaced by SEEN_BLOCKED; a call that comes back overwrites it. */
	TRACE_OUTCOME_SEEN_WAITING = 3,
};
/* What supports the observation. */
enum {
	TRACE_PROOF_OWNER_WORD = 1,      /* the lock's own owner field names the holder */
	TRACE_PROOF_RECORD = 2,          /* the holder's private record names the lock */
	TRACE_PROOF_PRIVATE_MAPPING = 4, /* /proc/self/maps: the lock's page is not shared */
	TRACE_PROOF_ONLY_THREAD = 8,     /* the victim was the only thread of its process */
	TRACE_PROOF_STANDSTILL = 16, /* seen from outside: for a span of time no thread of the process ran */
	/* The victim is in a function that waits for other threads and for nothing else, and its process made
	 * none since the fork. */
	TRACE_PROOF_MEETING = 32,
	TRACE_PROOF_LOOP = 64, /* seen from outside: it is in a loop that its code shows never to end */
	/* Handlers could end the wait, but only of signals by which somebody asks a program to end. */
	TRACE_PROOF_UNTIL_ASKED = 128,
};
/* State of the holder's record at the fork. */
enum trace_hold_state {
	TRACE_HOLD_NONE = 0,
	TRACE_HOLD_WANT,
	TRACE_HOLD_HELD,
	TRACE_HOLD_RELEASING,
	TRACE_HOLD_WAITING
};

struct trace_lock {
	uint64_t address;
	uint32_t kind;     /* enum trace_lock_kind */
	uint32_t type;     /* enum trace_mutex_type, for a mutex; enum libc_family, for libc */
	uint32_t flags;    /* TRACE_LOCK_* */
	uint32_t word;     /* the lock word as read by the victim */
	int32_t owner_tid; /* as read by the victim; 0 none */
	uint32_t module;   /* index of the module that holds it, or TRACE_MODULE_UNKNOWN: heap, stack */
	struct trace_stack initialised_at;
};
struct trace_holder {
	int32_t tid;                             /* 0: not known */
	uint32_t state;                          /* enum trace_hold_state */
	char name[TRACE_THREAD_NAME_SIZE_BYTES]; /* NUL-padded */
	uint64_t start_routine;                  /* 0: not known (initial thread, or made by a raw clone) */
	uint32_t start_module;
	uint32_t acquire_call; /* call id of trace_calls.def */
	struct trace_stack created_at;
	struct trace_stack acquired_at;
};
struct trace_fork {
	int32_t pid;   /* of the parent; 0: not known */
	int32_t tid;   /* of the forking thread, in the parent */
	uint32_t call; /* call id; 0: a road that no symbol shows */
	uint32_t vanished_threads;
	uint64_t time_ns;
	struct trace_stack stack;
};
struct trace_victim {
	int32_t ppid;
	uint32_t call;
	uint32_t live_threads;
	uint32_t exe; /* offset in strings */
	char name[TRACE_THREAD_NAME_SIZE_BYTES];
	struct trace_stack stack;
};

/* Where the tables behind a record's fixed part are; offsets count from the record's first byte. */
struct trace_table_places {
	uint32_t frames_offset; /* struct trace_frame[frame_count] */
	uint32_t frame_count;
	uint32_t modules_offset;
	uint32_t module_count;
	uint32_t strings_offset;
	uint32_t strings_size_bytes; /* the last byte is NUL */
};

struct trace_incident {
	struct trace_record record; /* pid and tid are the victim's */
	uint32_t outcome;           /* (atomic) enum trace_outcome */
	int32_t result; /* (atomic) the call's return value once RETURNED; of a loop that goes on its tries */
	uint64_t left_ns; /* (atomic) when the call returned; of a loop of tries when it made the last */
	uint64_t repeats; /* (atomic) same fault again, without a record of its own */
	uint64_t repeats_returned; /* (atomic) of those, how many calls returned */
	uint32_t observed;         /* enum trace_observed; from here on immutable */
	uint32_t proof;            /* TRACE_PROOF_* */
	uint64_t fault_hash;       /* the same for the same stacks within one image */
	uint32_t atfork_handlers;  /* registered at that time */
	uint32_t stack_count;      /* always 5 in version 1; tells how many trace_stack are inside */
	struct trace_lock lock;
	struct trace_holder holder;
	struct trace_fork fork;
	struct trace_victim victim;
	struct trace_table_places tables;
};

/* Something a user should know that is no fault: in the file `run`, or in an image's. */
enum trace_notice_kind {
	TRACE_NOTICE_EXEC_WITHOUT_LIBRARY = 1, /* the environment given to exec lacks the library */
	TRACE_NOTICE_EXEC_STATIC,
	TRACE_NOTICE_EXEC_PRIVILEGED, /* set-user-ID, set-group-ID or file capabilities */
	TRACE_NOTICE_EXEC_FOREIGN,    /* another architecture or C library */
	TRACE_NOTICE_UNRECORDED,      /* an image found no room or no permission for its file */
	TRACE_NOTICE_FORK_BEFORE_INIT,
	TRACE_NOTICE_FORK_SKIPS_HANDLERS, /* by _Fork, clone or a system call, though handlers are registered
	                                   */
	TRACE_NOTICE_VFORK_SKIPS_HANDLERS,
	TRACE_NOTICE_EXEC_AS_STRANGER, /* a user who may not write to the trace folder */
};
struct trace_notice {
	struct trace_record record;
	uint32_t kind; /* enum trace_notice_kind */
	int32_t error; /* errno value where one explains it, else 0 */
	uint32_t path_size_bytes;
	uint32_t reserved;
	/* path follows, NUL-terminated, path_size_bytes with the NUL */
};

/* One registration of fork handlers. Handler addresses are frames so that modules resolve them. */
enum { TRACE_ATFORK_TIME_MASK = 0x3fffffff, TRACE_ATFORK_PHASE_SHIFT = 30 };
struct trace_atfork {
	struct trace_record record;
	/* Where a run of one of them took long: the microseconds of the longest, and in the upper bits which
	 * it was, as in handler_mask: 0 prepare, 1 parent, 2 child. */
	uint32_t longest;
	uint32_t handler_mask;       /* bit 0 prepare, 1 parent, 2 child */
	struct trace_stack handlers; /* three frames: prepare, parent, child; pc 0 where none; EXACT_PC */
	struct trace_stack registered_at;
	struct trace_table_places tables;
};

/* One thread that vanished, beside an incident whose holder is not known: who it was, and what the library
 * knew it to be doing. pid, tid and time_ns of the record are the incident's. */
struct trace_vanished {
	struct trace_record record;
	struct trace_holder thread; /* state NONE: what it was doing is not known */
	uint64_t lock_address;      /* of what it held, wanted or waited for; 0: not known */
	uint32_t lock_kind;         /* enum trace_lock_kind */
	uint32_t reserved;
	struct trace_table_places tables;
};

/* Beside an incident: what the process did with an object on which only threads that vanished slept, or used
 * to. pid and tid of the record are the incident's. */
struct trace_handover {
	struct trace_record record;
	uint64_t incident_time_ns;
	uint64_t lock_address;    /* of the object */
	uint32_t lock_kind;       /* enum trace_lock_kind */
	uint32_t lock_module;     /* index of the module that holds it, or TRACE_MODULE_UNKNOWN */
	uint32_t call;            /* call id: what it was done by */
	uint32_t waiting_threads; /* that slept on it at the fork; 0: all were busy */
	uint32_t count;           /* of such calls */
	int32_t tid;              /* who called */
	struct trace_stack stack; /* of the last call */
	struct trace_table_places tables;
};

static_assert(sizeof(struct trace_file_header) == 80, "trace_file_header");
static_assert(offsetof(struct trace_file_header, tail_bytes) == 48, "tail_bytes");
static_assert(offsetof(struct trace_run, notice_count) == 80, "notice_count");
static_assert(sizeof(struct trace_run) <= TRACE_HEADER_SIZE_BYTES, "trace_run fits its header");
static_assert(sizeof(struct trace_image) <= TRACE_HEADER_SIZE_BYTES, "trace_image fits its header");
static_assert(sizeof(struct trace_record) == 40, "trace_record");
static_assert(sizeof(struct trace_stack) == 8, "trace_stack");
static_assert(sizeof(struct trace_frame) == 16, "trace_frame");
static_assert(sizeof(struct trace_module) == 64, "trace_module");
static_assert(sizeof(struct trace_lock) == 40, "trace_lock");
static_assert(sizeof(struct trace_holder) == 56, "trace_holder");
static_assert(sizeof(struct trace_fork) == 32, "trace_fork");
static_assert(sizeof(struct trace_victim) == 40, "trace_victim");
static_assert(offsetof(struct trace_incident, outcome) == 40, "outcome");
static_assert(offsetof(struct trace_incident, observed) == 72, "observed");
static_assert(offsetof(struct trace_incident, lock) == 96, "lock");
static_assert(sizeof(struct trace_table_places) == 24, "trace_table_places");
static_assert(sizeof(struct trace_incident) == 288, "trace_incident");
static_assert(sizeof(struct trace_vanished) == 136, "trace_vanished");
static_assert(sizeof(struct trace_handover) == 112, "trace_handover");

#endif
