#include "trace_append.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_reader.h"

enum {
	NEW_FILE_SIZE_BYTES = 128 << 10, /* room for a few records of one process */
	NAMES_MAX = 100,
};

static uint64_t round_up(uint64_t size_bytes)
{
	return (size_bytes + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES * TRACE_GRANULE_BYTES;
}

/* The first record of the fault once there are as many as there may be. */
static struct trace_incident *find_full(struct trace_file_header *file, uint64_t fault_hash)
{
	uint64_t tail = __atomic_load_n(&file->tail_bytes, __ATOMIC_ACQUIRE);
	uint64_t end = tail < file->file_size_bytes ? tail : file->file_size_bytes;
	struct trace_incident *first = NULL;
	unsigned count = 0;

	for (uint64_t at = TRACE_HEADER_SIZE_BYTES; at + sizeof(struct trace_incident) <= end;) {
		struct trace_incident *found = (struct trace_incident *)((char *)file + at);
		bool whole =
		    found->record.magic == TRACE_RECORD_MAGIC &&
		    __atomic_load_n(&found->record.state, __ATOMIC_ACQUIRE) == TRACE_RECORD_COMMITTED &&
		    found->record.size_bytes >= sizeof(struct trace_record) &&
		    found->record.size_bytes <= TRACE_RECORD_SIZE_MAX;

		at += whole ? round_up(found->record.size_bytes) : TRACE_GRANULE_BYTES;
		if (!whole || found->record.type != TRACE_RECORD_INCIDENT || found->fault_hash != fault_hash)
			continue;
		first = first ? first : found;
		count++;
	}
	return count >= TRACE_APPEND_RECORDS_MAX ? first : NULL;
}

static char *claim(struct trace_file_header *file, uint64_t size_bytes)
{
	uint64_t offset = __atomic_load_n(&file->tail_bytes, __ATOMIC_RELAXED);

	do {
		if (offset < TRACE_HEADER_SIZE_BYTES || offset % TRACE_GRANULE_BYTES ||
		    offset > file->file_size_bytes || size_bytes > file->file_size_bytes - offset) {
			__atomic_fetch_add(&file->dropped_records, 1, __ATOMIC_RELAXED);
			return NULL;
		}
	} while (!__atomic_compare_exchange_n(&file->tail_bytes, &offset, offset + size_bytes, false,
	                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return (char *)file + offset;
}

static bool write_record(struct trace_file_header *file, const struct trace_record *body,
                         uint32_t checksum_from)
{
	uint32_t size_bytes = body->size_bytes;
	struct trace_record header = *body;
	char *record = claim(file, round_up(size_bytes));

	if (!record)
		return false;
	header.magic = TRACE_RECORD_MAGIC;
	header.state = TRACE_RECORD_CLAIMED;
	header.checksum_from = checksum_from;
	header.checksum =
	    trace_reader_checksum((const char *)body + checksum_from, size_bytes - checksum_from);
	memcpy(record, &header, sizeof(header));
	memcpy(record + sizeof(header), body + 1, size_bytes - sizeof(header));
	__atomic_store_n(&((struct trace_record *)record)->state, TRACE_RECORD_COMMITTED, __ATOMIC_RELEASE);
	return true;
}

bool trace_append_incident(struct trace_append *trace, const struct trace_incident *incident,
                           bool *ret_is_repeat)
{
	struct trace_incident *full = find_full(trace->file, incident->fault_hash);

	*ret_is_repeat = full != NULL;
	if (!full)
		return write_record(trace->file, &incident->record,
		                    offsetof(struct trace_incident, observed));
	__atomic_fetch_add(&full->repeats, 1, __ATOMIC_RELAXED);
	return true;
}

bool trace_append_record(struct trace_append *trace, const struct trace_record *record)
{
	return write_record(trace->file, record, sizeof(*record));
}

static struct trace_file_header *map_file(int fd, size_t *ret_size_bytes)
{
	struct stat status;
	void *mapped = MAP_FAILED;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= TRACE_HEADER_SIZE_BYTES)
		mapped = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return NULL;
	*ret_size_bytes = (size_t)status.st_size;
	return mapped;
}

static bool is_file_of(const struct trace_file_header *file, uint64_t size_bytes, uint32_t kind)
{
	return memcmp(file->magic, TRACE_MAGIC, sizeof(file->magic)) == 0 && file->version == TRACE_VERSION &&
	       file->byte_order == TRACE_BYTE_ORDER && file->kind == kind &&
	       file->granule_bytes == TRACE_GRANULE_BYTES && file->file_size_bytes <= size_bytes;
}

static bool open_file(int folder_fd, const char *name, uint32_t kind, struct trace_append *ret_trace)
{
	int fd = openat(folder_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	*ret_trace = (struct trace_append){0};
	ret_trace->file = map_file(fd, &ret_trace->size_bytes);
	close(fd);
	if (ret_trace->file && is_file_of(ret_trace->file, ret_trace->size_bytes, kind))
		return true;
	trace_append_close(ret_trace);
	return false;
}

static bool reserve(struct trace_run *run)
{
	uint64_t before =
	    __atomic_fetch_add(&run->size_reserved_bytes, NEW_FILE_SIZE_BYTES, __ATOMIC_RELAXED);

	if (!run->size_limit_bytes || before + NEW_FILE_SIZE_BYTES <= run->size_limit_bytes)
		return true;
	__atomic_fetch_sub(&run->size_reserved_bytes, NEW_FILE_SIZE_BYTES, __ATOMIC_RELAXED);
	return false;
}

static int create(int folder_fd, pid_t pid)
{
	char name[64];
	int fd = -1;

	for (int serial = 0; fd < 0 && serial < NAMES_MAX && (!serial || errno == EEXIST); serial++) {
		snprintf(name, sizeof(name), TRACE_IMAGE_FILE_PREFIX "%d-%d", (int)pid, serial);
		fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	/* ftruncate() alone succeeds on a full disk, and the first store would be a SIGBUS. */
	if (fd >= 0 && posix_fallocate(fd, 0, NEW_FILE_SIZE_BYTES) != 0) {
		unlinkat(folder_fd, name, 0);
		close(fd);
		fd = -1;
	}
	return fd;
}

static void fill_header(struct trace_image *image, const struct trace_run *run,
                        const struct trace_append_image *from)
{
	image->file = run->file;
	image->file.kind = TRACE_FILE_IMAGE;
	image->file.file_size_bytes = NEW_FILE_SIZE_BYTES;
	image->file.tail_bytes = TRACE_HEADER_SIZE_BYTES;
	image->file.dropped_records = 0;
	image->pid = from->pid;
	image->ppid = from->ppid;
	if (from->exe)
		snprintf(image->exe, sizeof(image->exe), "%s", from->exe);
}

static bool make_file(int folder_fd, struct trace_run *run, const struct trace_append_image *image,
                      struct trace_append *ret_trace)
{
	int fd = reserve(run) ? create(folder_fd, image->pid) : -1;

	if (fd < 0)
		return false;
	*ret_trace = (struct trace_append){0};
	ret_trace->file = map_file(fd, &ret_trace->size_bytes);
	close(fd);
	if (ret_trace->file)
		fill_header((struct trace_image *)ret_trace->file, run, image);
	return ret_trace->file != NULL;
}

bool trace_append_open(int folder_fd, const struct trace_append_image *image, struct trace_append *ret_trace)
{
	struct trace_append run;

	if (!open_file(folder_fd, TRACE_RUN_FILE_NAME, TRACE_FILE_RUN, &run))
		return false;
	bool done = image->name ? open_file(folder_fd, image->name, TRACE_FILE_IMAGE, ret_trace)
	                        : make_file(folder_fd, (struct trace_run *)run.file, image, ret_trace);
	if (done && ret_trace->file->run_id != run.file->run_id) {
		trace_append_close(ret_trace);
		done = false;
	}
	trace_append_close(&run);
	return done;
}

void trace_append_close(struct trace_append *trace)
{
	if (trace->file)
		munmap(trace->file, trace->size_bytes);
	*trace = (struct trace_append){0};
}
