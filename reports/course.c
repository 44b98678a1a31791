/* course.c - series of replication 0 and running means over replications.
 *
 * A mean is over the replications that have data in a bin; latencies of a bin
 * without calls are none, not 0.
 *
 * Cost: a few operations a bin, service, arm and replication.
 */
#include "reports/course.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum quantity {
        QUANTITY_CALLS,
        QUANTITY_GOODPUT,
        QUANTITY_AVAILABILITY,
        QUANTITY_ERROR_RATIO,
        QUANTITY_TIMEOUT_RATIO,
        QUANTITY_DEGRADED_RATIO,
        QUANTITY_QUALITY,
        QUANTITY_LATENCY_P50,
        QUANTITY_LATENCY_P95,
        QUANTITY_LATENCY_P99,
        QUANTITY_QUEUE_MEAN,
        QUANTITY_UTILIZATION,
        QUANTITY_COUNT
};

static const char *const quantity_names[QUANTITY_COUNT] = {
        "calls_per_s", "goodput", "availability", "error_ratio", "timeout_ratio", "degraded_ratio",
        "quality", "latency_p50", "latency_p95", "latency_p99", "queue_mean", "utilization",
};

struct track {
        double *first; /* [bin * QUANTITY_COUNT]: replication 0 */
        double *sum;
        uint32_t *n;
        size_t first_bins, bins, room;
};

struct step {
        unsigned arm;
        const char *service, *metric;
        double t_s, value;
};

struct course {
        const struct run_meta *meta;
        struct track *tracks; /* [arm * (service_count + 1) + service] */
        int64_t bin_ns;
        bool started;
        struct step *steps;
        size_t step_count;
};

struct course *course_create(const struct run_meta *meta)
{
        struct course *course = calloc(1, sizeof(*course));

        if (!course)
                return NULL;
        course->meta = meta;
        course->tracks = calloc((size_t)ARM_COUNT * (meta->service_count + 1), sizeof(struct track));
        if (!course->tracks) {
                free(course);
                return NULL;
        }
        return course;
}

void course_destroy(struct course *course)
{
        if (!course)
                return;
        for (size_t i = 0; i < (size_t)ARM_COUNT * (course->meta->service_count + 1); i++) {
                free(course->tracks[i].first);
                free(course->tracks[i].sum);
                free(course->tracks[i].n);
        }
        free(course->tracks);
        free(course->steps);
        free(course);
}

static double ratio(double part, double whole)
{
        return whole > 0 ? part / whole : NAN;
}

static double larger(double a, double b)
{
        return isnan(a) ? b : isnan(b) ? a : fmax(a, b);
}

/* One bin of some services together. */
static void quantities_of(const struct service_measure *const *services, size_t count, size_t bin,
                          double bin_s, double out[QUANTITY_COUNT])
{
        double calls = 0, good = 0, bad = 0, failed = 0, timeouts = 0, degraded = 0, quality = 0;
        double queue = 0, busy = 0, workers = 0;
        double latency[3] = { NAN, NAN, NAN };
        bool any = false;

        for (size_t i = 0; i < count; i++) {
                if (bin >= services[i]->bin_count)
                        continue;
                const struct series_bin *from = &services[i]->bins[bin];
                any = true;
                calls += from->calls;
                good += from->good;
                bad += from->bad;
                timeouts += from->timeouts;
                failed += (double)from->errors + from->timeouts + from->rejected;
                degraded += from->degraded;
                quality += (double)from->quality_sum;
                latency[0] = larger(latency[0], (double)from->latency_p50_s);
                latency[1] = larger(latency[1], (double)from->latency_p95_s);
                latency[2] = larger(latency[2], (double)from->latency_p99_s);
                queue += (double)from->queue_mean;
                busy += (double)from->busy_mean;
                workers += (double)from->workers_mean;
        }
        out[QUANTITY_CALLS] = any ? calls / bin_s : NAN;
        out[QUANTITY_GOODPUT] = any ? good / bin_s : NAN;
        out[QUANTITY_AVAILABILITY] = ratio(good, good + bad);
        out[QUANTITY_ERROR_RATIO] = ratio(failed, calls);
        out[QUANTITY_TIMEOUT_RATIO] = ratio(timeouts, calls);
        out[QUANTITY_DEGRADED_RATIO] = ratio(degraded, calls);
        out[QUANTITY_QUALITY] = ratio(quality, calls - failed);
        out[QUANTITY_LATENCY_P50] = latency[0];
        out[QUANTITY_LATENCY_P95] = latency[1];
        out[QUANTITY_LATENCY_P99] = latency[2];
        out[QUANTITY_QUEUE_MEAN] = any ? queue : NAN;
        out[QUANTITY_UTILIZATION] = ratio(busy, workers);
}

static bool track_grow(struct track *track, size_t bins)
{
        if (bins > track->room) {
                size_t room = bins + bins / 8;
                double *sum = realloc(track->sum, room * QUANTITY_COUNT * sizeof(*sum));
                if (sum)
                        track->sum = sum;
                uint32_t *n = realloc(track->n, room * QUANTITY_COUNT * sizeof(*n));
                if (n)
                        track->n = n;
                if (!sum || !n)
                        return false;
                track->room = room;
        }
        for (size_t i = track->bins * QUANTITY_COUNT; i < bins * QUANTITY_COUNT; i++) {
                track->sum[i] = 0;
                track->n[i] = 0;
        }
        if (bins > track->bins)
                track->bins = bins;
        return true;
}

static bool track_add(struct track *track, const struct service_measure *const *services,
                      size_t count, double bin_s, bool is_first)
{
        size_t bins = 0;

        for (size_t i = 0; i < count; i++)
                if (services[i]->bin_count > bins)
                        bins = services[i]->bin_count;
        if (!track_grow(track, bins))
                return false;
        if (is_first && bins) {
                track->first = calloc(bins * QUANTITY_COUNT, sizeof(double));
                if (!track->first)
                        return false;
                track->first_bins = bins;
        }
        for (size_t bin = 0; bin < bins; bin++) {
                double values[QUANTITY_COUNT];
                quantities_of(services, count, bin, bin_s, values);
                for (unsigned q = 0; q < QUANTITY_COUNT; q++) {
                        if (is_first)
                                track->first[bin * QUANTITY_COUNT + q] = values[q];
                        if (!isfinite(values[q]))
                                continue;
                        track->sum[bin * QUANTITY_COUNT + q] += values[q];
                        track->n[bin * QUANTITY_COUNT + q]++;
                }
        }
        return true;
}

static bool add_arm(struct course *course, unsigned a, const struct arm_record *arm, bool is_first)
{
        const struct run_meta *meta = course->meta;
        struct track *tracks = &course->tracks[(size_t)a * (meta->service_count + 1)];
        const struct service_measure **entries = calloc(meta->service_count + 1, sizeof(*entries));
        size_t entry_count = 0;
        bool added = entries != NULL;

        for (uint32_t s = 0; added && s < meta->service_count; s++) {
                const struct service_measure *service = &arm->services[s];
                if (course->bin_ns == 0)
                        course->bin_ns = service->bin_ns;
                if (meta->services[s].entry)
                        entries[entry_count++] = service;
                added = track_add(&tracks[s], &service, 1, (double)course->bin_ns / 1e9, is_first);
        }
        added = added && track_add(&tracks[meta->service_count], entries, entry_count,
                                   (double)course->bin_ns / 1e9, is_first);
        free(entries);
        return added;
}

/* ---- steps: breakers and levels of replication 0 */

static bool step_of(const struct course *course, const struct journal_entry *entry,
                    struct step *step)
{
        const struct run_meta *meta = course->meta;
        bool on_edge = entry->edge < meta->edge_count;

        step->t_s = (double)entry->at_ns / 1e9;
        step->metric = "breaker_state";
        step->service = on_edge ? meta->edges[entry->edge].name : NULL;
        switch (entry->type) {
        case JOURNAL_BREAKER_OPENED:
                step->value = 1;
                return on_edge;
        case JOURNAL_BREAKER_HALF_OPENED:
                step->value = 0.5;
                return on_edge;
        case JOURNAL_BREAKER_CLOSED:
                step->value = 0;
                return on_edge;
        case JOURNAL_DEGRADATION_CHANGED:
                step->metric = "degradation_level";
                step->value = entry->value;
                if (entry->service >= meta->service_count)
                        return false;
                step->service = meta->services[entry->service].name;
                return isfinite(entry->value);
        default:
                return false;
        }
}

static bool keep_steps(struct course *course, const struct replication_record *record)
{
        struct step step;
        size_t count = 0;

        for (unsigned a = 0; a < ARM_COUNT; a++)
                for (size_t i = 0; record->arms[a] && i < record->arms[a]->journal_count; i++)
                        count += step_of(course, &record->arms[a]->journal[i], &step);
        course->steps = calloc(count + 1, sizeof(*course->steps));
        if (!course->steps)
                return false;
        for (unsigned a = 0; a < ARM_COUNT; a++)
                for (size_t i = 0; record->arms[a] && i < record->arms[a]->journal_count; i++)
                        if (step_of(course, &record->arms[a]->journal[i], &step)) {
                                step.arm = a;
                                course->steps[course->step_count++] = step;
                        }
        return true;
}

bool course_add(struct course *course, const struct replication_record *record)
{
        bool is_first = !course->started;

        course->started = true;
        for (unsigned a = 0; a < ARM_COUNT; a++)
                if (record->arms[a] && !add_arm(course, a, record->arms[a], is_first))
                        return false;
        return !is_first || keep_steps(course, record);
}

/* ---- out */

static void write_track(const struct course *course, const struct track *track, const char *arm,
                        const char *service, struct series *out)
{
        double bin_s = (double)course->bin_ns / 1e9;

        for (unsigned q = 0; q < QUANTITY_COUNT; q++)
                for (size_t bin = 0; bin < track->first_bins; bin++)
                        series_add(out, "0", arm, service, quantity_names[q], (double)bin * bin_s,
                                   track->first[bin * QUANTITY_COUNT + q]);
        for (unsigned q = 0; q < QUANTITY_COUNT; q++)
                for (size_t bin = 0; bin < track->bins; bin++) {
                        size_t i = bin * QUANTITY_COUNT + q;
                        series_add(out, "mean", arm, service, quantity_names[q],
                                   (double)bin * bin_s,
                                   track->n[i] ? track->sum[i] / track->n[i] : NAN);
                }
}


static void write_steps(const struct course *course, struct series *out)
{
        for (size_t i = 0; i < course->step_count; i++)
                series_add(out, "0", arm_names[course->steps[i].arm], course->steps[i].service,
                           course->steps[i].metric, course->steps[i].t_s, course->steps[i].value);
}

bool course_series(const struct course *course, struct series *out)
{
        const struct run_meta *meta = course->meta;

        for (unsigned a = 0; a < ARM_COUNT; a++)
                for (uint32_t s = 0; s <= meta->service_count; s++) {
                        /* The fleet first: it is what people look at. */
                        uint32_t index = s ? s - 1 : meta->service_count;
                        write_track(course,
                                    &course->tracks[(size_t)a * (meta->service_count + 1) + index],
                                    arm_names[a], s ? meta->services[s - 1].name : "", out);
                }
        write_steps(course, out);
        return !out->failed;
}
