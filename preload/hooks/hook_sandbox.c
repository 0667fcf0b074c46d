/* Calls after which the trace's folder, or /proc, can no longer be reached: the image's file is opened and
 * the map of modules read before them. */
#include <stdatomic.h>

#include "clock.h"
#include "hook.h"
#include "module_map.h"
#include "trace_writer.h"

/* Some programs change their user id for each request: reading the map may take 3 % of their time. */
static void refresh_now_and_then(void)
{
	enum { PAUSE_FACTOR = 32 };
	static _Atomic uint64_t next_ns;
	uint64_t begin_ns = clock_now_ns();
	if (begin_ns < atomic_load(&next_ns))
		return;
	module_map_refresh();
	uint64_t end_ns = clock_now_ns();
	atomic_store(&next_ns, end_ns + PAUSE_FACTOR * (end_ns - begin_ns));
}

void hook_before_confinement(void)
{
	if (!hook_thread() || process_is_child() || trace_writer_is_sealed())
		return;
	trace_writer_open_image_early();
	refresh_now_and_then();
}

bool hook_seal(void)
{
	bool was_sealed = trace_writer_is_sealed();
	if (hook_thread()) {
		trace_writer_open_image_early();
		trace_writer_seal(true);
	}
	return was_sealed;
}

void hook_unseal(bool was_sealed)
{
	if (!was_sealed)
		trace_writer_seal(false);
}

HOOK_EXPORT int chroot(const char *path)
{
	hook_before_confinement();
	return real.chroot(path);
}

HOOK_EXPORT int setuid(uid_t uid)
{
	hook_before_confinement();
	return real.setuid(uid);
}

HOOK_EXPORT int seteuid(uid_t uid)
{
	hook_before_confinement();
	return real.seteuid(uid);
}

HOOK_EXPORT int setreuid(uid_t ruid, uid_t euid)
{
	hook_before_confinement();
	return real.setreuid(ruid, euid);
}

HOOK_EXPORT int setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	hook_before_confinement();
	return real.setresuid(ruid, euid, suid);
}
