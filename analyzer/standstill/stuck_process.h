/* Everything that is needed of a process at a standstill or in a loop, taken at one moment: what its threads
 * wait for, their registers and stacks, what is mapped, what the library knew. The process may end or be
 * ended afterwards. */
#ifndef AFTERFORK_STUCK_PROCESS_H
#define AFTERFORK_STUCK_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "library_state.h"
#include "proc_maps.h"
#include "proc_wait.h"
#include "spin_proof.h"
#include "stack_reader.h"
#include "stuck_object.h"
#include "stuck_queue.h"
#include "stuck_vanished.h"

enum { STUCK_THREADS_MAX = 64 };

struct stuck_thread {
	struct stack_source source; /* memory owned */
	pid_t tid;
	struct proc_wait wait;
	char name[16];
	struct stuck_object object; /* around the futex word */
	struct stuck_queue queue;   /* of a thread that is alone */
	pid_t import_owner;         /* the same: the vanished thread whose import it waits for; 0: none */
	uint64_t thread_pointer;    /* 0: not known */
	/* What the library says that it waits for: an object with the futex word inside; 0: nothing. */
	uint64_t known_lock;
	uint32_t known_kind; /* enum trace_lock_kind */
};

struct stuck_process {
	pid_t pid, ppid;
	uint64_t seen_ns, since_ns; /* CLOCK_MONOTONIC: taken, and seen waiting first */
	char *exe;                  /* NULL: not known */
	char *image_name;           /* of the library's trace file that is mapped in it; NULL: none */
	struct proc_maps maps;
	bool has_library;
	struct library_state library;
	pid_t forking_pid, forking_tid; /* at the last fork; forking_tid 0: not known */
	uint32_t vanished_threads;      /* at forks between the program's start and this process: at least */
	struct stuck_vanished_list vanished; /* those of whom more is known */
	bool memory_is_shared;               /* another process runs in the same memory */
	bool signals_known;
	uint64_t caught_signals;
	struct stuck_thread *threads;
	size_t thread_count;
	bool has_more_threads;           /* than are in threads[] */
	bool is_in_loop, sleeps_on_word; /* its one thread: as struct spin_loop says */
	bool awaits_descriptors;         /* its one thread: that nobody can make ready */
};

/* True for a process that comes from a fork in which threads vanished: as the library in it says, or as its
 * parent shows, which runs the same program and has threads that are older than it. Touches nothing. */
bool stuck_process_is_candidate(pid_t pid);

/* True for a process with one thread which handed work to threads that vanished, and then came to a wait
 * (proc_await_read()) that nobody can end. Touches nothing. */
bool stuck_process_awaits_work(pid_t pid, const struct proc_wait *wait);

/* Registers need a stop of each thread by ptrace(), which a thread in an endless wait does not notice; where
 * that is refused, pc and stack pointer have to do. False when the process is gone or no longer at a
 * standstill. Of one in a loop, whose one thread is looked at where the loop says, registers are known. One
 * that waits for descriptors is not stopped: its epoll_wait() would return. The caller must be its ancestor.
 */
bool stuck_process_take(pid_t pid, const struct spin_loop *loop, uint64_t since_ns, uint64_t now_ns,
                        struct stuck_process *ret_process);
/* True where a process below the caller, or one that descends from this one, runs in its memory too: a child
 * of vfork() or clone(CLONE_VM), even one that it is no longer the parent of. */
bool stuck_process_has_other_in_memory(pid_t pid);
/* A zeroed or released one is a no-op. */
void stuck_process_release(struct stuck_process *process);

#endif
