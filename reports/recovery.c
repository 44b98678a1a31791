/* recovery.c - how long things were broken, and how long until someone knew and acted.
 *
 * Clock points of an incident: f fault, o onset, d first attributed alarm, a
 * first action, r restored. Times that were still running at the end go into a
 * survival curve as such; means of what was completed are named so.
 */
#include "reports/metric_families.h"

#include <string.h>

/* ---- one incident's time, for the survival curve */

METRIC_OBSERVE(observe_recovery)
{
        (void)row;
        *time_ns = incident->restored_ns - incident->onset_ns;
        return true;
}

METRIC_OBSERVE(observe_repair)
{
        (void)row;
        if (incident->detected_ns == TIME_NEVER)
                return false;
        *time_ns = max_ns(incident->restored_ns - max_ns(incident->detected_ns, incident->onset_ns),
                          0);
        return true;
}

METRIC_OBSERVE(observe_recovery_from_fault)
{
        (void)row;
        if (incident->fault_ns == TIME_NEVER)
                return false;
        *time_ns = incident->restored_ns - incident->fault_ns;
        return true;
}

/* ---- sums over the incidents that a query asks for */

struct sum {
        int64_t ns;
        uint64_t count, all;
};

static void sum_incidents(const struct metric_query *query, const struct kept *kept,
                          bool (*time_of)(const struct kept_incident *, int64_t *), struct sum *sum)
{
        const struct kept_arm *arm = &kept->arms[query->arm];

        for (size_t i = 0; i < arm->incident_count; i++) {
                int64_t ns;
                if (!query_takes(query, arm, &arm->incidents[i]))
                        continue;
                sum->all++;
                if (!time_of(&arm->incidents[i], &ns))
                        continue;
                sum->ns += ns;
                sum->count++;
        }
}

static void sample_mean_time(const struct metric_query *query, const struct kept *kept,
                             bool (*time_of)(const struct kept_incident *, int64_t *),
                             struct metric_sample *out)
{
        struct sum sum = { 0, 0, 0 };

        sum_incidents(query, kept, time_of, &sum);
        sample_set(out, seconds_of(sum.ns), (double)sum.count, sum.count);
}

static bool time_completed(const struct kept_incident *incident, int64_t *ns)
{
        *ns = incident->restored_ns - incident->onset_ns;
        return !incident->open;
}

static bool time_open(const struct kept_incident *incident, int64_t *ns)
{
        *ns = 0;
        return incident->open;
}

static bool time_detection(const struct kept_incident *incident, int64_t *ns)
{
        if (incident->detected_ns == TIME_NEVER)
                return false;
        *ns = max_ns(incident->detected_ns - incident->onset_ns, 0);
        return true;
}

static bool time_detection_from_fault(const struct kept_incident *incident, int64_t *ns)
{
        if (incident->detected_ns == TIME_NEVER || incident->fault_ns == TIME_NEVER)
                return false;
        *ns = max_ns(incident->detected_ns - incident->fault_ns, 0);
        return true;
}

static bool time_to_act(const struct kept_incident *incident, int64_t *ns)
{
        if (incident->detected_ns == TIME_NEVER || incident->acted_ns == TIME_NEVER)
                return false;
        *ns = max_ns(incident->acted_ns - incident->detected_ns, 0);
        return true;
}

METRIC_SAMPLE(sample_recovery_completed)
{
        (void)row;
        sample_mean_time(query, kept, time_completed, out);
}

METRIC_SAMPLE(sample_unrecovered)
{
        struct sum sum = { 0, 0, 0 };

        (void)row;
        sum_incidents(query, kept, time_open, &sum);
        sample_set(out, (double)sum.count, 1, sum.count);
}

METRIC_SAMPLE(sample_detection)
{
        (void)row;
        sample_mean_time(query, kept, time_detection, out);
}

METRIC_SAMPLE(sample_missed)
{
        struct sum sum = { 0, 0, 0 };

        (void)row;
        sum_incidents(query, kept, time_detection, &sum);
        sample_set(out, (double)(sum.all - sum.count), (double)sum.all, sum.all - sum.count);
}

METRIC_SAMPLE(sample_detection_from_fault)
{
        (void)row;
        sample_mean_time(query, kept, time_detection_from_fault, out);
}

METRIC_SAMPLE(sample_action_delay)
{
        (void)row;
        sample_mean_time(query, kept, time_to_act, out);
}

METRIC_SAMPLE(sample_time_between)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        int64_t sum = 0;
        uint64_t count = 0;

        /* By service, then onset. */
        for (size_t i = 1; i < arm->incident_count; i++) {
                const struct kept_incident *last = &arm->incidents[i - 1];
                const struct kept_incident *next = &arm->incidents[i];
                if (last->service != next->service || !query_takes(query, arm, next))
                        continue;
                sum += next->onset_ns - (row->which ? last->onset_ns : last->restored_ns);
                count++;
        }
        sample_set(out, seconds_of(sum), (double)count, count);
}

static uint64_t count_incidents(const struct metric_query *query, const struct kept *kept)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t count = 0;

        for (size_t i = 0; i < arm->incident_count; i++)
                count += query_takes(query, arm, &arm->incidents[i]);
        return count;
}

METRIC_SAMPLE(sample_incidents)
{
        uint64_t count = count_incidents(query, kept);

        (void)row;
        sample_set(out, (double)count, 1, count);
}

METRIC_SAMPLE(sample_incident_rate)
{
        uint64_t count = count_incidents(query, kept);
        double services = 0;

        (void)row;
        for (uint32_t s = 0; s < query->meta->service_count; s++)
                services += query->meta->services[s].has_slo &&
                            (query->service == RECORD_NONE || query->service == s);
        sample_set(out, (double)count, services * seconds_of(kept->arms[query->arm].end_ns) / 3600,
                   count);
}

METRIC_SAMPLE(sample_collapse)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        bool collapsed = false;

        (void)row;
        for (size_t i = 0; i < arm->incident_count; i++) {
                const struct kept_incident *incident = &arm->incidents[i];
                bool chosen = query->service == RECORD_NONE ? incident->user_visible
                                                            : incident->service == query->service;
                collapsed |= chosen && incident->open;
        }
        sample_set(out, collapsed, 1, collapsed);
}

/* ---- how long users were hurt by each fault that hurts them in untreated */

static bool is_hurt_by(const struct metric_query *query, const struct kept_incident *incident,
                       size_t window)
{
        return incident->windows[window] &&
               (query->service == RECORD_NONE ? incident->user_visible
                                              : incident->service == query->service);
}

/* Length of the union of the incidents that a fault window is attributed to;
 * incidents come by service and onset. */
static int64_t hurt_for(const struct metric_query *query, const struct kept_arm *arm, size_t window)
{
        int64_t covered_to = 0;
        int64_t sum = 0;

        for (;;) {
                const struct kept_incident *next = NULL;
                for (size_t i = 0; i < arm->incident_count; i++) {
                        const struct kept_incident *incident = &arm->incidents[i];
                        if (is_hurt_by(query, incident, window) &&
                            incident->restored_ns > covered_to &&
                            (!next || incident->onset_ns < next->onset_ns))
                                next = incident;
                }
                if (!next)
                        return sum;
                sum += next->restored_ns - max_ns(next->onset_ns, covered_to);
                covered_to = next->restored_ns;
        }
}

static size_t same_window(const struct kept_arm *arm, const struct fault_window *window)
{
        for (size_t w = 0; w < arm->window_count; w++)
                if (arm->windows[w].fault == window->fault &&
                    arm->windows[w].number == window->number)
                        return w;
        return SIZE_MAX;
}

static bool is_asked_for(const struct metric_query *query, uint32_t fault)
{
        const struct meta_fault *asked = &query->meta->faults[fault];
        const char *failure_type = asked->failure_type ? asked->failure_type : asked->family;

        return (!query->failure_type || !strcmp(query->failure_type, failure_type)) &&
               (!query->fault || !strcmp(query->fault, asked->name) ||
                !strcmp(query->fault, asked->kind));
}

METRIC_SAMPLE(sample_time_to_restore)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        const struct kept_arm *untreated = &kept->arms[ARM_UNTREATED];
        int64_t sum = 0;
        uint64_t faults = 0;

        (void)row;
        if (!untreated->run)
                return;
        for (size_t w = 0; w < untreated->window_count; w++) {
                size_t own;
                if (!is_asked_for(query, untreated->windows[w].fault) ||
                    !hurt_for(query, untreated, w))
                        continue;
                faults++;
                own = same_window(arm, &untreated->windows[w]);
                if (own != SIZE_MAX)
                        sum += min_ns(hurt_for(query, arm, own), query->meta->horizon_ns);
        }
        sample_set(out, seconds_of(sum), (double)faults, faults);
}
