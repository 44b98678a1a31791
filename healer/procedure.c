/* procedure.c - steps against a failure, and back when one of them fails.
 *
 * What was half done is undone in the opposite order, so that a procedure which
 * fails leaves the service as it found it as far as the caller can undo. The
 * rate of success begins at the prior, with the weight of four runs: one bad
 * run moves it and does not decide it.
 */
#include "healer/procedure.h"

#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

#define PRIOR_RUNS 4

struct hlr_procedure {
        struct healer_procedure what;
        uint64_t runs, successes;
};

struct healer_procedures {
        struct healer_procedures_config config;
        struct hlr_procedure rows[HEALER_PROCEDURES_MAX];
        uint32_t count;
        bool calling;
        struct {
                healer_step_fn *handler;
                void *ctx;
        } handlers[HEALER_ACTION_COUNT];
};

#define RESTART                                                                                    \
        {                                                                                          \
                HEALER_ACTION_RESTART_SERVICE, 0                                                   \
        }
#define MORE(factor)                                                                               \
        {                                                                                          \
                HEALER_ACTION_INCREASE_RESOURCES, factor                                           \
        }
#define LOOK                                                                                       \
        {                                                                                          \
                HEALER_ACTION_ENABLE_MONITORING, 0                                                 \
        }
#define CHECK                                                                                      \
        {                                                                                          \
                HEALER_ACTION_HEALTH_CHECK, 0                                                      \
        }
#define TIMEOUT(factor)                                                                            \
        {                                                                                          \
                HEALER_ACTION_ADJUST_TIMEOUT, factor                                               \
        }

static const struct healer_procedure builtins[] = {
        {HEALER_FAILURE_MEMORY_EXHAUSTION,
         HEALER_SEVERITY_CRITICAL,
         3,
         {RESTART, MORE(2), LOOK},
         0.85,
         600 * HLR_SECOND},
        {HEALER_FAILURE_MEMORY_EXHAUSTION,
         HEALER_SEVERITY_HIGH,
         3,
         {LOOK, MORE(1.5), CHECK},
         0.75,
         300 * HLR_SECOND},
        {HEALER_FAILURE_CPU_SPIKE,
         HEALER_SEVERITY_CRITICAL,
         3,
         {MORE(2), LOOK, CHECK},
         0.80,
         400 * HLR_SECOND},
        {HEALER_FAILURE_CPU_SPIKE,
         HEALER_SEVERITY_HIGH,
         2,
         {LOOK, MORE(1.3)},
         0.70,
         200 * HLR_SECOND},
        {HEALER_FAILURE_NETWORK_TIMEOUT,
         HEALER_SEVERITY_HIGH,
         3,
         {TIMEOUT(2), CHECK, LOOK},
         0.65,
         300 * HLR_SECOND},
        {HEALER_FAILURE_DATABASE_CONNECTION,
         HEALER_SEVERITY_CRITICAL,
         3,
         {{HEALER_ACTION_RECONNECT, 0}, MORE(1.5), CHECK},
         0.90,
         500 * HLR_SECOND},
        {HEALER_FAILURE_DATABASE_CONNECTION,
         HEALER_SEVERITY_HIGH,
         2,
         {MORE(1.3), TIMEOUT(1.5)},
         0.75,
         240 * HLR_SECOND},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE,
         HEALER_SEVERITY_CRITICAL,
         2,
         {{HEALER_ACTION_ROLLBACK_DEPLOYMENT, 0}, CHECK},
         0.95,
         800 * HLR_SECOND},
};

/* ---- life */

struct healer_procedures_config healer_procedures_config_defaults(void)
{
        return (struct healer_procedures_config){.size = sizeof(struct healer_procedures_config),
                                                 .builtins = 1};
}

enum healer_err healer_procedures_create(const struct healer_procedures_config *config,
                                         struct healer_procedures **out)
{
        struct healer_procedures *procedures;
        size_t i;

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (config->act == NULL)
                return HEALER_E_RANGE;
        procedures = hlr_alloc(config->allocator, sizeof(*procedures));
        if (procedures == NULL)
                return HEALER_E_NOMEM;
        procedures->config = *config;
        for (i = 0; config->builtins != 0 && i < HLR_COUNT(builtins); i++)
                procedures->rows[procedures->count++].what = builtins[i];
        *out = procedures;
        return HEALER_OK;
}

void healer_procedures_destroy(struct healer_procedures *procedures)
{
        if (procedures != NULL)
                hlr_free(procedures->config.allocator, procedures);
}

/* ---- registering */

static bool is_sound(const struct healer_procedure *procedure)
{
        uint32_t i;

        if ((unsigned)procedure->failure >= HEALER_FAILURE_COUNT ||
            (unsigned)procedure->severity >= HEALER_SEVERITY_COUNT || procedure->count < 1 ||
            procedure->count > HEALER_STEPS_MAX || procedure->estimate_ns <= 0 ||
            !(procedure->prior_rate >= 0 && procedure->prior_rate <= 1))
                return false;
        for (i = 0; i < procedure->count; i++) {
                if ((unsigned)procedure->steps[i].kind >= HEALER_ACTION_COUNT)
                        return false;
        }
        return true;
}

enum healer_err healer_procedures_register(struct healer_procedures *procedures,
                                           const struct healer_procedure *procedure)
{
        struct hlr_procedure *row = NULL;
        uint32_t i;

        if (procedures->calling)
                return HEALER_E_BUSY;
        if (!is_sound(procedure))
                return HEALER_E_RANGE;
        for (i = 0; i < procedures->count; i++) {
                if (procedures->rows[i].what.failure == procedure->failure &&
                    procedures->rows[i].what.severity == procedure->severity)
                        row = &procedures->rows[i];
        }
        if (row == NULL) {
                if (procedures->count == HEALER_PROCEDURES_MAX)
                        return HEALER_E_FULL;
                row = &procedures->rows[procedures->count++];
        }
        memset(row, 0, sizeof(*row)); /* another procedure: what was known is of the old one */
        row->what = *procedure;
        return HEALER_OK;
}

enum healer_err healer_procedures_handle(struct healer_procedures *procedures,
                                         enum healer_action_kind kind, healer_step_fn *handler,
                                         void *ctx)
{
        if (procedures->calling)
                return HEALER_E_BUSY;
        if ((unsigned)kind >= HEALER_ACTION_COUNT)
                return HEALER_E_RANGE;
        procedures->handlers[kind].handler = handler;
        procedures->handlers[kind].ctx = ctx;
        return HEALER_OK;
}

/* ---- looking up */

static const struct hlr_procedure *row_of(const struct healer_procedures *procedures,
                                          enum healer_failure failure,
                                          enum healer_severity severity)
{
        const struct hlr_procedure *best = NULL;
        uint32_t i;

        for (i = 0; i < procedures->count; i++) {
                const struct hlr_procedure *row = &procedures->rows[i];

                if (row->what.failure == failure && row->what.severity <= severity &&
                    (best == NULL || row->what.severity > best->what.severity))
                        best = row;
        }
        return best;
}

const struct healer_procedure *healer_procedures_find(const struct healer_procedures *procedures,
                                                      enum healer_failure failure,
                                                      enum healer_severity severity)
{
        const struct hlr_procedure *row = row_of(procedures, failure, severity);

        return row == NULL ? NULL : &row->what;
}

double healer_procedures_rate(const struct healer_procedures *procedures,
                              enum healer_failure failure, enum healer_severity severity)
{
        const struct hlr_procedure *row = row_of(procedures, failure, severity);

        if (row == NULL)
                return NAN;
        return (PRIOR_RUNS * row->what.prior_rate + (double)row->successes) /
               (PRIOR_RUNS + (double)row->runs);
}

/* ---- running */

static bool act(struct healer_procedures *procedures, const struct healer_step *step, void *request)
{
        if (procedures->handlers[step->kind].handler != NULL)
                return procedures->handlers[step->kind].handler(
                        procedures->handlers[step->kind].ctx, step, request);
        return procedures->config.act(procedures->config.ctx, step, request);
}

static uint32_t undo(struct healer_procedures *procedures, const struct healer_procedure *procedure,
                     uint32_t done, void *request)
{
        uint32_t undone = 0;

        for (; procedures->config.undo != NULL && done > 0; done--)
                undone += procedures->config.undo(procedures->config.ctx,
                                                  &procedure->steps[done - 1], request);
        return undone;
}

struct healer_procedure_result healer_procedures_run(struct healer_procedures *procedures,
                                                     enum healer_failure failure,
                                                     enum healer_severity severity, void *request)
{
        struct hlr_procedure *row =
                (struct hlr_procedure *)(uintptr_t)row_of(procedures, failure, severity);
        struct healer_procedure_result result = {.err = HEALER_E_NOT_FOUND,
                                                 .failed_kind = HEALER_ACTION_COUNT};

        if (procedures->calling)
                result.err = HEALER_E_BUSY;
        if (row == NULL || procedures->calling)
                return result;
        result.procedure = &row->what;
        result.err = HEALER_OK;
        procedures->calling = true;
        while (result.done < row->what.count && result.err == HEALER_OK) {
                if (act(procedures, &row->what.steps[result.done], request)) {
                        result.done++;
                        continue;
                }
                result.err = HEALER_E_FAILED;
                result.failed_kind = row->what.steps[result.done].kind;
                result.undone = undo(procedures, &row->what, result.done, request);
        }
        procedures->calling = false;
        row->runs++;
        row->successes += result.err == HEALER_OK;
        return result;
}
