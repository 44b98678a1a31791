/* harness/cli/healers.h - which healer a scenario asks for, as a run takes it. */
#ifndef CHAOS_CLI_HEALERS_H
#define CHAOS_CLI_HEALERS_H

#include "harness/run/exec_healer.h"
#include "harness/run/run.h"

struct chosen_healer {
        struct run_healer run;  /* ops NULL: none */
        const char *name;       /* for people and results */
        const char *digest;     /* of what it is told, in hex */
        /* what the others point to */
        struct exec_healer_config exec;
        char exec_digest[65];
        char exec_name[256];
};

/* libhealer keeps its records in the database `db`, too (NULL: there is none). `out`
 * refers to itself, to the scenario and to `db`: none may move or go while it is used. */
void healer_choose(const struct scenario *scenario, const char *db, struct chosen_healer *out);

/* Whether a healer's own store (`store.path`) has said that it could not write; it
 * has been told on stderr then, and costs exit code 74. */
bool healers_store_failed(void);

#endif
