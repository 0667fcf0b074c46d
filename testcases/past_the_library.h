/* Functions of libc as a program finds them that goes past every interposed one: by a handle of libc itself.
 */
#ifndef AFTERFORK_CASE_PAST_THE_LIBRARY_H
#define AFTERFORK_CASE_PAST_THE_LIBRARY_H

#include "case.h"
#include <dlfcn.h>

static inline void *past_the_library(const char *function)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), *found;

	CHECK(libc);
	found = dlsym(libc, function);
	CHECK(found);
	return found;
}

#endif
