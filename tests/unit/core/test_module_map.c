/* The module map against dl_iterate_phdr, and against mappings made to mislead it. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "module_map.h"

enum { PAGE_SIZE_BYTES = 4096 };
static int own_data = 1;
#define ADDRESS(x) ((uint64_t)(uintptr_t)(x))

static void own_function(void) {}

/* A library that nothing here is linked with. */
#define OTHER_LIBRARY "libnss_compat.so.2"

static int compare_with_loader(struct dl_phdr_info *info, size_t size, void *count)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + segment->p_vaddr;
		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X)) {
			const struct module *module = module_map_find(start);
			cr_assert_not_null(module, "%s", info->dlpi_name);
			cr_expect_eq(module->bias, info->dlpi_addr);
			cr_expect_eq(module->exec_start, start);
			cr_expect_eq(module->exec_end, start + segment->p_memsz);
			++*(unsigned *)count;
		}
		if (segment->p_type == PT_GNU_EH_FRAME) {
			const struct module *module = module_map_find(start);
			cr_assert_not_null(module, "%s", info->dlpi_name);
			cr_expect_eq(module->eh_frame_hdr, start);
			cr_expect_eq(module->eh_frame_hdr_size, segment->p_memsz);
			cr_expect_leq(module->unwind_start, start);
			cr_expect_geq(module->unwind_end, start + segment->p_memsz);
		}
	}
	return 0;
}

Test(module_map, agrees_with_the_dynamic_loader)
{
	unsigned count = 0;
	cr_assert(module_map_refresh());
	dl_iterate_phdr(compare_with_loader, &count);
	cr_expect_geq(count, 4, "executable, libc, loader and vDSO at least, not %u", count);
}

Test(module_map, names_the_executable_and_its_data)
{
	char path[4096] = "";
	cr_assert_geq(readlink("/proc/self/exe", path, sizeof path - 1), 0);
	cr_assert(module_map_refresh());
	const struct module *module = module_map_find(ADDRESS(own_function));
	cr_assert_not_null(module);
	cr_expect_str_eq(module->path, path);
	cr_expect_eq(module_map_find_data(ADDRESS(&own_data)), module);
	cr_expect_null(module_map_find_data(ADDRESS(arena_alloc(64))));
	cr_expect_null(module_map_find(1));
}

Test(module_map, finds_the_vdso)
{
	cr_assert(module_map_refresh());
	uint64_t start = getauxval(AT_SYSINFO_EHDR);
	cr_assert_neq(start, 0, "this kernel gives no vDSO");
	const struct module *module = module_map_find(start);
	cr_assert_not_null(module);
	cr_expect_eq(module->start, start);
	cr_expect_str_eq(module->path, "[vdso]");
}

static int find_build_id(struct dl_phdr_info *info, size_t size, void *ret_note)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum && strstr(info->dlpi_name, "libc.so"); i++) {
		const char *at = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
		const char *end = at + info->dlpi_phdr[i].p_memsz;
		while (info->dlpi_phdr[i].p_type == PT_NOTE && at < end) {
			const ElfW(Nhdr) *note = (const void *)at;
			if (note->n_type == NT_GNU_BUILD_ID)
				*(const ElfW(Nhdr) **)ret_note = note;
			at += sizeof *note + ((note->n_namesz + 3) & ~3u) + ((note->n_descsz + 3) & ~3u);
		}
	}
	return 0;
}

Test(module_map, reads_the_build_id)
{
	const ElfW(Nhdr) *note = NULL;
	dl_iterate_phdr(find_build_id, &note);
	cr_assert_not_null(note);
	cr_assert(module_map_refresh());
	const struct module *module = module_map_find(ADDRESS(&getppid));
	cr_assert_not_null(module);
	cr_assert_eq(module->build_id_size, note->n_descsz);
	cr_expect_arr_eq(module->build_id, (const char *)(note + 1) + 4, note->n_descsz);
}

Test(module_map, learns_of_a_loaded_library_when_asked_and_forgets_it_when_told)
{
	cr_assert(module_map_refresh());
	void *library = dlopen(OTHER_LIBRARY, RTLD_NOW);
	cr_assert_not_null(library, "%s", dlerror());
	uint64_t address = ADDRESS(dlsym(library, "_nss_compat_setpwent"));
	cr_expect_null(module_map_find(address));
	const struct module *module = module_map_find_or_refresh(address);
	cr_assert_not_null(module);
	cr_expect_not_null(strstr(module->path, OTHER_LIBRARY));
	const struct module *libc = module_map_find(ADDRESS(&getppid));
	dlclose(library);
	module_map_invalidate();
	cr_expect_null(module_map_find(address));
	cr_expect_eq(module_map_find(ADDRESS(&getppid)), libc, "unchanged modules keep their place");
}

static void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	ssize_t count;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0700);
	cr_assert(in >= 0 && out >= 0, "%s to %s", from, to);
	while ((count = read(in, bytes, sizeof bytes)) > 0)
		cr_assert_eq(write(out, bytes, (size_t)count), count);
	close(in);
	close(out);
}

Test(module_map, keeps_the_path_of_an_unlinked_file_with_spaces_and_newline)
{
	char folder[] = "/tmp/afterfork-test-XXXXXX", path[128];
	struct link_map *map;
	void *original = dlopen(OTHER_LIBRARY, RTLD_NOW);
	cr_assert_not_null(original, "%s", dlerror());
	cr_assert_eq(dlinfo(original, RTLD_DI_LINKMAP, &map), 0);
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/a b\nc (x).so", folder);
	copy_file(map->l_name, path);
	void *library = dlopen(path, RTLD_NOW);
	unlink(path);
	rmdir(folder);
	cr_assert_not_null(library, "%s", dlerror());
	const struct module *module =
	    module_map_find_or_refresh(ADDRESS(dlsym(library, "_nss_compat_setpwent")));
	cr_assert_not_null(module);
	cr_expect_str_eq(module->path, path);
}

Test(module_map, takes_no_file_that_is_mapped_as_data_for_a_module)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat status;
	cr_assert(fd >= 0 && fstat(fd, &status) == 0);
	char *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	cr_assert_neq(data, MAP_FAILED);
	cr_assert(module_map_refresh());
	cr_expect_null(module_map_find(ADDRESS(data)));
	cr_expect_not_null(module_map_find(ADDRESS(own_function)));
}

/* One page of ELF header, executable. */
static int make_tiny_module(void)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
	} file = {
	    .header = {.e_ident = ELFMAG "\2\1\1",
	               .e_machine = EM_X86_64,
	               .e_phnum = 1,
	               .e_phoff = sizeof(Elf64_Ehdr),
	               .e_phentsize = sizeof(Elf64_Phdr)},
	    .segment = {.p_type = PT_LOAD,
	                .p_flags = PF_R | PF_X,
	                .p_filesz = PAGE_SIZE_BYTES,
	                .p_memsz = PAGE_SIZE_BYTES},
	};
	int fd = memfd_create("tiny", MFD_CLOEXEC);
	cr_assert(fd >= 0 && ftruncate(fd, PAGE_SIZE_BYTES) == 0);
	cr_assert_eq(write(fd, &file, sizeof file), (ssize_t)sizeof file);
	return fd;
}

static char *map_tiny_module(int fd)
{
	char *start = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	cr_assert_neq(start, MAP_FAILED);
	return start;
}

Test(module_map, copes_with_thousands_of_modules)
{
	enum { COUNT = 3000 };
	static char *start[COUNT];
	int fd = make_tiny_module();
	for (int i = 0; i < COUNT; i++)
		start[i] = map_tiny_module(fd);
	cr_assert(module_map_refresh());
	for (int i = 0; i < COUNT; i++) {
		const struct module *module = module_map_find(ADDRESS(start[i]) + PAGE_SIZE_BYTES - 1);
		cr_assert_not_null(module, "module %d", i);
		cr_assert_eq(module->start, ADDRESS(start[i]));
		cr_assert_eq(module->end, ADDRESS(start[i]) + PAGE_SIZE_BYTES);
		cr_assert_eq(module->eh_frame_hdr, 0);
		cr_assert_str_eq(module->path, "/memfd:tiny");
	}
}

Test(module_map, reads_the_map_for_unknown_code_only_until_the_limit)
{
	cr_assert(module_map_refresh());
	int fd = make_tiny_module();
	for (int i = 0; i < 1000; i++)
		cr_assert_null(module_map_find_or_refresh(16 + (uint64_t)i));
	char *late = map_tiny_module(fd);
	cr_expect_null(module_map_find_or_refresh(ADDRESS(late)));
	cr_assert(module_map_refresh());
	cr_expect_not_null(module_map_find_or_refresh(ADDRESS(late)));
}

Test(module_map, does_not_read_again_for_code_of_a_jit_compiler)
{
	char *code = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(code, MAP_FAILED);
	cr_assert(module_map_refresh());
	for (int i = 0; i < 2000; i++)
		cr_assert_null(module_map_find_or_refresh(ADDRESS(code) + (uint64_t)i));
	char *module = map_tiny_module(make_tiny_module());
	cr_expect_not_null(module_map_find_or_refresh(ADDRESS(module)), "the limit was used up");
}

Test(module_map, tells_shared_from_private_mappings)
{
	char *shared = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *private = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert(shared != MAP_FAILED && private != MAP_FAILED);
	cr_expect_eq(module_map_sharing(ADDRESS(shared)), MAPPING_SHARED);
	cr_expect_eq(module_map_sharing(ADDRESS(shared) + PAGE_SIZE_BYTES - 1), MAPPING_SHARED);
	cr_expect_eq(module_map_sharing(ADDRESS(private)), MAPPING_PRIVATE);
	cr_expect_eq(module_map_sharing(ADDRESS(&own_data)), MAPPING_PRIVATE);
	munmap(shared, PAGE_SIZE_BYTES);
	cr_expect_eq(module_map_sharing(ADDRESS(shared)), MAPPING_UNKNOWN);
}

Test(module_map, reads_nothing_once_sealed)
{
	cr_assert(module_map_refresh());
	module_map_seal(true);
	char *module = map_tiny_module(make_tiny_module());
	cr_expect_not(module_map_refresh());
	cr_expect_null(module_map_find_or_refresh(ADDRESS(module)));
	cr_expect_not_null(module_map_find(ADDRESS(own_function)));
	cr_expect_eq(module_map_sharing(ADDRESS(&own_data)), MAPPING_UNKNOWN);
	module_map_invalidate();
	cr_expect_null(module_map_find(ADDRESS(own_function)), "what may be gone is not to be read");
}

static _Atomic bool stop_refreshing;
static _Atomic unsigned refreshes;
static void *refresh_repeatedly(void *unused)
{
	(void)unused;
	while (!atomic_load(&stop_refreshing)) {
		module_map_refresh();
		atomic_fetch_add(&refreshes, 1);
	}
	return NULL;
}

/* A fork that catches the other thread in the middle of a refresh, which some of these do. */
Test(module_map, forked_child_reads_the_map_though_its_reader_vanished)
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, refresh_repeatedly, NULL), 0);
	while (!atomic_load(&refreshes))
		;
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();
		if (!child) {
			module_map_child();
			bool done = module_map_refresh() && module_map_find(ADDRESS(own_function));
			_exit(done ? 0 : 1);
		}
		int status;
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(status, 0);
		cr_assert_not_null(module_map_find(ADDRESS(own_function)));
	}
	atomic_store(&stop_refreshing, true);
	pthread_join(thread, NULL);
}

/* --- the arena that all this stands on --- */

static void *allocate_many(void *unused)
{
	(void)unused;
	enum { COUNT = 20000 };
	uint64_t **blocks = calloc(COUNT, sizeof *blocks);
	uintptr_t wrong = 0;
	for (uint64_t i = 0; i < COUNT; i++) {
		blocks[i] = arena_alloc(8 + i % 300);
		wrong += !blocks[i] || ADDRESS(blocks[i]) % 64 || *blocks[i];
		*blocks[i] = ADDRESS(&blocks[i]);
	}
	for (uint64_t i = 0; i < COUNT; i++)
		wrong += *blocks[i] != ADDRESS(&blocks[i]);
	free(blocks);
	return (void *)wrong;
}

Test(arena, gives_racing_threads_zeroed_aligned_blocks_of_their_own)
{
	pthread_t thread[4];
	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, allocate_many, NULL), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;
		pthread_join(thread[i], &wrong);
		cr_expect_null(wrong);
	}
}

Test(arena, gives_large_blocks_and_refuses_impossible_ones)
{
	char *large = arena_alloc(5 << 20);
	cr_assert_not_null(large);
	large[0] = large[(5 << 20) - 1] = 1;
	cr_expect_null(arena_alloc(SIZE_MAX));
	cr_expect_null(arena_alloc(SIZE_MAX / 2));
}
