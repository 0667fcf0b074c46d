#include "machine.h"

#include <stddef.h>

static const struct {
	uint32_t machine;
	const char *name;
} names[] = {
    {EM_386, "i386"},      {EM_ARM, "arm"},    {EM_X86_64, "x86-64"},
    {EM_PPC64, "ppc64le"}, {EM_S390, "s390x"}, {EM_AARCH64, "aarch64"},
    {EM_RISCV, "riscv"},   {EM_MIPS, "mips"},  {EM_LOONGARCH, "loongarch"},
};

const char *machine_name(uint32_t machine)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "unknown";
}
