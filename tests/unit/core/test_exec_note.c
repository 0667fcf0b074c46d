/* What is said of programs that the library will not be in. */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "core_fixture.h"
#include "exec_note.h"
#include "notice.h"
#include "trace_file.h"
#include "trace_writer.h"

static char *covered[] = {"LD_PRELOAD=/opt/lib/libafterfork.so", "PATH=/bin", NULL};
static char *bare[] = {"PATH=/bin", NULL};

/* A run that a supervisor watches: its folder is there. */
static void start(void)
{
	struct trace_run *run = NULL;

	cr_assert_eq(trace_file_make_folder(core_trace_folder()), 0);
	cr_assert_eq(trace_file_create_run(core_trace_folder(), TRACE_RUN_FILE_SIZE_BYTES, &run), 0);
	config.trace_folder = core_trace_folder();
	core_start();
}

TestSuite(exec_note, .init = start);

static unsigned count_notices(uint32_t kind, const char *path)
{
	const struct trace_record *record;
	uint64_t position = 0;
	unsigned count = 0;

	while ((record = trace_writer_next(&trace_writer_run()->file, &position))) {
		const struct trace_notice *notice = (const struct trace_notice *)record;

		cr_assert_eq(record->type, TRACE_RECORD_NOTICE);
		count += notice->kind == kind && strcmp((const char *)(notice + 1), path) == 0;
	}
	return count;
}

/* One that asks for that loader; NULL: for none. */
static const char *write_program(const char *name, const char *interpreter, uint16_t machine)
{
	static char path[256];
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		char interpreter[64];
	} program = {.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
	                        .e_machine = machine,
	                        .e_phoff = sizeof(Elf64_Ehdr),
	                        .e_phnum = interpreter ? 1 : 0},
	             .segment = {.p_type = PT_INTERP, .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr)}};

	snprintf(program.interpreter, sizeof program.interpreter, "%s", interpreter ? interpreter : "");
	snprintf(path, sizeof path, "%s/%s", core_folder(), name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	cr_assert_eq(write(fd, &program, sizeof program), sizeof program);
	close(fd);
	return path;
}

static const char *ordinary(void)
{
	return write_program("ordinary", "/lib64/ld-linux-x86-64.so.2", EM_X86_64);
}

Test(exec_note, says_nothing_of_a_program_that_takes_the_library)
{
	exec_note(ordinary(), covered, false);
	cr_assert_eq(trace_writer_run()->file.tail_bytes, TRACE_HEADER_SIZE_BYTES);
	cr_assert_eq(trace_writer_run()->execs_uncovered, 0);
}

Test(exec_note, tells_an_environment_without_the_library)
{
	const char *path = ordinary();

	exec_note(path, bare, false);
	cr_assert_eq(count_notices(TRACE_NOTICE_EXEC_WITHOUT_LIBRARY, path), 1);
}

Test(exec_note, tells_programs_that_cannot_take_it)
{
	const char *path = write_program("static", NULL, EM_X86_64);

	exec_note(path, covered, false);
	cr_assert_eq(count_notices(TRACE_NOTICE_EXEC_STATIC, path), 1);
	path = write_program("musl", "/lib/ld-musl-x86_64.so.1", EM_X86_64);
	exec_note(path, covered, false);
	cr_assert_eq(count_notices(TRACE_NOTICE_EXEC_FOREIGN, path), 1);
	path = write_program("foreign", "/lib/ld-linux-aarch64.so.1", EM_AARCH64);
	exec_note(path, covered, false);
	cr_assert_eq(count_notices(TRACE_NOTICE_EXEC_FOREIGN, path), 1);
}

Test(exec_note, says_one_thing_once_and_counts_all)
{
	const char *path = ordinary();

	for (int i = 0; i < 5; i++)
		exec_note(path, bare, false);
	cr_assert_eq(count_notices(TRACE_NOTICE_EXEC_WITHOUT_LIBRARY, path), 1);
	cr_assert_eq(trace_writer_run()->execs_uncovered, 5);
}

Test(exec_note, says_no_more_than_a_bounded_number_of_things)
{
	enum { MORE_THAN_BOUND = 100, BOUND = 64 };
	unsigned said = 0;

	for (int i = 0; i < MORE_THAN_BOUND; i++) {
		char path[32];

		snprintf(path, sizeof path, "/program/%d", i);
		said += notice_say(TRACE_NOTICE_EXEC_STATIC, path);
	}
	cr_assert_eq(said, BOUND);
}

Test(exec_note, looks_for_a_name_where_exec_does)
{
	char path[300], *environment[] = {NULL};

	write_program("wanted", NULL, EM_X86_64);
	snprintf(path, sizeof path, "/nowhere:%s:/bin", core_folder());
	setenv("PATH", path, 1);
	exec_note("wanted", environment, true);
	snprintf(path, sizeof path, "%s/wanted", core_folder());
	cr_assert_eq(count_notices(TRACE_NOTICE_EXEC_STATIC, path), 1);
	exec_note("wanted", environment, false);
	cr_assert_eq(trace_writer_run()->execs_uncovered, 1, "without a search it is of the current folder");
}

/* To open a FIFO would block. */
Test(exec_note, opens_regular_files_only)
{
	char path[256];

	snprintf(path, sizeof path, "%s/fifo", core_folder());
	cr_assert_eq(mkfifo(path, 0700), 0);
	exec_note(path, bare, false);
	exec_note(core_folder(), bare, false);
	exec_note("/nowhere/at/all", bare, false);
	exec_note(NULL, bare, false);
	cr_assert_eq(trace_writer_run()->execs_uncovered, 0);
}

Test(exec_note, leaves_no_descriptor_open)
{
	int before = dup(0);

	close(before);
	exec_note(ordinary(), bare, false);
	exec_note_at(AT_FDCWD, ordinary(), bare);
	int after = dup(0);
	cr_assert_eq(after, before);
	cr_assert_eq(trace_writer_run()->execs_uncovered, 2);
}

Test(exec_note, keeps_silent_in_a_sandbox)
{
	trace_writer_seal(true);
	exec_note(ordinary(), bare, false);
	cr_assert_eq(trace_writer_run()->execs_uncovered, 0);
}
