/* prevention.c - what treated was spared of untreated's harm, and by what.
 *
 * Fates come from fates.c; differences are taken replication by replication,
 * so that the arms' common chance cancels out.
 */
#include <math.h>

#include "reports/metric_families.h"

static const struct kept_service *service_in(const struct metric_query *query,
                                             const struct kept *kept, enum arm arm)
{
        struct metric_query other = *query;

        other.arm = arm;
        return query_service(&other, kept);
}

static bool both_run(const struct kept *kept, enum arm a, enum arm b)
{
        return kept->arms[a].run && kept->arms[b].run;
}

METRIC_SAMPLE(sample_failed_users)
{
        (void)row;
        if (kept_user_count(query->meta) > 0)
                sample_set(out, kept->arms[query->arm].failed_user_s, 1, 0);
}

METRIC_SAMPLE(sample_averted_users)
{
        (void)row;
        if (kept_user_count(query->meta) > 0 && both_run(kept, ARM_UNTREATED, query->arm))
                sample_set(out,
                           kept->arms[ARM_UNTREATED].failed_user_s -
                                   kept->arms[query->arm].failed_user_s,
                           1, 0);
}

METRIC_SAMPLE(sample_user_availability)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        double all_s = kept_user_count(query->meta) * seconds_of(arm->end_ns);

        (void)row;
        /* Where nobody was served at all the two are rounded differently. */
        if (all_s > 0)
                sample_set(out, fmax(0, all_s - arm->failed_user_s), all_s, 0);
}

METRIC_SAMPLE(sample_averted_requests)
{
        (void)row;
        if (!both_run(kept, ARM_UNTREATED, query->arm))
                return;
        double without = (double)service_in(query, kept, ARM_UNTREATED)->phase[query->phase].bad;
        double with = (double)query_service(query, kept)->phase[query->phase].bad;
        sample_set(out, without - with, 1, (uint64_t)without);
}

METRIC_SAMPLE(sample_averted_seconds)
{
        (void)row;
        if (both_run(kept, ARM_UNTREATED, query->arm))
                sample_set(out,
                           service_in(query, kept, ARM_UNTREATED)->bad_s -
                                   query_service(query, kept)->bad_s,
                           1, 0);
}

METRIC_SAMPLE(sample_self_made_requests)
{
        (void)row;
        if (!both_run(kept, ARM_QUIET, ARM_CALM))
                return;
        double with = (double)service_in(query, kept, ARM_QUIET)->phase[query->phase].bad;
        double without = (double)service_in(query, kept, ARM_CALM)->phase[query->phase].bad;
        sample_set(out, with - without, 1, (uint64_t)with);
}

METRIC_SAMPLE(sample_self_made_seconds)
{
        (void)row;
        if (both_run(kept, ARM_QUIET, ARM_CALM))
                sample_set(out,
                           service_in(query, kept, ARM_QUIET)->bad_s -
                                   service_in(query, kept, ARM_CALM)->bad_s,
                           1, 0);
}

METRIC_SAMPLE(sample_prevention)
{
        const struct kept_arm *untreated = &kept->arms[ARM_UNTREATED];
        uint64_t incidents = 0;
        uint64_t prevented = 0;

        if (!both_run(kept, ARM_UNTREATED, ARM_TREATED) ||
            (row->which != PREVENTION_ANY && !kept->arms[ARM_SHADOW].run))
                return;
        for (size_t i = 0; i < untreated->incident_count; i++) {
                const struct kept_incident *incident = &untreated->incidents[i];
                if (!query_takes(query, untreated, incident))
                        continue;
                incidents++;
                prevented += incident->fate == FATE_PREVENTED &&
                             (row->which == PREVENTION_ANY ||
                              (row->which == PREVENTION_BY_PREDICTION) == incident->by_prediction);
        }
        sample_set(out, (double)prevented, (double)incidents, prevented);
}

METRIC_SAMPLE(sample_prediction_gain)
{
        const struct kept_arm *shadow = &kept->arms[ARM_SHADOW];
        const struct kept_arm *treated = &kept->arms[ARM_TREATED];
        uint64_t incidents = 0;
        uint64_t prevented = 0;

        (void)row;
        if (!both_run(kept, ARM_SHADOW, ARM_TREATED))
                return;
        for (size_t i = 0; i < shadow->incident_count; i++) {
                const struct kept_incident *incident = &shadow->incidents[i];
                bool bad = false;
                if (!query_takes(query, shadow, incident))
                        continue;
                for (size_t k = 0; k < treated->incident_count; k++)
                        bad |= treated->incidents[k].service == incident->service &&
                               overlaps(incident->onset_ns - AROUND_NS,
                                        incident->restored_ns + AROUND_NS,
                                        treated->incidents[k].onset_ns,
                                        treated->incidents[k].restored_ns);
                incidents++;
                prevented += !bad;
        }
        sample_set(out, (double)prevented, (double)incidents, prevented);
}

METRIC_SAMPLE(sample_induced)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t induced = 0;

        (void)row;
        if (!kept->arms[query->arm == ARM_QUIET ? ARM_CALM : ARM_UNTREATED].run)
                return;
        for (size_t i = 0; i < arm->incident_count; i++)
                induced += arm->incidents[i].fate == FATE_INDUCED &&
                           query_takes(query, arm, &arm->incidents[i]);
        sample_set(out, (double)induced, 1, induced);
}
