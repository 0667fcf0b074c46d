#include "run_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef AFTERFORK_VERSION
#define AFTERFORK_VERSION "unknown"
#endif

static const char *const report_names[] = {
    RUN_FILE_REPORT_TEXT,
    RUN_FILE_REPORT_JSON,
    /* left by who was killed while it wrote */
    RUN_FILE_REPORT_TEXT RUN_FILE_DRAFT,
    RUN_FILE_REPORT_JSON RUN_FILE_DRAFT,
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool is_trace_file(const char *name)
{
	for (size_t i = 0; i < sizeof(report_names) / sizeof(*report_names); i++)
		if (strcmp(name, report_names[i]) == 0)
			return true;
	return strcmp(name, TRACE_RUN_FILE_NAME) == 0 ||
	       strncmp(name, TRACE_IMAGE_FILE_PREFIX, strlen(TRACE_IMAGE_FILE_PREFIX)) == 0;
}

struct folder_contents {
	unsigned traces; /* files that a run of afterfork leaves */
	unsigned others;
};

/* Counts what the folder holds, and removes an older trace's files when asked to. */
static bool read_folder(int folder_fd, bool remove_trace, struct folder_contents *ret_contents)
{
	struct folder_contents contents = {0};
	int copy = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!is_trace_file(entry->d_name))
			contents.others++;
		else if (!remove_trace || unlinkat(folder_fd, entry->d_name, 0) != 0)
			contents.traces++;
	}
	closedir(dir);
	*ret_contents = contents;
	return true;
}

static bool has_run_file(int folder_fd)
{
	struct stat status;

	return fstatat(folder_fd, TRACE_RUN_FILE_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(status.st_mode);
}

static bool take_over_folder(int fd, const struct run_file_settings *settings, char **ret_error)
{
	struct folder_contents contents;
	struct stat status;

	if (fstat(fd, &status) != 0 || status.st_uid != geteuid()) {
		(void)!asprintf(ret_error, "the folder %s belongs to another user; name another one with -o",
		                settings->folder);
		return false;
	}
	if (!read_folder(fd, false, &contents)) {
		(void)!asprintf(ret_error, "the folder %s cannot be read: %s; name another one with -o",
		                settings->folder, strerror(errno));
		return false;
	}
	if (contents.others || (contents.traces && !has_run_file(fd))) {
		(void)!asprintf(ret_error,
		                "the folder %s holds files that are no trace; name another one with -o",
		                settings->folder);
		return false;
	}
	if (contents.traces && !settings->replace) {
		(void)!asprintf(ret_error,
		                "%s holds the trace of an earlier run; name another folder with -o, or "
		                "replace it with --force",
		                settings->folder);
		return false;
	}
	if (contents.traces && (!read_folder(fd, true, &contents) || contents.traces)) {
		(void)!asprintf(ret_error,
		                "the earlier trace in %s cannot be removed: %s; name another folder with -o",
		                settings->folder, strerror(errno));
		return false;
	}
	if ((status.st_mode & 07777) != 0700 && fchmod(fd, 0700) != 0) {
		(void)!asprintf(ret_error, "the mode of the folder %s cannot be set to 0700: %s",
		                settings->folder, strerror(errno));
		return false;
	}
	return true;
}

/* Returns the folder's descriptor, or -1. */
static int open_folder(const struct run_file_settings *settings, bool *ret_made, char **ret_error)
{
	mode_t older = umask(077); /* it may take even the owner's rights */
	bool created = mkdir(settings->folder, 0700) == 0;
	umask(older);

	if (!created && errno != EEXIST) {
		(void)!asprintf(ret_error,
		                "the trace folder %s cannot be made: %s; name another place with -o, for "
		                "example -o /tmp/trace.%%p",
		                settings->folder, strerror(errno));
		return -1;
	}
	int fd = open(settings->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		bool no_folder = errno == ENOTDIR || errno == ELOOP;

		(void)!asprintf(ret_error, "%s %s; name another folder with -o", settings->folder,
		                no_folder ? "is there already and is no folder (links are not followed)"
		                          : strerror(errno));
		return -1;
	}
	if (!created && !take_over_folder(fd, settings, ret_error)) {
		close(fd);
		return -1;
	}
	*ret_made = created;
	return fd;
}

static void store_command(struct trace_run *run, char *const *command)
{
	size_t used = 0;

	for (; *command; command++) {
		size_t size = strlen(*command) + 1;

		if (size > sizeof(run->command) - used) {
			/* A cut argument stays useful: its end is the array's last byte. */
			size_t room = sizeof(run->command) - used;

			if (room > 1)
				memcpy(run->command + used, *command, room - 1);
			used += room;
			run->command_truncated = 1;
			break;
		}
		memcpy(run->command + used, *command, size);
		used += size;
	}
	run->command_size_bytes = used;
}

static uint64_t random_id(void)
{
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != (ssize_t)sizeof(id))
		id = clock_ns(CLOCK_REALTIME) ^ ((uint64_t)getpid() << 32);
	return id ? id : 1;
}

static void fill_header(struct trace_run *run, const struct run_file_settings *settings)
{
	run->file.version = TRACE_VERSION;
	run->file.byte_order = TRACE_BYTE_ORDER;
	run->file.kind = TRACE_FILE_RUN;
	run->file.machine = settings->machine;
	run->file.header_size_bytes = TRACE_HEADER_SIZE_BYTES;
	run->file.granule_bytes = TRACE_GRANULE_BYTES;
	run->file.file_size_bytes = TRACE_RUN_FILE_SIZE_BYTES;
	run->file.run_id = random_id();
	run->file.tail_bytes = TRACE_HEADER_SIZE_BYTES;
	run->file.started_realtime_ns = clock_ns(CLOCK_REALTIME);
	run->file.started_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	run->supervised = 1;
	run->on_deadlock = settings->on_deadlock;
	run->exit_code = -1;
	run->size_limit_bytes = settings->size_limit_bytes;
	run->size_reserved_bytes = TRACE_RUN_FILE_SIZE_BYTES;
	run->supervisor_pid = getpid();
	snprintf(run->library_version, sizeof(run->library_version), "%s", AFTERFORK_VERSION);
	store_command(run, settings->command);
	/* Last: a file without its magic is no trace. */
	memcpy(run->file.magic, TRACE_MAGIC, sizeof(run->file.magic));
}

/* Above RLIMIT_FSIZE the kernel sends a signal that would end us without a word. */
static int allocate(int fd)
{
	struct sigaction ignored = {.sa_handler = SIG_IGN}, original;

	sigaction(SIGXFSZ, &ignored, &original);
	int error = posix_fallocate(fd, 0, TRACE_RUN_FILE_SIZE_BYTES);
	sigaction(SIGXFSZ, &original, NULL);
	return error;
}

static bool create_file(struct run_file *run_file, const struct run_file_settings *settings, char **ret_error)
{
	int fd = openat(run_file->folder_fd, TRACE_RUN_FILE_NAME,
	                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		(void)!asprintf(ret_error, "%s/%s cannot be made: %s; name another place with -o",
		                settings->folder, TRACE_RUN_FILE_NAME, strerror(errno));
		return false;
	}
	run_file->file_fd = fd;
	/* The umask may have taken bits that the library in the command needs. */
	fchmod(fd, 0600);
	int error = allocate(fd);
	if (error) {
		(void)!asprintf(ret_error,
		                "%s/%s: no room for a trace: %s; free some, or name another place with -o",
		                settings->folder, TRACE_RUN_FILE_NAME, strerror(error));
		return false;
	}
	void *mapping = mmap(NULL, TRACE_RUN_FILE_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapping == MAP_FAILED) {
		(void)!asprintf(ret_error, "%s/%s cannot be mapped: %s; name another place with -o",
		                settings->folder, TRACE_RUN_FILE_NAME, strerror(errno));
		return false;
	}
	run_file->run = mapping;
	fill_header(run_file->run, settings);
	return true;
}

bool run_file_create(struct run_file *run_file, const struct run_file_settings *settings, char **ret_error)
{
	*run_file = (struct run_file){.folder_fd = -1, .file_fd = -1};
	run_file->folder = strdup(settings->folder);
	run_file->folder_fd = open_folder(settings, &run_file->made_folder, ret_error);
	if (run_file->folder_fd < 0) {
		run_file_release(run_file);
		return false;
	}
	if (run_file->made_folder)
		fchmod(run_file->folder_fd, 0700);
	if (create_file(run_file, settings, ret_error))
		return true;
	if (run_file->file_fd >= 0)
		unlinkat(run_file->folder_fd, TRACE_RUN_FILE_NAME, 0);
	if (run_file->made_folder)
		rmdir(settings->folder);
	run_file_release(run_file);
	return false;
}

void run_file_end(struct run_file *run_file, int exit_code, int exit_signal)
{
	struct trace_run *run = run_file->run;

	run->exit_code = exit_code;
	run->exit_signal = exit_signal;
	run->ended_ns = clock_ns(CLOCK_MONOTONIC);
	__atomic_store_n(&run->ended, 1, __ATOMIC_RELEASE);
}

void run_file_discard(struct run_file *run_file)
{
	struct folder_contents contents;

	read_folder(run_file->folder_fd, true, &contents);
	if (run_file->made_folder)
		rmdir(run_file->folder);
}

void run_file_release(struct run_file *run_file)
{
	if (run_file->run)
		munmap(run_file->run, TRACE_RUN_FILE_SIZE_BYTES);
	if (run_file->folder && run_file->file_fd >= 0)
		close(run_file->file_fd);
	if (run_file->folder && run_file->folder_fd >= 0)
		close(run_file->folder_fd);
	free(run_file->folder);
	*run_file = (struct run_file){.folder_fd = -1, .file_fd = -1};
}
