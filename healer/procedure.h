/* healer/procedure.h - what is done about a failure, step by step.
 *
 * A procedure is a list of steps for a failure type from a severity up. Which one
 * is meant is looked up by type and severity; where there is none for the
 * severity, the one of the next lower is. Built in are those of the table below;
 * registering replaces the one of the same type and severity.
 *
 *   memory_exhaustion   critical  restart, x 2, look closer        0.85  600 s
 *                       high      look closer, x 1.5, check        0.75  300 s
 *   cpu_spike           critical  x 2, look closer, check          0.80  400 s
 *                       high      look closer, x 1.3               0.70  200 s
 *   network_timeout     high      timeout x 2, check, look closer  0.65  300 s
 *   database_connection critical  reconnect, x 1.5, check          0.90  500 s
 *                       high      x 1.3, timeout x 1.5             0.75  240 s
 *   deployment_failure  critical  roll back, check                 0.95  800 s
 *
 * Running one carries out its steps in order, by the caller's `act` or by a
 * handler of the caller's own for that kind of action, and stops at the first that
 * fails; then the steps done before it are undone, last first, where there is an
 * `undo`. The success rate moves from its prior with each outcome.
 *
 * A supervisor goes through the built-in ones where recovery.procedures says so, as orders
 * of its own (written.c). What is here runs those of an embedder's.
 *
 * One owner at a time; handlers must not call back in; one allocation at create.
 */
#ifndef HEALER_PROCEDURE_H
#define HEALER_PROCEDURE_H

#include "healer/alloc.h"
#include "healer/kinds.h"

#include <stdbool.h>

HEALER_BEGIN_DECLS

enum { HEALER_STEPS_MAX = 8, HEALER_PROCEDURES_MAX = 64 };

struct healer_step {
        enum healer_action_kind kind;
        double amount; /* a factor or such, as the kind wants; 0: its own default */
};

struct healer_procedure {
        enum healer_failure failure;
        enum healer_severity severity; /* from it up */
        uint32_t count;                /* 1..8 */
        struct healer_step steps[HEALER_STEPS_MAX];
        double prior_rate;             /* 0..1, before anything is known */
        int64_t estimate_ns;           /* > 0: how long it is expected to take */
};

/* True: done. `request` is the caller's. */
typedef bool healer_step_fn(void *ctx, const struct healer_step *step, void *request);

struct healer_procedures_config {
        uint32_t size;
        uint32_t builtins;   /* 1 (default): with those of the table */
        healer_step_fn *act; /* of every kind without a handler; needed */
        healer_step_fn *undo; /* may be NULL */
        void *ctx;
        const struct healer_allocator *allocator;
};

struct healer_procedures;

struct healer_procedure_result {
        enum healer_err err;   /* OK, FAILED, NOT_FOUND: there is no procedure for it */
        uint32_t done, undone; /* steps */
        enum healer_action_kind failed_kind; /* HEALER_ACTION_COUNT: none */
        const struct healer_procedure *procedure; /* the one that was meant, or NULL */
};

HEALER_API struct healer_procedures_config healer_procedures_config_defaults(void);
HEALER_API HEALER_NODISCARD enum healer_err
healer_procedures_create(const struct healer_procedures_config *config,
                         struct healer_procedures **out);
HEALER_API void healer_procedures_destroy(struct healer_procedures *procedures);

/* HEALER_E_RANGE: a field out of its range; HEALER_E_FULL; HEALER_E_BUSY. */
HEALER_API enum healer_err healer_procedures_register(struct healer_procedures *procedures,
                                                      const struct healer_procedure *procedure);
/* Actions of that kind are carried out by `handler`; NULL: by `act` again. */
HEALER_API enum healer_err healer_procedures_handle(struct healer_procedures *procedures,
                                                    enum healer_action_kind kind,
                                                    healer_step_fn *handler, void *ctx);

/* The one that is meant, or NULL; and how often it was run and succeeded. */
HEALER_API const struct healer_procedure *
healer_procedures_find(const struct healer_procedures *procedures, enum healer_failure failure,
                       enum healer_severity severity);
/* Its success rate: the prior counts as four runs. NaN: there is none. */
HEALER_API double healer_procedures_rate(const struct healer_procedures *procedures,
                                         enum healer_failure failure,
                                         enum healer_severity severity);

HEALER_API struct healer_procedure_result
healer_procedures_run(struct healer_procedures *procedures, enum healer_failure failure,
                      enum healer_severity severity, void *request);

HEALER_END_DECLS

#endif
