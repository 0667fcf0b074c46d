/* The exec family and posix_spawn: the program goes on to its end or its next image; what is noted is an
 * image that the library will not be in. All of it may run in a vfork child, on the parent's memory. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include "exec_note.h"
#include "hook.h"
#include "luck_check.h"

/* Comes back only if it failed: then the child runs on. */
#define RETURN_EXEC(original)                                                                                \
	bool begun = luck_check_exec_begins();                                                               \
	int result = original;                                                                               \
	luck_check_exec_failed(begun);                                                                       \
	return result

HOOK_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	exec_note(path, envp, false);
	RETURN_EXEC(real.execve(path, argv, envp));
}

HOOK_EXPORT int execv(const char *path, char *const argv[])
{
	exec_note(path, environ, false);
	RETURN_EXEC(real.execv(path, argv));
}

HOOK_EXPORT int execvp(const char *file, char *const argv[])
{
	exec_note(file, environ, true);
	RETURN_EXEC(real.execvp(file, argv));
}

HOOK_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	exec_note(file, envp, true);
	RETURN_EXEC(real.execvpe(file, argv, envp));
}

HOOK_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	exec_note_fd(fd, envp);
	RETURN_EXEC(real.fexecve(fd, argv, envp));
}

HOOK_EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	if ((flags & AT_EMPTY_PATH) && !*path)
		exec_note_fd(dir, envp);
	else
		exec_note_at(dir, path, envp);
	RETURN_EXEC(real.execveat(dir, path, argv, envp, flags));
}

HOOK_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *f,
                            const posix_spawnattr_t *a, char *const argv[], char *const envp[])
{
	exec_note(path, envp, false);
	return real.posix_spawn(pid, path, f, a, argv, envp);
}

HOOK_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *f,
                             const posix_spawnattr_t *a, char *const argv[], char *const envp[])
{
	exec_note(file, envp, true);
	return real.posix_spawnp(pid, file, f, a, argv, envp);
}

/* The list forms, made into the vector forms on the stack as libc does it. */
static size_t count_list(const char *first, va_list list)
{
	size_t count = first ? 1 : 0;
	while (count && va_arg(list, const char *))
		count++;
	return count;
}

static void fill_vector(char **ret_argv, size_t count, const char *first, va_list list)
{
	ret_argv[0] = (char *)(uintptr_t)first;
	for (size_t i = 1; i <= count; i++)
		ret_argv[i] = va_arg(list, char *);
}

#define VECTOR_OF_LIST(argv, first, ...)                                                                     \
	va_list list;                                                                                        \
	va_start(list, first);                                                                               \
	size_t count = count_list(first, list);                                                              \
	va_end(list);                                                                                        \
	char *argv[count + 1];                                                                               \
	va_start(list, first);                                                                               \
	fill_vector(argv, count, first, list);                                                               \
	__VA_ARGS__                                                                                          \
	va_end(list)

HOOK_EXPORT int execl(const char *path, const char *arg, ...)
{
	VECTOR_OF_LIST(argv, arg, );
	return execv(path, argv);
}

HOOK_EXPORT int execlp(const char *file, const char *arg, ...)
{
	VECTOR_OF_LIST(argv, arg, );
	return execvp(file, argv);
}

HOOK_EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	VECTOR_OF_LIST(argv, arg, envp = va_arg(list, char *const *););
	return execve(path, argv, envp);
}
