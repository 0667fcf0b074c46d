#include "trace_append.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_reader.h"

enum { HASHED_FROM = offsetof(struct trace_incident, observed) };

static bool is_image_of(const struct trace_file_header *file, uint64_t size_bytes, uint64_t run_id)
{
	return memcmp(file->magic, TRACE_MAGIC, sizeof(file->magic)) == 0 && file->version == TRACE_VERSION &&
	       file->byte_order == TRACE_BYTE_ORDER && file->kind == TRACE_FILE_IMAGE &&
	       file->granule_bytes == TRACE_GRANULE_BYTES && file->run_id == run_id &&
	       file->file_size_bytes <= size_bytes;
}

static struct trace_file_header *map_image(int folder_fd, const char *name, uint64_t run_id,
                                           size_t *ret_size_bytes)
{
	int fd = openat(folder_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	void *mapped = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= TRACE_HEADER_SIZE_BYTES)
		mapped = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mapped == MAP_FAILED)
		return NULL;
	if (!is_image_of(mapped, (uint64_t)status.st_size, run_id)) {
		munmap(mapped, (size_t)status.st_size);
		return NULL;
	}
	*ret_size_bytes = (size_t)status.st_size;
	return mapped;
}

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

static bool append(struct trace_file_header *file, const struct trace_incident *incident)
{
	uint32_t size_bytes = incident->record.size_bytes;
	struct trace_record header = incident->record;
	struct trace_incident *full = find_full(file, incident->fault_hash);

	if (full) {
		__atomic_fetch_add(&full->repeats, 1, __ATOMIC_RELAXED);
		return true;
	}
	char *record = claim(file, round_up(size_bytes));
	if (!record)
		return false;
	header.magic = TRACE_RECORD_MAGIC;
	header.type = TRACE_RECORD_INCIDENT;
	header.state = TRACE_RECORD_CLAIMED;
	header.checksum_from = HASHED_FROM;
	header.checksum =
	    trace_reader_checksum((const char *)incident + HASHED_FROM, size_bytes - HASHED_FROM);
	memcpy(record, &header, sizeof(header));
	memcpy(record + sizeof(header), (const char *)incident + sizeof(header), size_bytes - sizeof(header));
	__atomic_store_n(&((struct trace_record *)record)->state, TRACE_RECORD_COMMITTED, __ATOMIC_RELEASE);
	return true;
}

bool trace_append_incident(int folder_fd, const char *image_name, uint64_t run_id,
                           const struct trace_incident *incident)
{
	size_t size_bytes = 0;
	struct trace_file_header *file = map_image(folder_fd, image_name, run_id, &size_bytes);

	if (!file)
		return false;
	bool done = append(file, incident);
	munmap(file, size_bytes);
	return done;
}

uint64_t trace_append_run_id(int folder_fd)
{
	struct trace_file_header file;
	int fd = openat(folder_fd, TRACE_RUN_FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return 0;
	bool whole = pread(fd, &file, sizeof(file), 0) == (ssize_t)sizeof(file);
	close(fd);
	return whole ? file.run_id : 0;
}
