/* Where a look from outside finds this library's state. Nothing here runs. */
#include "fork_snapshot.h"
#include "handover.h"
#include "thread_record.h"
#include "trace_descriptor.h"

#define PROCESS(field) (uint32_t) offsetof(struct process_state, field)
#define NOTE(field)    (uint32_t) offsetof(struct fork_note, field)
#define THREAD(field)  (uint32_t) offsetof(struct thread_record, field)
#define HOLD(field)    (uint32_t) offsetof(struct held_entry, field)
#define CACHED(field)  (uint32_t) offsetof(struct call_stack_cache_entry, field)
#define HANDED(field)  (uint32_t) offsetof(struct handover, field)
#define MORE(field)    (uint32_t)(CALL_STACK_CACHE_MORE_OFFSET + offsetof(struct call_stack_cache_more, field))

/* As struct trace_descriptor has it, but for the type of addresses: they are constant for the linker only as
 * pointers. The loader relocates them and makes them read-only; `used` keeps it although nobody refers to it.
 */
static const struct {
	char magic[sizeof TRACE_DESCRIPTOR_MAGIC];
	uint32_t version, size_bytes;
	const void *mode_word, *process;
	uint32_t process_fields[6], note_fields[8], later_process_fields[2];
	const void *threads;
	uint32_t thread_fields[18], hold_fields[10], cached_fields[8], handover_fields[12];
	const void *handover;
} descriptor __attribute__((used)) = {
    .magic = TRACE_DESCRIPTOR_MAGIC,
    .version = TRACE_DESCRIPTOR_VERSION,
    .size_bytes = sizeof(struct trace_descriptor),
    .mode_word = &process_mode_word,
    .process = &process,
    .process_fields = {PROCESS(pid), PROCESS(generation), PROCESS(live_threads),
                       PROCESS(other_threads_at_fork), PROCESS(notes), FORK_GENERATIONS_KEPT},
    .note_fields = {NOTE(pid), NOTE(tid), NOTE(call), NOTE(time_ns), NOTE(stack.pc), NOTE(stack.exact),
                    NOTE(stack.count), NOTE(stack.flags)},
    .later_process_fields = {PROCESS(atfork_handlers), PROCESS(initialised)},
    .threads = &thread_record_all,
    .thread_fields = {THREAD(held_initial), THREAD(next), THREAD(generation), THREAD(state), THREAD(tid),
                      THREAD(owner_tid), THREAD(name), THREAD(bounds.low), THREAD(bounds.high),
                      THREAD(start_routine), THREAD(created_pc), THREAD(created_exact), THREAD(created_count),
                      THREAD(created_flags), THREAD(note), THREAD(fork_counted), THREAD(held),
                      THREAD(held_count)},
    .hold_fields = {sizeof(struct held_entry), HOLD(lock), HOLD(state), HOLD(kind), HOLD(call),
                    HOLD(former_tid), HOLD(stack), HOLD(bp), HOLD(pc), CALL_SITE_FRAMES_MAX},
    .cached_fields = {CACHED(sp), CACHED(pc), CACHED(slot), CACHED(state), MORE(pc), MORE(slot), MORE(count),
                      PROCESS(rings_ns)},
    .handover_fields = {HANDED(ticket), HANDED(object), HANDED(kind), HANDED(call), HANDED(tid),
                        HANDED(waiting_count), HANDED(count), HANDED(stack.pc), HANDED(stack.exact),
                        HANDED(stack.count), HANDED(stack.flags), HANDED(waiter)},
    .handover = &handover_last,
};
#define SAME_PLACE(ours, theirs)                                                                             \
	static_assert(offsetof(__typeof__(descriptor), ours) == offsetof(struct trace_descriptor, theirs),   \
	              "as the format has it")
SAME_PLACE(process, process);
SAME_PLACE(process_fields, process_pid);
SAME_PLACE(note_fields, note_pid);
SAME_PLACE(later_process_fields, process_atfork_handlers);
SAME_PLACE(threads, threads);
SAME_PLACE(thread_fields, thread_size_bytes);
SAME_PLACE(hold_fields, hold_size_bytes);
SAME_PLACE(cached_fields, cached_sp);
SAME_PLACE(handover_fields, handover_ticket);
SAME_PLACE(handover, handover);
static_assert(sizeof descriptor == sizeof(struct trace_descriptor), "as the format has it");
static_assert(sizeof(void *) == 8, "addresses are 64 bits wide");
#define SAME_NUMBER(ours, theirs) static_assert((int)(ours) == (int)(theirs), "as the format has it")
SAME_NUMBER(THREAD_ALIVE, TRACE_THREAD_ALIVE);
SAME_NUMBER(THREAD_CREATED_FRAMES, TRACE_CREATED_FRAMES);
SAME_NUMBER(THREAD_STACK_OWN, TRACE_STACK_OWN);
SAME_NUMBER(CALL_SITE_FRAMES, TRACE_CACHED_FRAMES);
SAME_NUMBER(CALL_STACK_MORE_FRAMES, TRACE_CACHED_MORE_FRAMES);
SAME_NUMBER(CALL_STACK_ENTRY_CUT, TRACE_CACHED_CUT);
SAME_NUMBER(CALL_STACK_ENTRY_SHORT, TRACE_CACHED_SHORT);
SAME_NUMBER(CALL_STACK_ENTRY_DEEP, TRACE_CACHED_DEEP);
