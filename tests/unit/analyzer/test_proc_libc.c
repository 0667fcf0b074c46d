#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proc_libc.h"

static bool libc_owns(const void *address)
{
	return proc_libc_owns(getpid(), (uint64_t)(uintptr_t)address);
}

Test(proc_libc, knows_libc_s_data)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW), *loader_data = dlsym(RTLD_DEFAULT, "_rtld_global");

	cr_assert(libc && loader_data);
	cr_assert(libc_owns(stdout), "initialised data");
	cr_assert(libc_owns(dlsym(libc, "__environ")), "zero-initialised data");
	cr_assert(libc_owns(loader_data));
}

Test(proc_libc, takes_nothing_else_for_it)
{
	static int own;
	int local;
	int *heap = malloc(sizeof(*heap));
	void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *anonymous = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_not(libc_owns(&own));
	cr_assert_not(libc_owns(&local));
	cr_assert_not(libc_owns(heap));
	cr_assert_not(libc_owns(shared));
	cr_assert_not(libc_owns(anonymous));
	cr_assert_not(libc_owns((void *)(uintptr_t)printf), "code");
	cr_assert_not(libc_owns(NULL));
	free(heap);
}
