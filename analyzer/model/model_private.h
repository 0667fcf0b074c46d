/* The inside of the model, for model.c and what fills it (model_trace.c). */
#ifndef AFTERFORK_MODEL_PRIVATE_H
#define AFTERFORK_MODEL_PRIVATE_H

#include "model.h"
#include "pool.h"

struct module_entry;

struct model {
	struct pool pool;
	struct module_entry *modules;
	struct model_run *runs;
	struct incident *incidents;
	struct notice *notices;
	struct atfork_registration *atfork;
	struct vanished_thread *vanished;
	struct handover *handovers;
	size_t run_count, incident_count, notice_count, atfork_count, vanished_count, handover_count;
	struct model_image *current_image; /* of the file that is being read */
	uint64_t current_run_id;
};

/* Each adds one zeroed item, valid until the next one of its kind. NULL when out of memory. */
struct incident *model_add_incident(struct model *model);
struct notice *model_add_notice(struct model *model);
/* These three belong to the current image: there must be one. */
struct atfork_registration *model_add_atfork(struct model *model);
struct vanished_thread *model_add_vanished(struct model *model);
struct handover *model_add_handover(struct model *model);
/* The run with this id, added where it is new. */
struct model_run *model_add_run(struct model *model, uint64_t run_id);

#endif
