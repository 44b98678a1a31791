/* plan_safety.c - the part of `safety` that depends on the plan.
 *
 * How many faults are in force at once is counted over the plan of every
 * replication that is to be run: starts and ends in order of time, an end
 * before a start at the same instant. Entries with `when` may come at any time.
 */
#include <stdlib.h>

#include "harness/base/rng.h"
#include "harness/run/plan.h"

struct edge {
        int64_t at_ns;
        int change;
        const struct planned_fault *fault;
};

static int by_time(const void *left, const void *right)
{
        const struct edge *a = left, *b = right;

        if (a->at_ns != b->at_ns)
                return a->at_ns < b->at_ns ? -1 : 1;
        return a->change - b->change;
}

/* The first play with which there are too many, or NULL. */
static const struct planned_fault *first_too_many(const struct plan *plan, struct arena *arena,
                                                  uint32_t others, uint32_t most)
{
        struct edge *edges = ARENA_ARRAY(arena, struct edge, 2 * (size_t)plan->fault_count + 1);
        size_t count = 0;
        uint32_t active = others;

        for (uint32_t i = 0; edges != NULL && i < plan->fault_count; i++) {
                const struct planned_fault *fault = &plan->faults[i];
                int64_t fading_ns = fault->entry->has_duration ? fault->entry->ramp_down_ns : 0;

                edges[count++] = (struct edge){fault->start_ns, 1, fault};
                edges[count++] = (struct edge){fault->end_ns + fading_ns, -1, fault};
        }
        if (count > 1)
                qsort(edges, count, sizeof(*edges), by_time);
        for (size_t i = 0; i < count; i++) {
                active += (uint32_t)edges[i].change;
                if (edges[i].change > 0 && active > most)
                        return edges[i].fault;
        }
        return NULL;
}

static uint32_t count_coupled(const struct scenario *scenario)
{
        uint32_t count = 0;

        for (size_t i = 0; i < scenario->method_count; i++)
                count += scenario->method[i].coupled;
        return count;
}

static bool check_replication(const struct scenario *scenario, uint32_t replication,
                              struct diag_list *diags)
{
        uint32_t most = scenario->safety.max_concurrent_faults, others = count_coupled(scenario);
        const struct planned_fault *fault;
        struct arena arena;
        struct plan plan;
        bool ok = false;

        arena_init(&arena);
        if (!plan_make(scenario, rng_key(scenario->seed, replication), &arena, &plan)) {
                diag_add(diags, scenario->path, 0, 0, NULL, "out of memory");
                goto done;
        }
        if ((fault = first_too_many(&plan, &arena, others, most)) != NULL)
                diag_add(diags, scenario->path, fault->entry->line, fault->entry->column,
                         fault->entry->path,
                         "safety: more than the %u faults at once that max_concurrent_faults allows "
                         "(replication %u, at %.12g s)",
                         most, replication, (double)fault->start_ns * 1e-9);
        else if (others > most)
                diag_add(diags, scenario->path, scenario->safety.line, scenario->safety.column,
                         "safety",
                         "safety: more than the %u faults at once that max_concurrent_faults allows: "
                         "%u entries wait for events",
                         most, others);
        else
                ok = true;
done:
        arena_release(&arena);
        return ok;
}

static bool check_replay(const struct scenario *scenario, uint32_t replication,
                         struct diag_list *diags)
{
        struct arena arena;
        struct plan plan;
        bool ok = false;

        arena_init(&arena);
        if (!plan_make(scenario, rng_key(scenario->seed, replication), &arena, &plan))
                diag_add(diags, scenario->path, 0, 0, NULL, "out of memory");
        else if (plan.replays_left_out > 0)
                diag_add(diags, scenario->path, 0, 0, "evaluation.replay_trigger",
                         "no time for it: of the faults that come once more, %g min after the last is "
                         "over, %u would begin after the duration",
                         (double)PLAN_REPLAY_AFTER_NS / NS_PER_MIN, plan.replays_left_out);
        else
                ok = true;
        arena_release(&arena);
        return ok;
}

bool plan_check_safety(const struct scenario *scenario, uint32_t first, uint32_t count,
                       enum plan_purpose purpose, struct diag_list *diags)
{
        if (purpose != PLAN_TO_READ && scenario->safety.profile == SAFETY_PRODUCTION) {
                diag_add(diags, scenario->path, scenario->safety.line, scenario->safety.column,
                         "safety.profile",
                         "chaos is off in production: nothing is started, with approval or "
                         "without; plan and validate work");
                return false;
        }
        if (scenario->safety.require_approval && purpose == PLAN_TO_RUN) {
                diag_add(diags, scenario->path, scenario->safety.line, scenario->safety.column,
                         "safety.require_approval",
                         "this scenario runs only with approval: give --approve");
                return false;
        }
        if (scenario->evaluation.replay_trigger && !check_replay(scenario, first, diags))
                return false;
        if (scenario->safety.max_concurrent_faults == UINT32_MAX)
                return true;
        for (uint32_t i = 0; i < count; i++)
                if (!check_replication(scenario, first + i, diags))
                        return false;
        return true;
}
