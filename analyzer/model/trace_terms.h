/* The numbers of a trace in the model's terms. A number of a newer library than this reader becomes
 * "unknown": 0 or NULL. */
#ifndef AFTERFORK_TRACE_TERMS_H
#define AFTERFORK_TRACE_TERMS_H

#include "model.h"

enum lock_kind trace_terms_lock_kind(uint32_t number);
enum mutex_type trace_terms_mutex_type(uint32_t number);
enum observed trace_terms_observed(uint32_t number);
enum notice_kind trace_terms_notice_kind(uint32_t number);
/* The function that has this id in trace_calls.def. */
const char *trace_terms_call_name(uint32_t id);
struct libc_family {
	const char *name; /* as reports call the lock */
	bool is_brief;    /* its functions never wait for anything outside the process */
};
/* Of a lock inside libc. */
const struct libc_family *trace_terms_libc_family(uint32_t number);

#endif
