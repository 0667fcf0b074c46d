#include "story.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* Where the parameter list of a demangled name starts; its length where it has none. */
static size_t name_length(const char *function)
{
	const char *close = strrchr(function, ')');
	int depth = 0;

	/* "(anonymous namespace)::run" ends in a name: that parenthesis is no parameter list. */
	if (!close || (close[1] && strcmp(close + 1, " const") && strncmp(close + 1, " [", 2)))
		return strlen(function);
	for (const char *at = close; at >= function; at--) {
		depth += (*at == ')') - (*at == '(');
		if (depth == 0)
			return at == function ? strlen(function) : (size_t)(at - function);
	}
	return strlen(function);
}

/* Names of template functions start with their return type: "bool std::f<int>(int)". */
static const char *without_return_type(const char *function)
{
	const char *end = function + name_length(function), *name = function;
	int depth = 0;

	for (const char *at = function; at < end; at++) {
		if (strncmp(at, "operator", strlen("operator")) == 0)
			break;
		bool is_arrow = *at == '>' && at > function && at[-1] == '-';

		depth += (strchr("<({[", *at) != NULL) - (strchr(">)}]", *at) != NULL && !is_arrow);
		if (*at == ' ' && depth == 0)
			name = at + 1;
	}
	return name;
}

void story_function(const char *function, FILE *out)
{
	const char *name = without_return_type(function);

	fprintf(out, "%.*s()", (int)(function + name_length(function) - name), name);
}

/* The C++ library's wrappers around a lock call say nothing about the program. */
static bool is_wrapper(const struct frame *frame)
{
	static const char *const prefixes[] = {"std::", "__gthread_", "__gnu_cxx::", "pthread_",
	                                       "__libc_start", "start_thread", "_start",
	                                       /* Rust's newer mangling has the type in brackets */
	                                       "<std::", "<core::", "<alloc::"};
	const char *name = frame->function ? without_return_type(frame->function) : "";

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Nor do templates of a library, where code of the program's own is further out. */
static bool is_in_header(const struct frame *frame)
{
	static const char headers[] = "/usr/include/";

	return frame->file && !strncmp(frame->file, headers, sizeof headers - 1);
}

static const struct frame *telling_frame(const struct frame_stack *stack)
{
	for (size_t i = 0; stack->count && is_in_header(&stack->frames[0]) && i < stack->count; i++)
		if (!is_wrapper(&stack->frames[i]) && !is_in_header(&stack->frames[i]) &&
		    !frame_is_libc(&stack->frames[i]) && stack->frames[i].file)
			return &stack->frames[i];
	for (size_t i = 0; i < stack->count; i++)
		if (!is_wrapper(&stack->frames[i]))
			return &stack->frames[i];
	return stack->count ? &stack->frames[0] : NULL;
}

static bool is_std_start(const struct frame *frame)
{
	return frame->function && (strstr(frame->function, "std::thread::_State_impl<") ||
	                           strstr(frame->function, "std::__1::__thread_proxy<"));
}

const char *story_std_thread_function(const struct frame_stack *stack)
{
	size_t start = stack->count, at;

	while (start > 0 && !is_std_start(&stack->frames[start - 1]))
		start--;
	for (at = start; at > 0 && is_wrapper(&stack->frames[at - 1]);)
		at--;
	/* Where the library's call of the function was inlined, the function may have been, too: then only
	 * debug information shows it. */
	if (!at || !start || (start - at == 1 && !stack->frames[at].file))
		return NULL;
	return stack->frames[at - 1].function;
}

/* "cache_fill()", "libshop.so+0x1210"; false where not even the file is known. */
static bool tell_frame(const struct frame *frame, const char *before, FILE *out)
{
	if (!frame || (!frame->function && !frame->module))
		return false;
	fputs(before, out);
	if (frame->function)
		story_function(frame->function, out);
	else
		fprintf(out, "%s+0x%" PRIx64, frame_module_base_name(frame->module), frame->offset);
	return true;
}

void story_place(const struct frame_stack *stack, FILE *out)
{
	tell_frame(telling_frame(stack), " in ", out);
}

void story_place_beyond_libc(const struct frame_stack *stack, FILE *out)
{
	struct frame_stack rest = *stack;

	while (rest.count && frame_is_libc(&rest.frames[0])) {
		rest.frames++;
		rest.count--;
	}
	story_place(rest.count ? &rest : stack, out);
}

/* Between the handler and the function that called fork there is nothing but libc and this tool's library. */
static bool is_between(const struct frame *frame)
{
	const char *name = frame->module ? frame_module_base_name(frame->module) : "";

	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-2", 6) ||
	       !strncmp(name, "libpthread", 10);
}

/* The fork handler that the victim is in, as the stacks tell; NULL: it is not inside of fork, or that is not
 * known. */
static const struct frame *fork_handler(const struct finding *finding)
{
	const struct frame_stack *stack = &finding->victim.stack, *fork = &finding->fork.stack;
	size_t caller = 0, at;

	while (fork->count && caller < stack->count && stack->frames[caller].pc != fork->frames[0].pc)
		caller++;
	if (!fork->count || caller == stack->count)
		return NULL;
	for (at = caller; at > 0 && is_between(&stack->frames[at - 1]);)
		at--;
	return at > 0 && at < caller ? &stack->frames[at - 1] : NULL;
}

void story_handler(const struct finding *finding, FILE *out)
{
	const struct frame *handler = fork_handler(finding);

	if (!handler || !tell_frame(handler, ", in the fork handler ", out))
		return;
	if (handler->function && handler->module)
		fprintf(out, " of %s", frame_module_base_name(handler->module));
	fputc(',', out);
}

/* These are made of the fork system call alone. */
static bool skips_handlers(const char *call)
{
	return call && (!strcmp(call, "_Fork") || !strcmp(call, "clone") || !strcmp(call, "syscall"));
}

static bool is_library_wait(const struct frame *frame)
{
	static const char *const kinds[] = {"std::barrier<", "std::latch::", "std::counting_semaphore<",
	                                    "std::atomic", "std::__atomic_base<"};
	const char *name = frame->function ? without_return_type(frame->function) : "";

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])))
			return true;
	return false;
}

/* The stack from the member function of the C++ library on that the program called to wait; empty: none. */
static struct frame_stack library_wait(const struct frame_stack *stack)
{
	size_t at = 0;

	while (at < stack->count && !is_library_wait(&stack->frames[at]))
		at++;
	if (at == stack->count)
		return (struct frame_stack){0};
	while (at + 1 < stack->count && is_library_wait(&stack->frames[at + 1]))
		at++;
	return (struct frame_stack){.frames = stack->frames + at, .count = stack->count - at};
}

void story_lock(const struct finding *finding, FILE *out)
{
	const struct frame_stack *initialised = &finding->lock.initialised_at;
	const struct frame_stack waited = library_wait(&finding->victim.stack);

	if (finding->lock.type && strcmp(finding->lock.type, "normal"))
		fprintf(out, "%s ", finding->lock.type);
	fputs(finding->lock.kind ? finding->lock.kind : "lock", out);
	if (finding->lock.name) {
		fprintf(out, " %s", finding->lock.name);
	} else if (initialised->count) {
		fputs(" initialised", out);
		story_place(initialised, out);
	} else if (waited.count && !finding->lock.module) {
		fputs(" of ", out);
		story_function(waited.frames[0].function, out);
		story_place(&waited, out);
	} else if (finding->lock.address_known) {
		fprintf(out, " at 0x%" PRIx64, finding->lock.address);
	}
}

void story_victim(const struct finding *finding, FILE *out)
{
	if (finding->victim.tid && finding->victim.tid != finding->victim.pid)
		fprintf(out, "thread %d of ", (int)finding->victim.tid);
	fprintf(out, "pid %d", (int)finding->victim.pid);
}

static void tell_thread(const struct finding_thread *thread, FILE *out)
{
	if (!thread->tid) {
		fputs("a thread", out);
		return;
	}
	fprintf(out, "thread %d", (int)thread->tid);
	if (thread->name)
		fprintf(out, " '%s'", thread->name);
}

void story_holder(const struct finding *finding, FILE *out)
{
	tell_thread(&finding->holder, out);
}

void story_vanished(const struct finding *finding, FILE *out)
{
	enum { NAMED_MAX = 3 };
	size_t count = finding->vanished_count < NAMED_MAX ? finding->vanished_count : NAMED_MAX;
	bool more = finding->fork.vanished_threads > count;

	for (size_t i = 0; i < count; i++) {
		const struct finding_vanished *vanished = &finding->vanished[i];

		fputs(i == 0 ? "" : i + 1 == count && !more ? " and " : ", ", out);
		tell_thread(&vanished->thread, out);
		if (vanished->doing && !strcmp(vanished->doing, "calls")) {
			fputs(" (in ", out);
			story_call(vanished->thread.acquire_call, "a call", out);
			fputc(')', out);
		}
	}
	if (count && more)
		fprintf(out, " and %u more", finding->fork.vanished_threads - (unsigned)count);
}

void story_call(const char *call, const char *otherwise, FILE *out)
{
	if (call)
		fprintf(out, "%s()", call);
	else
		fputs(otherwise, out);
}

bool story_is_libc(const struct finding *finding)
{
	return finding->lock.kind && !strcmp(finding->lock.kind, "libc");
}

void story_libc_lock(const char *call, const struct finding *finding, FILE *out)
{
	fputc(' ', out);
	story_call(call, "a function of libc", out);
	fprintf(out, ", which takes the %s of libc", finding->lock.name ? finding->lock.name : "lock");
}

void story_fork(const struct finding *finding, FILE *out)
{
	if (!tell_frame(telling_frame(&finding->fork.stack), "", out))
		fputs("the parent", out);
	if (finding->fork.call)
		fprintf(out, " called %s()", finding->fork.call);
	else
		fputs(" forked", out);
}

/* The file whose business the lock is: where it lies, else where it was made, else where it was taken. */
static const struct module_ref *module_of_lock(const struct incident *incident)
{
	if (incident->lock.module)
		return incident->lock.module;
	if (incident->lock.initialised_at.count)
		return incident->lock.initialised_at.frames[0].module;
	return incident->holder.acquired_at.count ? incident->holder.acquired_at.frames[0].module : NULL;
}

static void advise_handlers(const struct finding *finding, const struct model *model, FILE *out)
{
	const struct module_ref *module = module_of_lock(finding->incident);
	const char *name = module && module->path[0] ? frame_module_base_name(module->path) : "the program";
	size_t handlers = module ? model_atfork_of_module(model, finding->incident, module) : 0;

	if (handlers)
		fprintf(out,
		        "%s registers fork handlers, but they do not cover this lock: take it in the prepare "
		        "handler too, and release it in the parent and child handlers.",
		        name);
	else
		fprintf(out,
		        "%s registers no fork handlers: register some with pthread_atfork() that take this "
		        "lock before the fork and release it on both sides.",
		        name);
}

/* The child's unlock of such a lock is refused, since its thread has another id than the owner recorded. */
static bool checks_owner(const struct finding *finding)
{
	const char *type = finding->lock.type;

	return finding->lock.robust || finding->lock.prio_inherit ||
	       (type && (!strcmp(type, "recursive") || !strcmp(type, "errorcheck")));
}

void story_advise_libc(const struct finding *finding, const char *call, const struct frame_stack *stack,
                       FILE *out)
{
	fprintf(out, "The %s", call && finding->lock.name ? finding->lock.name : "lock");
	fputs(
	    " is libc's own: no fork handler can cover it, and libc leaves it as it was at the fork. Between "
	    "fork and exec call only async-signal-safe functions (signal-safety(7)); do what needs ",
	    out);
	if (call)
		story_call(call, "", out);
	else
		story_libc_call(stack, out);
	fputs(
	    " before the fork, or after exec. Where the child must run on, fork before threads are started.",
	    out);
}

void story_advise_cover(const struct finding *finding, const struct model *model, FILE *out)
{
	fputs("Let the child call exec at once (or use posix_spawn), or fork before threads are started. "
	      "Where it must run on: ",
	      out);
	advise_handlers(finding, model, out);
	if (checks_owner(finding))
		fprintf(out,
		        " In the child handler initialise this %s mutex anew with pthread_mutex_init(): an "
		        "unlock is refused there, as the owner recorded is the parent's thread.",
		        finding->lock.robust         ? "robust"
		        : finding->lock.prio_inherit ? "priority-inheriting"
		                                     : finding->lock.type);
	if (skips_handlers(finding->fork.call))
		fprintf(out, " And fork by fork(): %s() runs no fork handlers.", finding->fork.call);
}

void story_libc_call(const struct frame_stack *stack, FILE *out)
{
	size_t count = 0;

	while (count < stack->count && frame_is_libc(&stack->frames[count]))
		count++;
	if (count && stack->frames[count - 1].function)
		story_function(stack->frames[count - 1].function, out);
	else
		fputs("libc", out);
}
