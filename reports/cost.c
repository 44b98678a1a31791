/* cost.c - the price of healing: actions, people, machines, degraded service. */
#include "reports/metric_families.h"

#include <math.h>
#include <string.h>

METRIC_SAMPLE(sample_cost)
{
        double cost = kept->arms[query->arm].cost;

        (void)row;
        if (isfinite(cost))
                sample_set(out, cost, 1, 0);
}

static bool is_carried_out(const struct metric_query *query, const struct kept_action *action)
{
        return !action->held_back &&
               (query->service == RECORD_NONE || query->service == action->service);
}

METRIC_SAMPLE(sample_actions)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t count = 0;

        (void)row;
        for (size_t i = 0; i < arm->action_count; i++)
                count += is_carried_out(query, &arm->actions[i]);
        sample_set(out, (double)count, 1, count);
}

METRIC_SAMPLE(sample_preventive_actions)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t count = 0;

        (void)row;
        for (size_t i = 0; i < arm->action_count; i++)
                count += arm->actions[i].preventive && is_carried_out(query, &arm->actions[i]);
        sample_set(out, (double)count, 1, count);
}

METRIC_SAMPLE(sample_restarts)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t count = 0;

        (void)row;
        for (size_t i = 0; i < arm->action_count; i++)
                count += is_carried_out(query, &arm->actions[i]) &&
                         arm->actions[i].action < query->meta->action_kind_count &&
                         !strncmp(query->meta->action_names[arm->actions[i].action], "restart_", 8);
        sample_set(out, (double)count, 1, count);
}

METRIC_SAMPLE(sample_instance_seconds_added)
{
        (void)row;
        sample_set(out, kept->arms[query->arm].instance_seconds_added, 1, 0);
}

METRIC_SAMPLE(sample_time_degraded)
{
        (void)row;
        sample_set(out, kept->arms[query->arm].degraded_s, 1,
                   kept->arms[query->arm].degradation_changes);
}

METRIC_SAMPLE(sample_human_pages)
{
        (void)row;
        sample_set(out, (double)kept->arms[query->arm].human_pages, 1,
                   kept->arms[query->arm].human_pages);
}

METRIC_SAMPLE(sample_breaker_opened)
{
        (void)row;
        sample_set(out, (double)kept->arms[query->arm].breaker_opened, 1,
                   kept->arms[query->arm].breaker_opened);
}

METRIC_SAMPLE(sample_breaker_open_time)
{
        (void)row;
        sample_set(out, kept->arms[query->arm].breaker_open_s, 1,
                   kept->arms[query->arm].breaker_opened);
}

METRIC_SAMPLE(sample_breaker_half_open_time)
{
        (void)row;
        sample_set(out, kept->arms[query->arm].breaker_half_open_s, 1,
                   kept->arms[query->arm].breaker_opened);
}

METRIC_SAMPLE(sample_breaker_refused)
{
        (void)row;
        sample_set(out, (double)kept->arms[query->arm].breaker_refused, 1,
                   kept->arms[query->arm].breaker_refused);
}

METRIC_SAMPLE(sample_breaker_trials)
{
        const struct kept_arm *arm = &kept->arms[query->arm];

        (void)row;
        sample_set(out, (double)arm->trials_ok, (double)(arm->trials_ok + arm->trials_failed),
                   arm->trials_ok + arm->trials_failed);
}

METRIC_SAMPLE(sample_degradation_changes)
{
        (void)row;
        sample_set(out, (double)kept->arms[query->arm].degradation_changes, 1,
                   kept->arms[query->arm].degradation_changes);
}

METRIC_SAMPLE(sample_degradation_level)
{
        (void)row;
        sample_set(out, kept->arms[query->arm].level_s[row->which], 1, 0);
}

METRIC_SAMPLE(sample_degradation_at_end)
{
        (void)row;
        sample_set(out, kept->arms[query->arm].level_at_end, 1, 1);
}

METRIC_SAMPLE(sample_degradation_recovery)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        double minutes = 0;

        (void)row;
        for (size_t level = 1; level < sizeof(arm->level_s) / sizeof(arm->level_s[0]); level++)
                minutes += arm->level_s[level] / 60;
        sample_set(out, (double)arm->degradation_falls, minutes, arm->degradation_falls);
}
