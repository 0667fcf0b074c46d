#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target_check.h"

static char base[] = "/tmp/afterfork-test-target-XXXXXX";

static void make_base(void)
{
	cr_assert_not_null(mkdtemp(base));
	cr_assert_eq(chmod(base, 0755), 0);
	setenv("PATH", base, 1);
}

static void remove_base(void)
{
	char shell[128];

	snprintf(shell, sizeof(shell), "/bin/rm -rf %s", base);
	cr_assert_eq(system(shell), 0);
}

TestSuite(target_check, .init = make_base, .fini = remove_base);

/* Returned in static memory, overwritten by the next call. */
static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void put_file(const char *name, const void *bytes, size_t size_bytes, mode_t mode)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0700);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, size_bytes), (ssize_t)size_bytes);
	close(fd);
	cr_assert_eq(chmod(path_of(name), mode), 0);
}

static void put_text(const char *name, const char *text)
{
	put_file(name, text, strlen(text), 0755);
}

struct program {
	ElfW(Ehdr) header;
	ElfW(Phdr) segment;
	char interpreter[64];
};

/* The head of a program for this machine that asks for the loader of this very test. */
static struct program program_head(const char *interpreter)
{
	struct program program = {0};
	int fd = open("/proc/self/exe", O_RDONLY);

	cr_assert_eq(pread(fd, &program.header, sizeof(program.header), 0), (ssize_t)sizeof(program.header));
	close(fd);
	program.header.e_phoff = offsetof(struct program, segment);
	program.header.e_phentsize = sizeof(program.segment);
	program.header.e_phnum = 1;
	program.segment.p_type = interpreter ? PT_INTERP : PT_LOAD;
	program.segment.p_offset = offsetof(struct program, interpreter);
	if (interpreter) {
		snprintf(program.interpreter, sizeof(program.interpreter), "%s", interpreter);
		program.segment.p_filesz = strlen(interpreter) + 1;
	}
	return program;
}

static void put_program(const char *name, const char *interpreter)
{
	struct program program = program_head(interpreter);

	put_file(name, &program, sizeof(program), 0755);
}

static void expect(const char *command, enum target_state state, const char *error_part)
{
	struct target target;

	target_check(&target, command);
	cr_assert_eq(target.state, state, "%s: state %d, %s", command, target.state, target.error);
	if (error_part)
		cr_assert(target.error && strstr(target.error, error_part), "%s: %s", command, target.error);
	else
		cr_assert_null(target.error);
	target_release(&target);
}

Test(target_check, takes_a_dynamic_program_and_tells_its_machine)
{
	struct target target;

	target_check(&target, "/bin/true");
	cr_assert_eq(target.state, TARGET_COVERED);
	cr_assert_str_eq(target.path, "/bin/true");
	cr_assert_eq(target.machine, program_head(NULL).header.e_machine);
	target_release(&target);
}

Test(target_check, searches_path_in_its_order)
{
	struct target target;
	char search[256];

	snprintf(search, sizeof(search), "%s/first:%s", base, base);
	setenv("PATH", search, 1);
	cr_assert_eq(mkdir(path_of("first"), 0755), 0);
	put_text("tool", "#!/bin/sh\n");
	put_text("first/tool", "#!/bin/sh\n");
	target_check(&target, "tool");
	cr_assert_eq(target.state, TARGET_COVERED);
	cr_assert_str_eq(target.path, path_of("first/tool"));
	target_release(&target);
}

Test(target_check, goes_on_in_path_behind_a_file_that_is_not_executable)
{
	struct target target;
	char search[256];

	snprintf(search, sizeof(search), "%s/first:%s", base, base);
	setenv("PATH", search, 1);
	cr_assert_eq(mkdir(path_of("first"), 0755), 0);
	put_file("first/tool", "x", 1, 0644);
	put_text("tool", "#!/bin/sh\n");
	target_check(&target, "tool");
	cr_assert_eq(target.state, TARGET_COVERED);
	cr_assert_str_eq(target.path, path_of("tool"));
	target_release(&target);
}

Test(target_check, takes_an_empty_element_of_path_as_the_current_folder)
{
	struct target target;

	setenv("PATH", ":/nowhere", 1);
	put_text("tool", "#!/bin/sh\n");
	cr_assert_eq(chdir(base), 0);
	target_check(&target, "tool");
	cr_assert_eq(target.state, TARGET_COVERED);
	cr_assert_str_eq(target.path, "tool");
	target_release(&target);
}

Test(target_check, tells_missing_from_not_executable)
{
	put_file("data", "x", 1, 0644);
	expect("nosuch", TARGET_NOT_FOUND, "nosuch: no such command in PATH");
	expect("", TARGET_NOT_FOUND, "no such file");
	expect("/nosuch/tool", TARGET_NOT_FOUND, "/nosuch/tool: no such file");
	expect("data", TARGET_NOT_EXECUTABLE, "data cannot be executed: Permission denied");
	expect(path_of("data"), TARGET_NOT_EXECUTABLE, "data cannot be executed: Permission denied");
	expect(base, TARGET_NOT_EXECUTABLE, "is a folder, not a program");
}

Test(target_check, follows_script_lines)
{
	char script[256];

	put_text("one", "#! /bin/sh -e\n");
	snprintf(script, sizeof(script), "#!%s\n", path_of("one"));
	put_text("two", script);
	expect("two", TARGET_COVERED, NULL);
	put_text("bare", "echo no line\n");
	expect("bare", TARGET_COVERED, NULL);
	put_text("empty", "");
	expect("empty", TARGET_COVERED, NULL);
}

Test(target_check, refuses_a_script_without_its_interpreter)
{
	put_text("lost", "#!/nowhere/perl\n");
	expect("lost", TARGET_NOT_FOUND,
	       "lost: its interpreter /nowhere/perl cannot be run: No such file or directory");
}

Test(target_check, ends_at_scripts_that_name_each_other)
{
	char script[256];

	snprintf(script, sizeof(script), "#!%s\n", path_of("loop"));
	put_text("loop", script);
	expect("loop", TARGET_NOT_EXECUTABLE, "Too many levels of symbolic links");
}

Test(target_check, refuses_static_programs)
{
	put_program("static", NULL);
	expect("static", TARGET_NOT_COVERED, "is statically linked");
}

Test(target_check, refuses_a_script_with_a_static_interpreter)
{
	char script[256];

	put_program("static", NULL);
	snprintf(script, sizeof(script), "#!%s\n", path_of("static"));
	put_text("script", script);
	expect("script", TARGET_NOT_COVERED, "static is statically linked");
}

Test(target_check, refuses_other_libraries)
{
	put_program("musl", "/lib/ld-musl-x86_64.so.1");
	expect("musl", TARGET_NOT_COVERED, "musl uses musl, and the library is made for glibc");
	put_program("bionic", "/system/bin/linker64");
	expect("bionic", TARGET_NOT_COVERED, "bionic uses Android's libc");
}

Test(target_check, refuses_a_program_without_its_loader)
{
	put_program("lost", "/nowhere/ld-linux.so.9");
	expect("lost", TARGET_NOT_FOUND, "its program interpreter /nowhere/ld-linux.so.9 is missing");
}

Test(target_check, refuses_other_processors)
{
	struct program program = program_head("/lib64/ld-linux-x86-64.so.2");

	program.header.e_machine = EM_S390;
	put_file("mainframe", &program, sizeof(program), 0755);
	expect("mainframe", TARGET_NOT_COVERED, "mainframe is made for another processor (ELF machine 22");
}

Test(target_check, refuses_other_word_sizes)
{
	struct program program = program_head("/lib/ld-linux.so.2");

	program.header.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64;
	put_file("small", &program, sizeof(program), 0755);
	expect("small", TARGET_NOT_COVERED,
	       sizeof(void *) == 8 ? "small is a 32-bit program" : "small is a 64-bit");
}

Test(target_check, takes_the_loader_itself)
{
	char *loader = realpath("/lib64/ld-linux-x86-64.so.2", NULL);

	if (!loader)
		cr_skip("no loader of that name on this machine");
	expect(loader, TARGET_COVERED, NULL);
	free(loader);
}

Test(target_check, refuses_files_that_gain_privileges)
{
	if (geteuid() != 0)
		cr_skip("only root can give a file to another user");
	put_program("setuid", "/lib64/ld-linux-x86-64.so.2");
	cr_assert_eq(chown(path_of("setuid"), 65534, 0), 0);
	cr_assert_eq(chmod(path_of("setuid"), 04755), 0);
	expect("setuid", TARGET_NOT_COVERED, "gains privileges when it starts (set-user-ID)");
	put_program("setgid", "/lib64/ld-linux-x86-64.so.2");
	cr_assert_eq(chown(path_of("setgid"), 0, 65534), 0);
	cr_assert_eq(chmod(path_of("setgid"), 02755), 0);
	expect("setgid", TARGET_NOT_COVERED, "gains privileges when it starts (set-group-ID)");
}

Test(target_check, takes_set_user_id_files_of_the_same_user)
{
	put_program("mine", "/lib64/ld-linux-x86-64.so.2");
	cr_assert_eq(chmod(path_of("mine"), 04755), 0);
	expect("mine", TARGET_COVERED, NULL);
}
