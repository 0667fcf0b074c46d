/* Rules of this file: see trace_file.h; what runs in the child is lock-free and makes no system call but
 * the futex wake, and those for a file where the fork left none; not even these once the program entered a
 * sandbox. */
#include "trace_writer.h"

#include <linux/futex.h>
#include <stdatomic.h>

#include "arena.h"
#include "clock.h"
#include "config.h"
#include "line.h"
#include "message.h"
#include "module_map.h"
#include "placement.h"
#include "raw_syscall.h"
#include "record_work.h"
#include "thread_record.h"
#include "trace_checksum.h"
#include "trace_file.h"

enum { IMAGE_FILE_SIZE_BYTES = 1 << 20, EARLY_IMAGE_FILE_SIZE_BYTES = 128 << 10 };

/* Counts go here while there is no file. */
static union {
	struct trace_run run;
	char page[TRACE_HEADER_SIZE_BYTES];
} unrecorded PAGES_OF_ITS_OWN;

static struct trace_run *_Atomic run = &unrecorded.run;
static struct trace_image *_Atomic image;
static _Atomic uint32_t opening;
static _Atomic bool sealed;
static bool image_failed;
static int32_t own_pid;
static void (*write_first)(void);
static int folder_error;
static char folder[TRACE_PATH_SIZE_BYTES];

static bool has_run(void)
{
	return atomic_load(&run) != &unrecorded.run;
}

static void adopt_run(struct trace_run *mapped)
{
	atomic_store(&run, mapped);
	trace_writer_add(&mapped->images, 1);
	trace_writer_add(&mapped->processes, unrecorded.run.processes);
	trace_writer_add(&mapped->threads, unrecorded.run.threads);
	trace_writer_add(&mapped->forks, unrecorded.run.forks);
}

void trace_writer_init(void)
{
	own_pid = (int32_t)raw_syscall0(SYS_getpid);
	if (!config.trace_folder) {
		folder_error = config_expand_output(folder, sizeof folder);
		return;
	}
	struct trace_run *mapped = NULL;
	int error = trace_file_open_run(config.trace_folder, &mapped);
	if (error == EACCES)
		return; /* another user's program: exec_note tells it */
	if (error) {
		message_error("nothing is recorded: cannot open the trace file `run` in ",
		              config.trace_folder, error);
		return;
	}
	for (size_t i = 0; i < sizeof folder - 1 && config.trace_folder[i]; i++)
		folder[i] = config.trace_folder[i];
	adopt_run(mapped);
}

/* An exec keeps the pid that is in the name, and so may a program of another day: "-1", "-2", ... is tried
 * then. */
static int make_free_folder(void)
{
	enum { NAMES_MAX = 100 };
	size_t length = 0;
	while (folder[length])
		length++;
	int error = trace_file_make_folder(folder);
	for (int64_t serial = 1; error == EEXIST && serial < NAMES_MAX; serial++) {
		struct line suffix = line_on(folder + length, sizeof folder - length);
		line_text(&suffix, "-");
		line_number(&suffix, serial);
		error = suffix.truncated ? ENAMETOOLONG : trace_file_make_folder(folder);
	}
	return error;
}

static void open_run_alone(void)
{
	if (has_run() || config.trace_folder || image_failed)
		return;
	struct trace_run *mapped = NULL;
	int error = folder_error;
	if (!error)
		error = make_free_folder();
	if (!error)
		error = trace_file_create_run(folder, TRACE_RUN_FILE_SIZE_BYTES, &mapped);
	if (error) {
		image_failed = true;
		message_error("nothing is recorded: cannot make the trace folder ", folder, error);
		return;
	}
	mapped->on_deadlock = config.on_deadlock;
	mapped->size_limit_bytes = config.trace_limit_bytes;
	adopt_run(mapped);
}

void trace_writer_open_run(void)
{
	if (has_run() || trace_writer_is_sealed() || atomic_exchange(&opening, 1))
		return;
	open_run_alone();
	atomic_store(&opening, 0);
}

static void note_unrecorded(int error)
{
	image_failed = true;
	trace_writer_add(&trace_writer_run()->images_unrecorded, 1);
	struct trace_notice notice = {.kind = TRACE_NOTICE_UNRECORDED, .error = error};
	trace_writer_append(TRACE_RECORD_NOTICE, &notice.record, sizeof notice, sizeof notice.record);
	message_error("nothing is recorded of this process: cannot make its trace file in ", folder, error);
}

static bool reserve(uint64_t size_bytes, uint64_t limit_bytes)
{
	struct trace_run *totals = trace_writer_run();
	uint64_t before = __atomic_fetch_add(&totals->size_reserved_bytes, size_bytes, __ATOMIC_RELAXED);
	if (limit_bytes == 0 || before + size_bytes <= limit_bytes)
		return true;
	__atomic_fetch_sub(&totals->size_reserved_bytes, size_bytes, __ATOMIC_RELAXED);
	return false;
}

static void make_image(uint64_t size_bytes)
{
	struct trace_image *mapped = NULL;
	int error = trace_file_create_image(folder, size_bytes, trace_writer_run()->file.run_id, &mapped);
	if (error)
		note_unrecorded(error);
	else
		atomic_store(&image, mapped);
	if (write_first)
		write_first();
}

/* Most of the early ones stay empty: they are small, leave half of the room to the others, and are not missed
 * where it is used up. */
static void open_image(bool is_early)
{
	open_run_alone();
	if (!has_run() || image_failed)
		return;
	uint64_t limit_bytes = trace_writer_run()->size_limit_bytes;
	uint64_t size_bytes = is_early ? EARLY_IMAGE_FILE_SIZE_BYTES : IMAGE_FILE_SIZE_BYTES;
	if (reserve(size_bytes, is_early ? limit_bytes / 2 : limit_bytes))
		make_image(size_bytes);
	else if (!is_early)
		note_unrecorded(EDQUOT);
}

static void open_image_once(bool is_early)
{
	if (atomic_load(&image) || image_failed || trace_writer_is_sealed() || atomic_exchange(&opening, 1))
		return;
	open_image(is_early);
	atomic_store(&opening, 0);
}

void trace_writer_open_image(void)
{
	open_image_once(false);
}

void trace_writer_open_image_early(void)
{
	open_image_once(true);
}

void trace_writer_when_open(void (*write)(void))
{
	write_first = write;
}

void trace_writer_child(int32_t pid)
{
	own_pid = pid;
	atomic_store(&opening, 0);
}

void trace_writer_count_fork(int more)
{
	trace_writer_add(&trace_writer_run()->forks, (uint64_t)more);
	trace_writer_add(&trace_writer_run()->processes, (uint64_t)more);
}

void trace_writer_seal(bool on)
{
	if (on) {
		module_map_refresh();
		record_work_give(record_work_take());
	}
	arena_seal(on);
	atomic_store(&sealed, on);
	module_map_seal(on);
}

uint64_t trace_writer_now_ns(void)
{
	return trace_writer_is_sealed() ? 0 : clock_now_ns();
}

bool trace_writer_is_sealed(void)
{
	return atomic_load(&sealed);
}

bool trace_writer_is_supervised(void)
{
	return trace_writer_run()->supervised != 0;
}

struct trace_run *trace_writer_run(void)
{
	return atomic_load_explicit(&run, memory_order_relaxed);
}

struct trace_image *trace_writer_image(void)
{
	return atomic_load_explicit(&image, memory_order_relaxed);
}

/* Volatile: the compiler may not drop or move stores that nobody in this program reads. */
static void copy_out(void *to, const void *from, uint32_t size_bytes)
{
	volatile uint64_t *out = to;
	const char *in = from;
	uint32_t words = size_bytes / 8;
	for (uint32_t i = 0; i < words; i++) {
		uint64_t word;
		__builtin_memcpy(&word, in + (size_t)i * 8, 8);
		out[i] = word;
	}
	for (uint32_t i = words * 8; i < size_bytes; i++)
		((volatile char *)to)[i] = in[i];
}

static uint64_t granules(uint64_t size_bytes)
{
	return (size_bytes + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES * TRACE_GRANULE_BYTES;
}

static struct trace_record *claim(struct trace_file_header *file, uint32_t size_bytes)
{
	uint64_t room = granules(size_bytes);
	uint64_t offset = __atomic_load_n(&file->tail_bytes, __ATOMIC_RELAXED);
	do {
		if (offset + room > file->file_size_bytes) {
			trace_writer_add(&file->dropped_records, 1);
			return NULL;
		}
	} while (!__atomic_compare_exchange_n(&file->tail_bytes, &offset, offset + room, false,
	                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return (struct trace_record *)((char *)file + offset);
}

static void fill(struct trace_record *record, enum trace_record_type type, const struct trace_record *body,
                 uint32_t size_bytes, uint32_t checksum_from)
{
	struct trace_record header = {
	    .magic = TRACE_RECORD_MAGIC,
	    .type = type,
	    .size_bytes = size_bytes,
	    .state = TRACE_RECORD_CLAIMED,
	    .checksum = trace_checksum((const char *)body + checksum_from, size_bytes - checksum_from),
	    .checksum_from = checksum_from,
	    .pid = own_pid,
	    .tid = thread_record_self ? thread_record_self->tid : own_pid,
	    .time_ns = trace_writer_now_ns(),
	};
	copy_out(record, &header, sizeof header);
	copy_out(record + 1, body + 1, size_bytes - (uint32_t)sizeof header);
	__atomic_store_n(&record->state, TRACE_RECORD_COMMITTED, __ATOMIC_RELEASE);
}

struct trace_record *trace_writer_append(enum trace_record_type type, const struct trace_record *body,
                                         uint32_t size_bytes, uint32_t checksum_from)
{
	struct trace_file_header *file = type == TRACE_RECORD_NOTICE
	                                     ? &trace_writer_run()->file
	                                     : (struct trace_file_header *)trace_writer_image();
	if (!file || file == &unrecorded.run.file)
		return NULL;
	struct trace_record *record = claim(file, size_bytes);
	if (record)
		fill(record, type, body, size_bytes, checksum_from);
	return record;
}

struct trace_record *trace_writer_rewrite(struct trace_record *old, const struct trace_record *body,
                                          uint32_t size_bytes, uint32_t checksum_from)
{
	uint32_t committed = TRACE_RECORD_COMMITTED;
	if (old->size_bytes != size_bytes ||
	    !__atomic_compare_exchange_n(&old->state, &committed, TRACE_RECORD_CLAIMED, false,
	                                 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return NULL;
	fill(old, old->type, body, size_bytes, checksum_from);
	return old;
}

void trace_writer_notify(void)
{
	struct trace_run *totals = trace_writer_run();
	__atomic_fetch_add(&totals->notice_count, 1, __ATOMIC_RELEASE);
	if (totals->supervised && !trace_writer_is_sealed())
		raw_syscall3(SYS_futex, (long)&totals->notice_count, FUTEX_WAKE, 1);
}

/* Behind the claim of a killed writer anything may stand. */
static bool is_committed(const struct trace_record *record)
{
	return record->magic == TRACE_RECORD_MAGIC &&
	       __atomic_load_n(&record->state, __ATOMIC_ACQUIRE) == TRACE_RECORD_COMMITTED &&
	       record->size_bytes >= sizeof *record && record->size_bytes <= TRACE_RECORD_SIZE_MAX;
}

const struct trace_record *trace_writer_next(const struct trace_file_header *file, uint64_t *position)
{
	uint64_t end = __atomic_load_n(&file->tail_bytes, __ATOMIC_ACQUIRE);
	uint64_t offset = *position ? *position : TRACE_HEADER_SIZE_BYTES;
	while (offset < end && offset < file->file_size_bytes) {
		const struct trace_record *record =
		    (const struct trace_record *)((const char *)file + offset);
		bool committed = is_committed(record);
		offset += granules(committed ? record->size_bytes : TRACE_GRANULE_BYTES);
		*position = offset;
		if (committed)
			return record;
	}
	return NULL;
}

struct trace_incident *trace_writer_find(uint64_t fault_hash, uint64_t *position)
{
	const struct trace_image *file = trace_writer_image();
	const struct trace_record *record;
	while (file && (record = trace_writer_next(&file->file, position))) {
		struct trace_incident *found = (struct trace_incident *)record;
		if (record->type == TRACE_RECORD_INCIDENT && found->fault_hash == fault_hash)
			return found;
	}
	return NULL;
}
