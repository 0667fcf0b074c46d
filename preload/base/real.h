/* The original functions. real.NAME(...) is the only way to them inside the library.
 *
 * Each pointer starts out at a stand-in that looks its original up and then calls on: a program pays for
 * those that it calls, a call before the library's constructor ran works, and no wrapper has to check
 * anything. */
#ifndef AFTERFORK_PRELOAD_REAL_H
#define AFTERFORK_PRELOAD_REAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/time.h>
#include <sys/types.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <wchar.h>

struct _IO_FILE; /* FILE */
struct __jmp_buf_tag;
struct __res_state;
struct addrinfo;
struct aiocb;
struct aiocb64;
struct aliasent;
struct dl_phdr_info;
struct group;
struct hostent;
struct netent;
struct passwd;
struct protoent;
struct rpcent;
struct servent;
struct sgrp;
struct sockaddr;
struct spwd;
struct utmp;
struct utmpx;
struct winsize;

struct real_functions {
#define HOOK(ret, name, params, args) ret(*name) params;
#define HOOK_JUMP(ret, name)          void (*name)(void);
#include "hooks.def"
#undef HOOK
#undef HOOK_JUMP
};

extern struct real_functions real __attribute__((visibility("hidden")));

/* Looks up what has no stand-in (HOOK_JUMP), in the libraries that are there now. Idempotent; threads may
 * race, they store the same values. Called by the constructor, or by the first such call before it. */
void real_resolve(void);
/* Looks up what was not called yet, once. A child would pay for it in page faults, and each child anew. To be
 * called before a fork; async-signal-safe; threads may race. */
void real_resolve_for_children(void);

#endif
