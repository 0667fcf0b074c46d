/* Calls after which the trace's folder can no longer be reached: the image's file is opened before them. */
#include "hook.h"
#include "trace_writer.h"

static void before_confinement(void)
{
	if (hook_thread() && !process_is_child())
		trace_writer_open_image();
}

HOOK_EXPORT int chroot(const char *path)
{
	before_confinement();
	return real.chroot(path);
}

HOOK_EXPORT int setuid(uid_t uid)
{
	before_confinement();
	return real.setuid(uid);
}

HOOK_EXPORT int seteuid(uid_t uid)
{
	before_confinement();
	return real.seteuid(uid);
}

HOOK_EXPORT int setreuid(uid_t ruid, uid_t euid)
{
	before_confinement();
	return real.setreuid(ruid, euid);
}

HOOK_EXPORT int setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	before_confinement();
	return real.setresuid(ruid, euid, suid);
}
