#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core_fixture.h"
#include "own_memory.h"

/* As the filter of a container does. */
static void refuse(unsigned call, unsigned error)
{
	struct sock_filter rules[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(rules) / sizeof(*rules), rules};

	cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	cr_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void check_reads(void)
{
	int there = 7, copy = 0, next_fd;
	void *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	core_start();
	next_fd = dup(STDERR_FILENO);
	cr_assert(gone != MAP_FAILED && munmap(gone, 4096) == 0);
	cr_assert(own_memory_read((uintptr_t)&there, &copy, sizeof(copy)));
	cr_assert_eq(copy, 7);
	cr_assert_not(own_memory_read((uintptr_t)gone, &copy, sizeof(copy)));
	cr_assert_eq(dup(STDERR_FILENO), next_fd + 1, "a descriptor was left open");
}

Test(own_memory, is_read_unless_it_is_gone)
{
	check_reads();
}

Test(own_memory, is_read_where_a_filter_refuses_the_call)
{
	refuse(SYS_process_vm_readv, EPERM);
	check_reads();
}

Test(own_memory, is_read_where_the_call_does_not_exist)
{
	refuse(SYS_process_vm_readv, ENOSYS);
	check_reads();
}
