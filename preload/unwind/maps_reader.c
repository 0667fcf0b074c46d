#include "maps_reader.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "raw_syscall.h"

static bool is_error(long result)
{
	return result < 0 && result > -4096;
}

bool maps_reader_open(struct maps_reader *reader)
{
	long fd = raw_syscall3(SYS_openat, AT_FDCWD, (long)"/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (is_error(fd))
		return false;
	long memory = raw_syscall6(SYS_mmap, 0, MAPS_READER_BUFFER_SIZE_BYTES, PROT_READ | PROT_WRITE,
	                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (is_error(memory)) {
		raw_syscall1(SYS_close, fd);
		return false;
	}
	*reader = (struct maps_reader){.fd = fd, .buffer = (char *)memory};
	return true;
}

void maps_reader_close(struct maps_reader *reader)
{
	raw_syscall2(SYS_munmap, (long)reader->buffer, MAPS_READER_BUFFER_SIZE_BYTES);
	raw_syscall1(SYS_close, reader->fd);
}

/* Keeps the unread text and appends what the kernel has next. */
static void fill(struct maps_reader *reader)
{
	uint32_t unread = reader->filled - reader->next;
	memmove(reader->buffer, reader->buffer + reader->next, unread);
	reader->next = 0;
	reader->filled = unread;
	long count = raw_syscall3(SYS_read, reader->fd, (long)(reader->buffer + unread),
	                          MAPS_READER_BUFFER_SIZE_BYTES - 1 - unread);
	if (count > 0)
		reader->filled += (uint32_t)count;
	else if (count != -4 /* EINTR */)
		reader->at_end = true;
}

/* The next line, its newline replaced by NUL; NULL at the end. A line that fills the whole buffer, which no
 * kernel writes (paths end at PAGE_SIZE), is given in pieces. */
static char *next_line(struct maps_reader *reader)
{
	for (;;) {
		uint32_t unread = reader->filled - reader->next;
		char *start = reader->buffer + reader->next;
		char *newline = memchr(start, '\n', unread);
		bool full = reader->next == 0 && unread == MAPS_READER_BUFFER_SIZE_BYTES - 1;
		if (!newline && unread && (reader->at_end || full))
			newline = start + unread;
		if (newline) {
			*newline = 0;
			reader->next = (uint32_t)(newline - reader->buffer) + 1;
			if (reader->next > reader->filled)
				reader->next = reader->filled;
			return start;
		}
		if (reader->at_end)
			return NULL;
		fill(reader);
	}
}

static const char *parse_number(const char *text, unsigned base, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (;; text++) {
		unsigned digit = *text >= 'a' ? (unsigned)(*text - 'a') + 10 : (unsigned)(*text - '0');
		if (*text == ':') /* would pass for the digit after 9 */
			break;
		if (digit >= base)
			break;
		value = value * base + digit;
	}
	*ret_value = value;
	return text;
}

/* start-end rwxp offset major:minor inode   path */
static bool parse_line(const char *line, struct maps_entry *ret_entry)
{
	uint64_t device;
	const char *at = parse_number(line, 16, &ret_entry->start);
	if (*at++ != '-')
		return false;
	at = parse_number(at, 16, &ret_entry->end);
	if (at[0] != ' ' || !at[1] || !at[2] || !at[3] || !at[4] || at[5] != ' ')
		return false;
	ret_entry->readable = at[1] == 'r';
	ret_entry->executable = at[3] == 'x';
	ret_entry->shared = at[4] == 's';
	at = parse_number(at + 6, 16, &ret_entry->file_offset);
	if (*at++ != ' ')
		return false;
	at = parse_number(at, 16, &device);
	if (*at++ != ':')
		return false;
	at = parse_number(at, 16, &device);
	if (*at++ != ' ')
		return false;
	at = parse_number(at, 10, &ret_entry->inode);
	while (*at == ' ')
		at++;
	ret_entry->path = at;
	return true;
}

bool maps_reader_next(struct maps_reader *reader, struct maps_entry *ret_entry)
{
	char *line;
	while ((line = next_line(reader)))
		if (parse_line(line, ret_entry))
			return true;
	return false;
}
