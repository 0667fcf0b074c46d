#include "trace_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "machine.h"

/* Reads, never maps: a file that shrinks while it is read gives a short read, not a SIGBUS. */
static ssize_t read_fully(int fd, unsigned char *buffer, size_t size_bytes)
{
	size_t have = 0;

	while (have < size_bytes) {
		ssize_t got = pread(fd, buffer + have, size_bytes - have, (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* Far above what a writer makes. A file that is larger, on disk or by its own account, must not take all
 * memory. */
enum { LOAD_MAX_BYTES = 64 << 20 };

/* How much of the file is worth loading: files are allocated whole and mostly empty. A tail that makes
 * no sense means all of it. */
static size_t useful_size(int fd, size_t file_size_bytes)
{
	struct trace_file_header header;

	if (read_fully(fd, (unsigned char *)&header, sizeof header) != sizeof header ||
	    memcmp(header.magic, TRACE_MAGIC, sizeof header.magic) || header.byte_order != TRACE_BYTE_ORDER)
		return file_size_bytes < TRACE_HEADER_SIZE_BYTES ? file_size_bytes : TRACE_HEADER_SIZE_BYTES;
	if (header.tail_bytes < TRACE_HEADER_SIZE_BYTES || header.tail_bytes > file_size_bytes)
		return file_size_bytes;
	return (size_t)header.tail_bytes;
}

/* Without holes: it is a key. */
struct file_identity {
	uint64_t device, inode;
};

struct trace_files_seen {
	struct file_identity identity;
	UT_hash_handle hh;
};

struct loaded_file {
	unsigned char *data;
	size_t size_bytes;      /* loaded */
	size_t file_size_bytes; /* on disk */
	bool is_too_large;
	struct file_identity identity;
};

static int load_open(int fd, struct loaded_file *file)
{
	struct stat status;
	ssize_t size_bytes;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	file->identity = (struct file_identity){.device = status.st_dev, .inode = status.st_ino};
	file->file_size_bytes = (size_t)status.st_size;
	file->size_bytes = useful_size(fd, file->file_size_bytes);
	file->is_too_large = file->size_bytes > LOAD_MAX_BYTES;
	if (file->is_too_large)
		file->size_bytes = LOAD_MAX_BYTES;
	file->data = malloc(file->size_bytes + 1);
	if (!file->data)
		return -ENOMEM;
	size_bytes = read_fully(fd, file->data, file->size_bytes);
	if (size_bytes < 0)
		return -errno;
	file->size_bytes = (size_t)size_bytes;
	return 0;
}

/* 0 or a negative errno value; file->data is the caller's to free in both cases. */
static int load(const char *path, struct loaded_file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error;

	*file = (struct loaded_file){0};
	if (fd < 0)
		return -errno;
	error = load_open(fd, file);
	close(fd);
	return error;
}

/* The scan saw what was loaded; whether the file is cut shows on its real size. */
static bool is_truncated(const struct loaded_file *file)
{
	struct trace_file_header header;

	memcpy(&header, file->data, sizeof header);
	return file->file_size_bytes < header.file_size_bytes;
}

/* Once for a report, however many files say so. */
static void warn_of_machine(uint32_t machine, struct message_list *warnings)
{
	if (machine != 0 && machine != MACHINE_OWN)
		message_list_add(
		    warnings,
		    "recorded on another type of machine (%s, ELF machine %u; this one is %s): it is read in "
		    "full, but names come only from that machine's files (--sysroot)",
		    machine_name(machine), machine, machine_name(MACHINE_OWN));
}

static void warn_about(const char *path, const struct trace_reader_result *result,
                       const struct loaded_file *file, struct message_list *warnings)
{
	warn_of_machine(result->machine, warnings);
	if (file->is_too_large)
		message_list_add(
		    warnings, "%s: the file is larger than any that is written; its first %d MiB were read",
		    path, LOAD_MAX_BYTES >> 20);
	if (is_truncated(file))
		message_list_add(warnings,
		                 "%s: the file is shorter than when it was written; what is whole was read",
		                 path);
	if (result->damaged_records)
		message_list_add(warnings, "%s: skipped %llu unfinished or damaged record%s", path,
		                 (unsigned long long)result->damaged_records,
		                 result->damaged_records == 1 ? "" : "s");
	if (result->unknown_records)
		message_list_add(
		    warnings, "%s: skipped %llu record%s of a kind that this version does not know", path,
		    (unsigned long long)result->unknown_records, result->unknown_records == 1 ? "" : "s");
}

/* True for a file that was read before. Out of memory means no: a doubled count beats a lost trace. */
static bool seen_before(const struct file_identity *identity, struct trace_files_result *result)
{
	struct trace_files_seen *seen;

	HASH_FIND(hh, result->seen, identity, sizeof *identity, seen);
	if (seen)
		return true;
	seen = calloc(1, sizeof *seen);
	if (!seen)
		return false;
	seen->identity = *identity;
	HASH_ADD(hh, result->seen, identity, sizeof seen->identity, seen);
	return false;
}

void trace_files_release(struct trace_files_result *result)
{
	struct trace_files_seen *seen, *next;

	HASH_ITER (hh, result->seen, seen, next) {
		HASH_DEL(result->seen, seen);
		free(seen);
	}
}

static int read_file(const char *path, const struct trace_reader_sink *sink, void *context,
                     struct message_list *warnings, struct trace_files_result *result)
{
	struct trace_reader_result scanned = {0};
	struct loaded_file file;
	int error = load(path, &file);
	char text[256];

	if (error) {
		message_list_add(warnings, "cannot read %s: %s", path,
		                 error == -EINVAL ? "it is neither a file nor a folder" : strerror(-error));
	} else if (seen_before(&file.identity, result)) {
		message_list_add(warnings, "%s: named twice, read once", path);
		free(file.data);
		return 0;
	} else {
		trace_reader_scan(file.data, file.size_bytes, sink, context, &scanned);
		if (scanned.status == TRACE_STATUS_OK)
			warn_about(path, &scanned, &file, warnings);
		else
			message_list_add(warnings, "cannot read %s: %s", path,
			                 trace_reader_explain(&scanned, text, sizeof text));
	}
	free(file.data);
	if (error || scanned.status != TRACE_STATUS_OK)
		return -1;
	result->file_count++;
	result->dropped_records += scanned.dropped_records;
	result->damaged_records += scanned.damaged_records;
	return 0;
}

static int is_image_file(const struct dirent *entry)
{
	return strncmp(entry->d_name, TRACE_IMAGE_FILE_PREFIX, strlen(TRACE_IMAGE_FILE_PREFIX)) == 0;
}

static int compare_names(const struct dirent **left, const struct dirent **right)
{
	return strverscmp((*left)->d_name, (*right)->d_name);
}

static int read_in_folder(const char *folder, const char *name, const struct trace_reader_sink *sink,
                          void *context, struct message_list *warnings, struct trace_files_result *result)
{
	char *path;
	int status;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -1;
	status = read_file(path, sink, context, warnings, result);
	free(path);
	return status;
}

static bool has_run_file(const char *folder)
{
	char *path;
	bool has;

	if (asprintf(&path, "%s/%s", folder, TRACE_RUN_FILE_NAME) < 0)
		return false;
	has = access(path, F_OK) == 0;
	free(path);
	return has;
}

static int read_folder(const char *folder, const struct trace_reader_sink *sink, void *context,
                       struct message_list *warnings, struct trace_files_result *result)
{
	size_t before = result->file_count;
	struct dirent **entries;
	int count = scandir(folder, &entries, is_image_file, compare_names);

	if (count < 0) {
		message_list_add(warnings, "cannot read %s: %s", folder, strerror(errno));
		return -1;
	}
	if (has_run_file(folder))
		read_in_folder(folder, TRACE_RUN_FILE_NAME, sink, context, warnings, result);
	else if (count > 0)
		message_list_add(warnings,
		                 "%s: there is no file named %s in it: the command, its end and all counters "
		                 "are not known",
		                 folder, TRACE_RUN_FILE_NAME);
	for (int i = 0; i < count; i++) {
		read_in_folder(folder, entries[i]->d_name, sink, context, warnings, result);
		free(entries[i]);
	}
	free(entries);
	if (result->file_count > before)
		return 0;
	message_list_add(warnings,
	                 "cannot read %s: no trace in this folder (expected a file named %s or %s*, as "
	                 "afterfork run leaves)",
	                 folder, TRACE_RUN_FILE_NAME, TRACE_IMAGE_FILE_PREFIX);
	return -1;
}

int trace_files_read(const char *path, const struct trace_reader_sink *sink, void *context,
                     struct message_list *warnings, struct trace_files_result *result)
{
	struct stat status;

	if (stat(path, &status) < 0) {
		message_list_add(warnings, "cannot read %s: %s", path, strerror(errno));
		return -1;
	}
	if (S_ISDIR(status.st_mode))
		return read_folder(path, sink, context, warnings, result);
	return read_file(path, sink, context, warnings, result);
}
