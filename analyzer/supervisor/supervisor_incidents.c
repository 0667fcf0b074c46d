#include "supervisor_incidents.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_format.h"
#include "trace_reader.h"

struct search {
	void (*found)(void *context, const struct pending_incident *incident);
	void *context;
};

enum blame { NO_HANG, HANG_BY_FORK, OTHER_HANG };

/* Who is alone is deadlocked, even where nobody has proven that a vanished thread would have ended the wait.
 */
static bool is_proven_wait(uint32_t proof)
{
	return (proof & TRACE_PROOF_PRIVATE_MAPPING) &&
	       (proof & (TRACE_PROOF_RECORD | TRACE_PROOF_OWNER_WORD | TRACE_PROOF_ONLY_THREAD));
}

static enum blame blame(const struct trace_incident *incident)
{
	switch (incident->observed) {
	case TRACE_WAITS_FOR_VANISHED:
		return is_proven_wait(incident->proof) ? HANG_BY_FORK : OTHER_HANG;
	case TRACE_BLOCKS_ON_VANISHED:
	case TRACE_BLOCKS_ON_PARENT_OWNER:
	case TRACE_SPINS_ON_VANISHED:
	case TRACE_STATIC_INIT_LEFT_OPEN:
	case TRACE_ENTERS_LIBC_LEFT_LOCKED:
	case TRACE_BLOCKS_IN_ATFORK_HANDLER:
	case TRACE_WAITS_IN_ATFORK_HANDLER:
	case TRACE_STUCK_ON_VANISHED:
	case TRACE_WAITS_FOR_HANDED_WORK:
		return HANG_BY_FORK;
	case TRACE_BLOCKS_ON_SELF:
	case TRACE_BLOCKS_ON_ENDED_THREAD:
	case TRACE_BLOCKS_IN_CYCLE:
	case TRACE_STUCK_FOR_ANOTHER_REASON:
		return OTHER_HANG;
	default:
		return NO_HANG;
	}
}

static int take_incident(void *context, const struct trace_incident *incident,
                         const struct trace_tables *tables)
{
	const struct search *search = context;
	uint64_t returned = incident->repeats_returned;
	struct pending_incident pending = {
	    .pid = incident->record.pid,
	    .tid = incident->record.tid,
	    .recorded_pid = incident->record.pid,
	    .recorded_tid = incident->record.tid,
	    .time_ns = incident->record.time_ns,
	    .lock_address = incident->lock.address,
	    .lock_kind = incident->lock.kind,
	    .lock_flags = incident->lock.flags,
	    .observed = incident->observed,
	    .is_by_fork = blame(incident) == HANG_BY_FORK,
	    .proof = incident->proof,
	    .holder_tid = incident->lock.owner_tid ? incident->lock.owner_tid : incident->holder.tid,
	    .own_pending = incident->outcome != TRACE_OUTCOME_RETURNED,
	    .in_atfork_handler = incident->observed == TRACE_BLOCKS_IN_ATFORK_HANDLER ||
	                         incident->observed == TRACE_WAITS_IN_ATFORK_HANDLER,
	    .repeats_pending = incident->repeats > returned ? incident->repeats - returned : 0,
	};

	(void)tables;
	if (blame(incident) != NO_HANG && (pending.own_pending || pending.repeats_pending))
		search->found(search->context, &pending);
	return 0;
}

static const struct trace_reader_sink sink = {.incident = take_incident};

/* The used part of a file: most of what is allocated is empty. */
static char *read_used(int fd, size_t *ret_size_bytes)
{
	struct trace_file_header header;
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
	    pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return NULL;
	uint64_t used =
	    header.tail_bytes < (uint64_t)status.st_size ? header.tail_bytes : (uint64_t)status.st_size;
	if (used <= TRACE_HEADER_SIZE_BYTES)
		return NULL;
	char *bytes = malloc(used);
	ssize_t size = bytes ? pread(fd, bytes, used, 0) : -1;
	if (size <= 0) {
		free(bytes);
		return NULL;
	}
	*ret_size_bytes = (size_t)size;
	return bytes;
}

static void read_image(int folder_fd, const char *name, void *search)
{
	struct trace_reader_result result;
	size_t size_bytes = 0;
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	char *bytes = read_used(fd, &size_bytes);
	if (bytes)
		trace_reader_scan(bytes, size_bytes, &sink, search, &result);
	free(bytes);
	close(fd);
}

/* A change of the outcome of one record. */
struct mark {
	const struct pending_incident *incident;
	uint32_t outcome; /* enum trace_outcome */
};

/* What the library wrote is marked as blocked, what the watch from outside wrote as returned. */
static bool is_of_kind(const struct trace_incident *record, uint32_t outcome)
{
	bool is_from_outside = record->proof & (TRACE_PROOF_STANDSTILL | TRACE_PROOF_LOOP);

	return is_from_outside == (outcome == TRACE_OUTCOME_RETURNED);
}

static bool is_record_of(const struct trace_incident *record, const struct mark *mark)
{
	const struct pending_incident *incident = mark->incident;

	return record->record.magic == TRACE_RECORD_MAGIC && record->record.type == TRACE_RECORD_INCIDENT &&
	       record->record.state == TRACE_RECORD_COMMITTED &&
	       record->record.pid == incident->recorded_pid && record->record.tid == incident->recorded_tid &&
	       record->record.time_ns == incident->time_ns &&
	       record->lock.address == incident->lock_address && is_of_kind(record, mark->outcome);
}

/* The process may be changing the same word: only an exchange in the mapping itself keeps its answer. */
static void mark_at(int fd, size_t offset, const struct mark *mark)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), start = offset / page * page;
	size_t size_bytes = offset - start + sizeof(struct trace_incident);
	char *mapped = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)start);
	uint32_t outcome;

	if (mapped == MAP_FAILED)
		return;
	struct trace_incident *record = (struct trace_incident *)(void *)(mapped + (offset - start));
	outcome = __atomic_load_n(&record->outcome, __ATOMIC_ACQUIRE);
	if (is_record_of(record, mark) &&
	    (outcome == TRACE_OUTCOME_PENDING || outcome == TRACE_OUTCOME_SEEN_WAITING))
		__atomic_compare_exchange_n(&record->outcome, &outcome, mark->outcome, false,
		                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	munmap(mapped, size_bytes);
}

static void mark_in_image(int folder_fd, const char *name, void *context)
{
	const struct mark *mark = context;
	size_t size_bytes = 0;
	int fd = openat(folder_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char *bytes = fd >= 0 ? read_used(fd, &size_bytes) : NULL;

	for (size_t offset = TRACE_HEADER_SIZE_BYTES;
	     bytes && offset + sizeof(struct trace_incident) <= size_bytes; offset += TRACE_GRANULE_BYTES) {
		struct trace_incident record;

		memcpy(&record, bytes + offset, sizeof(record));
		if (is_record_of(&record, mark))
			mark_at(fd, offset, mark);
	}
	free(bytes);
	if (fd >= 0)
		close(fd);
}

static void for_each_image(int folder_fd, void (*visit)(int folder_fd, const char *name, void *context),
                           void *context)
{
	int copy = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir));)
		if (strncmp(entry->d_name, TRACE_IMAGE_FILE_PREFIX, strlen(TRACE_IMAGE_FILE_PREFIX)) == 0)
			visit(folder_fd, entry->d_name, context);
	closedir(dir);
}

void supervisor_incidents_read(int folder_fd,
                               void (*found)(void *context, const struct pending_incident *incident),
                               void *context)
{
	struct search search = {found, context};

	for_each_image(folder_fd, read_image, &search);
}

void supervisor_incidents_mark_blocked(int folder_fd, const struct pending_incident *incident)
{
	struct mark mark = {incident, TRACE_OUTCOME_SEEN_BLOCKED};

	for_each_image(folder_fd, mark_in_image, &mark);
}

void supervisor_incidents_mark_waiting(int folder_fd, const struct pending_incident *incident)
{
	struct mark mark = {incident, TRACE_OUTCOME_SEEN_WAITING};

	for_each_image(folder_fd, mark_in_image, &mark);
}

void supervisor_incidents_mark_returned(int folder_fd, const struct pending_incident *incident)
{
	struct mark mark = {incident, TRACE_OUTCOME_RETURNED};

	for_each_image(folder_fd, mark_in_image, &mark);
}
