/* objective.c - good and bad: the truth that every grade rests on.
 *
 * A call is judged once, in the second in which its fate is sealed: when it
 * ends, or when its age passes the objective's latency, whichever is first.
 * The second kind is found at the end of each second, from a list of unjudged
 * calls in the order they began. Over the trailing window a service is then
 * good or bad, and bad periods become incidents (5-experiments.md).
 *
 * The same counts make the series that plots show.
 */
#include <math.h>
#include <string.h>

#include "harness/fleet/model.h"

enum { HOLD_S = 30, BAD_REQUESTS_MIN = 5 };

const char *const call_outcome_names[CALL_OUTCOME_COUNT] = {
        "ok", "degraded", "error", "timeout", "rejected", "dropped", "lost",
};

static void watch_ended(struct fleet *fleet, struct service *service, enum call_outcome outcome,
                        int64_t age_ns);
static void watch_second_ends(struct fleet *fleet, struct service *service);

static bool watches_age(const struct service *service)
{
        return service->spec->slo.present && service->spec->slo.latency_ns != TIME_NEVER;
}

static int64_t second_of(int64_t at_ns)
{
        int64_t s = at_ns / NS_PER_S;

        return at_ns < 0 && s * NS_PER_S != at_ns ? s - 1 : s;
}

static struct second_bucket *bucket_far(struct fleet *fleet, struct objective *objective,
                                        int64_t at_ns)
{
        size_t index = (size_t)(second_of(at_ns) - fleet->start_s);

        if (index >= objective->capacity) {
                size_t capacity = objective->capacity == 0 ? 1024 : objective->capacity;
                struct second_bucket *bigger;

                while (capacity <= index)
                        capacity *= 2;
                bigger = realloc(objective->bucket, capacity * sizeof(*bigger));
                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return NULL;
                }
                memset(bigger + objective->capacity, 0,
                       (capacity - objective->capacity) * sizeof(*bigger));
                objective->bucket = bigger;
                objective->capacity = capacity;
        }
        objective->present = &objective->bucket[index];
        objective->present_from_ns = second_of(at_ns) * NS_PER_S;
        return objective->present;
}

/* Nearly always the second that was asked for last. */
static inline struct second_bucket *bucket_at(struct fleet *fleet, struct service *service,
                                              int64_t at_ns)
{
        struct objective *objective = &service->objective;

        if ((uint64_t)(at_ns - objective->present_from_ns) < (uint64_t)NS_PER_S)
                return objective->present;
        return bucket_far(fleet, objective, at_ns);
}

static void unjudged_remove(struct fleet *fleet, struct objective *objective, uint32_t index)
{
        struct call *call = &fleet->calls[index];

        if (call->older == NONE)
                objective->oldest = call->newer;
        else
                fleet->calls[call->older].newer = call->newer;
        if (call->newer == NONE)
                objective->newest = call->older;
        else
                fleet->calls[call->newer].older = call->older;
}

/* Where a call of the measured part is counted; NULL: it began before. */
static inline struct phase_measure *phase_of(struct fleet *fleet, struct service *service,
                                             int64_t first_at_ns)
{
        return first_at_ns >= fleet->measured_from_ns ? &service->measure.phase[fleet->phase] : NULL;
}

static inline void count_judgement(struct fleet *fleet, struct service *service,
                                   struct phase_measure *phase, bool good, int64_t at_ns)
{
        struct second_bucket *bucket = bucket_at(fleet, service, at_ns);

        if (bucket == NULL)
                return;
        bucket->good += good;
        bucket->bad += !good;
        service->bin.good += good;
        service->bin.bad += !good;
        if (phase != NULL) {
                phase->good += good;
                phase->bad += !good;
        }
}

static void judge(struct fleet *fleet, struct service *service, struct call *call, bool good,
                  int64_t at_ns)
{
        call->judged = true;
        count_judgement(fleet, service, phase_of(fleet, service, call->first_at_ns), good, at_ns);
}

void objective_call_begun(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct service *service = &fleet->services[fleet->edges[call->edge].to];
        struct objective *objective = &service->objective;

        if (!watches_age(service))
                return;
        call->older = objective->newest;
        call->newer = NONE;
        if (objective->newest == NONE)
                objective->oldest = index;
        else
                fleet->calls[objective->newest].newer = index;
        objective->newest = index;
}

void objective_call_began(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        struct service *service = &fleet->services[fleet->edges[call->edge].to];
        struct objective *objective = &service->objective;
        uint32_t after = objective->newest;

        if (!watches_age(service))
                return;
        while (after != NONE && fleet->calls[after].first_at_ns > call->first_at_ns)
                after = fleet->calls[after].older;
        call->older = after;
        call->newer = after == NONE ? objective->oldest : fleet->calls[after].newer;
        if (after == NONE)
                objective->oldest = index;
        else
                fleet->calls[after].newer = index;
        if (call->newer == NONE)
                objective->newest = index;
        else
                fleet->calls[call->newer].older = index;
}

/* What ended otherwise than well. */
static void count_unwell(struct series_bin *bin, enum call_outcome outcome)
{
        bin->errors += outcome == CALL_ERROR || outcome == CALL_DROPPED || outcome == CALL_LOST;
        bin->timeouts += outcome == CALL_TIMEOUT;
        bin->rejected += outcome == CALL_REJECTED;
        bin->degraded += outcome == CALL_DEGRADED;
}

bool objective_call_ended(struct fleet *fleet, uint32_t index, enum call_outcome outcome,
                          float quality, bool good_for_callee)
{
        struct call *call = &fleet->calls[index];
        struct service *service = &fleet->services[fleet->edges[call->edge].to];
        const struct slo_spec *slo = &service->spec->slo;
        struct phase_measure *phase = phase_of(fleet, service, call->first_at_ns);
        int64_t age_ns = fleet->now - call->first_at_ns;
        bool answered = outcome == CALL_OK || outcome == CALL_DEGRADED;
        uint32_t age_index = hist_index(age_ns);
        bool good = false;

        if (!call->judged) {
                bool late = slo->present && age_ns > slo->latency_ns;

                good = good_for_callee && answered && !late &&
                       (outcome == CALL_OK ||
                        (double)quality >= (slo->present ? slo->quality : 1.0) - 1e-9);
                if (watches_age(service))
                        unjudged_remove(fleet, &service->objective, index);
                call->judged = true;
                count_judgement(fleet, service, phase, good,
                                late ? call->first_at_ns + slo->latency_ns : fleet->now);
        }
        service->bin.calls++;
        if (outcome != CALL_OK)
                count_unwell(&service->bin, outcome);
        if (answered)
                service->bin.quality_sum += quality;
        hist_add_at(service->bin_hist, age_index, age_ns);
        if (service->watch.length > 0)
                watch_ended(fleet, service, outcome, age_ns);
        if (phase != NULL) {
                phase->outcome[outcome]++;
                if (answered)
                        phase->quality_sum += (double)quality;
                hist_add_at(&phase->latency, age_index, age_ns);
        }
        return good;
}

void objective_plain_ended(struct fleet *fleet, struct service *service, int64_t first_at_ns,
                           int64_t now_ns, uint32_t age_index, bool judged)
{
        const struct slo_spec *slo = &service->spec->slo;
        struct phase_measure *phase = phase_of(fleet, service, first_at_ns);
        int64_t age_ns = now_ns - first_at_ns;

        if (!judged) {
                bool late = slo->present && age_ns > slo->latency_ns;

                count_judgement(fleet, service, phase, !late,
                                late ? first_at_ns + slo->latency_ns : now_ns);
        }
        service->bin.calls++;
        service->bin.quality_sum += 1.0f;
        hist_add_at(service->bin_hist, age_index, age_ns);
        if (phase != NULL) {
                phase->outcome[CALL_OK]++;
                phase->quality_sum += 1.0;
                hist_add_at(&phase->latency, age_index, age_ns);
        }
}

void objective_plain_late(struct fleet *fleet, struct service *service, int64_t first_at_ns)
{
        count_judgement(fleet, service, phase_of(fleet, service, first_at_ns), false,
                        first_at_ns + service->spec->slo.latency_ns);
}

/* ---- the end of a second */

static void judge_overdue(struct fleet *fleet, struct service *service)
{
        int64_t latency_ns = service->spec->slo.latency_ns;

        while (service->objective.oldest != NONE) {
                uint32_t index = service->objective.oldest;
                struct call *call = &fleet->calls[index];

                if (call->first_at_ns + latency_ns >= fleet->now)
                        break;
                unjudged_remove(fleet, &service->objective, index);
                judge(fleet, service, call, false, call->first_at_ns + latency_ns);
        }
}

static bool bucket_below(const struct second_bucket *bucket, double target)
{
        return bucket->bad > 0 &&
               (double)bucket->good < target * (double)((uint64_t)bucket->good + bucket->bad);
}

static void incident_note(struct fleet *fleet, enum fleet_note_kind kind, uint32_t index)
{
        fleet_note(fleet, &(struct fleet_note){.kind = kind,
                                               .service = fleet->incidents[index].service,
                                               .instance = NONE,
                                               .index = index,
                                               .text = ""});
}

static void incident_open(struct fleet *fleet, uint32_t service_index)
{
        struct service *service = &fleet->services[service_index];
        struct objective *objective = &service->objective;
        int64_t first = objective->window_from;
        struct incident *incident;

        if (fleet->incident_count == fleet->incident_capacity) {
                size_t capacity = fleet->incident_capacity * 2 + 16;
                struct incident *bigger = realloc(fleet->incidents, capacity * sizeof(*bigger));

                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return;
                }
                fleet->incidents = bigger;
                fleet->incident_capacity = capacity;
        }
        /* A window longer than the hold still holds what the last one was about. */
        if (first < objective->floor)
                first = objective->floor;
        while (first + 1 < objective->done &&
               !bucket_below(&objective->bucket[first], service->spec->slo.target))
                first++;
        objective->onset_ns = (fleet->start_s + first) * NS_PER_S;
        objective->open = true;
        objective->incident = (uint32_t)fleet->incident_count;
        objective->lowest_share = 1.0;
        incident = &fleet->incidents[fleet->incident_count++];
        *incident = (struct incident){.service = service_index,
                                      .onset_ns = objective->onset_ns,
                                      .noticed_ns = fleet->now,
                                      .restored_ns = TIME_NEVER,
                                      .closed_ns = TIME_NEVER,
                                      .lowest_share = 1.0};
        incident_note(fleet, FLEET_NOTE_INCIDENT_OPENED, objective->incident);
}

static void window_add(struct service *service)
{
        struct objective *objective = &service->objective;
        const struct slo_spec *slo = &service->spec->slo;
        const struct second_bucket *last = &objective->bucket[objective->done];
        int64_t width = slo->window_ns / NS_PER_S;

        objective->window_good += last->good;
        objective->window_bad += last->bad;
        objective->done++;
        while (objective->done - objective->window_from > (width < 1 ? 1 : width)) {
                const struct second_bucket *first = &objective->bucket[objective->window_from];
                uint64_t all = objective->window_good + objective->window_bad;

                if (all - first->good - first->bad < slo->min_requests)
                        break;
                objective->window_good -= first->good;
                objective->window_bad -= first->bad;
                objective->window_from++;
        }
}

static void service_second(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];
        struct objective *objective = &service->objective;
        double target = service->spec->slo.target;
        const struct second_bucket *last;
        uint64_t all;
        bool traffic;

        if (watches_age(service))
                judge_overdue(fleet, service);
        if (bucket_at(fleet, service, fleet->now) == NULL)
                return;
        window_add(service);
        last = &objective->bucket[objective->done - 1];
        all = objective->window_good + objective->window_bad;
        traffic = last->good + last->bad > 0;
        if (bucket_below(last, target))
                objective->last_bad_end_ns = fleet->now;
        if (all > 0 && traffic) {
                double share = (double)objective->window_good / (double)all;

                objective->window_is_bad = share < target && objective->window_bad >= BAD_REQUESTS_MIN;
                if (objective->open && share < fleet->incidents[objective->incident].lowest_share)
                        fleet->incidents[objective->incident].lowest_share = share;
        }
        if (objective->window_is_bad) {
                objective->good_since = TIME_NEVER;
                if (!objective->open)
                        incident_open(fleet, index);
                else
                        fleet->incidents[objective->incident].restored_ns = TIME_NEVER;
                return;
        }
        if (!objective->open || !traffic)
                return;
        if (objective->good_since == TIME_NEVER) {
                objective->good_since = fleet->now;
                fleet->incidents[objective->incident].restored_ns = objective->last_bad_end_ns;
        }
        if (fleet->now - objective->good_since >= HOLD_S * NS_PER_S) {
                objective->open = false;
                fleet->incidents[objective->incident].closed_ns = fleet->now;
                objective->floor = fleet->incidents[objective->incident].restored_ns / NS_PER_S -
                                   fleet->start_s;
                incident_note(fleet, FLEET_NOTE_INCIDENT_CLOSED, objective->incident);
        }
}

void objective_second(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                if (fleet->services[i].spec->slo.present)
                        service_second(fleet, i);
                if (fleet->services[i].watch.length > 0)
                        watch_second_ends(fleet, &fleet->services[i]);
        }
}

bool fleet_incident_open(const struct fleet *fleet, uint32_t service)
{
        return fleet->services[service].objective.open;
}

bool fleet_entries_good(const struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                const struct service *service = &fleet->services[i];

                if (service->entry && service->spec->slo.present &&
                    (service->objective.open || service->objective.window_is_bad))
                        return false;
        }
        return true;
}

/* ---- series */

void objective_bin_end(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct service *service = &fleet->services[i];
                struct service_measure *measure = &service->measure;
                struct series_bin *bin = &service->bin;
                double length = (double)fleet->options.bin_ns;

                service_touch(fleet, service);
                bin->queue_mean = (float)((double)(service->queue_area - service->bin_queue_area) / length);
                bin->busy_mean = (float)((double)(service->busy_area - service->bin_busy_area) / length);
                bin->workers_mean =
                        (float)((double)(service->worker_area - service->bin_worker_area) / length);
                bin->latency_p50_s = (float)(hist_quantile_ns(service->bin_hist, 0.50) * 1e-9);
                bin->latency_p95_s = (float)(hist_quantile_ns(service->bin_hist, 0.95) * 1e-9);
                bin->latency_p99_s = (float)(hist_quantile_ns(service->bin_hist, 0.99) * 1e-9);
                if (fleet->now > fleet->measured_from_ns) {
                        if ((measure->bin_count & (measure->bin_count - 1)) == 0) {
                                size_t capacity = measure->bin_count == 0 ? 1 : measure->bin_count * 2;
                                struct series_bin *bigger =
                                        realloc(measure->bins, capacity * sizeof(*bigger));

                                if (bigger == NULL) {
                                        fleet_break(fleet, "out of memory");
                                        return;
                                }
                                measure->bins = bigger;
                        }
                        measure->bins[measure->bin_count++] = *bin;
                }
                *bin = (struct series_bin){0};
                if (service->bin_hist->count > 0)
                        hist_reset(service->bin_hist);
                service->bin_queue_area = service->queue_area;
                service->bin_busy_area = service->busy_area;
                service->bin_worker_area = service->worker_area;
        }
}

/* ---- probes */

bool fleet_watch(struct fleet *fleet, uint32_t service, int64_t window_ns)
{
        uint32_t length = (uint32_t)(window_ns / NS_PER_S) + 3; /* and two whose ends it begins at */

        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct watch *watch = &fleet->services[i].watch;
                struct watch_second *ring;

                if ((service == FLEET_NO_INDEX ? !fleet->services[i].entry : i != service) ||
                    watch->length >= length)
                        continue;
                ring = realloc(watch->ring, length * sizeof(*ring));
                if (ring == NULL)
                        return false;
                for (uint32_t k = 0; k < length; k++)
                        ring[k].second = INT64_MIN;
                watch->ring = ring;
                watch->length = length;
        }
        return true;
}

/* The slot of the present second, emptied when it held an older one. */
static struct watch_second *watch_now(struct fleet *fleet, struct watch *watch)
{
        int64_t second = second_of(fleet->now);
        struct watch_second *slot =
                &watch->ring[(uint64_t)(second - fleet->start_s) % watch->length];

        if (slot->second != second) {
                memset(slot, 0, sizeof(*slot));
                slot->second = second;
        }
        return slot;
}

static void watch_ended(struct fleet *fleet, struct service *service, enum call_outcome outcome,
                        int64_t age_ns)
{
        struct watch_second *slot = watch_now(fleet, &service->watch);

        hist_add(&slot->latency, age_ns);
        slot->calls++;
        slot->timeouts += outcome == CALL_TIMEOUT;
        slot->errors += outcome != CALL_OK && outcome != CALL_DEGRADED;
}

/* What came together in the window, over the services that a probe looks at. */
struct window_sum {
        struct hist latency;
        uint64_t calls, errors, timeouts, good, bad;
        double queue_area, busy_area, worker_area;
};

static void window_take(const struct fleet *fleet, const struct service *service, int64_t seconds,
                        struct window_sum *sum)
{
        int64_t end = second_of(fleet->now);
        const struct watch_second *first = NULL, *next = NULL, *last = NULL;

        for (int64_t s = end - seconds - 2; s < end; s++) {
                const struct watch_second *slot;

                if (s < fleet->start_s)
                        continue;
                slot = &service->watch.ring[(uint64_t)(s - fleet->start_s) % service->watch.length];
                if (slot->second != s)
                        continue;
                if (slot->over) { /* else the last one, whose end comes at this very instant */
                        first = first == NULL ? slot : first;
                        next = next == NULL && slot != first ? slot : next;
                        last = slot;
                }
                if (s < end - seconds)
                        continue;
                hist_merge(&sum->latency, &slot->latency);
                sum->calls += slot->calls;
                sum->errors += slot->errors;
                sum->timeouts += slot->timeouts;
                sum->good += slot->good;
                sum->bad += slot->bad;
        }
        if (first != NULL && last->second - first->second > seconds)
                first = next;
        if (first == NULL || first == last)
                return;
        sum->queue_area += (double)(last->queue_area - first->queue_area) /
                           (double)(last->second - first->second) * 1e-9;
        sum->busy_area += (double)(last->busy_area - first->busy_area);
        sum->worker_area += (double)(last->worker_area - first->worker_area);
}

static double share(double part, double all)
{
        return all > 0 ? part / all : NAN;
}

static double window_metric(const struct window_sum *sum, const char *metric, double seconds)
{
        static const struct {
                const char *name;
                double q;
        } quantiles[] = {{"latency_p50", 0.5}, {"latency_p95", 0.95}, {"latency_p99", 0.99},
                         {"latency_p999", 0.999}};

        for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
                if (strcmp(metric, quantiles[i].name) == 0)
                        return hist_quantile_ns(&sum->latency, quantiles[i].q) * 1e-9;
        if (strcmp(metric, "latency_mean") == 0)
                return hist_mean_ns(&sum->latency) * 1e-9;
        if (strcmp(metric, "availability") == 0)
                return share((double)sum->good, (double)(sum->good + sum->bad));
        if (strcmp(metric, "error_ratio") == 0)
                return share((double)sum->errors, (double)sum->calls);
        if (strcmp(metric, "timeout_ratio") == 0)
                return share((double)sum->timeouts, (double)sum->calls);
        if (strcmp(metric, "goodput") == 0)
                return (double)sum->good / seconds;
        if (strcmp(metric, "throughput") == 0)
                return (double)sum->calls / seconds;
        if (strcmp(metric, "queue_mean") == 0)
                return sum->queue_area;
        if (strcmp(metric, "utilization") == 0)
                return share(sum->busy_area, sum->worker_area);
        return NAN;
}

double fleet_probe(const struct fleet *fleet, const char *metric, uint32_t service,
                   int64_t window_ns)
{
        struct window_sum *sum = calloc(1, sizeof(*sum));
        double value;

        if (sum == NULL)
                return NAN;
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                const struct service *s = &fleet->services[i];

                if (s->watch.length > 0 && (service == FLEET_NO_INDEX ? s->entry : i == service))
                        window_take(fleet, s, window_ns / NS_PER_S, sum);
        }
        value = window_metric(sum, metric, (double)window_ns * 1e-9);
        free(sum);
        return value;
}

/* Integrals that begin anew take what was looked at before with them: only their
 * differences count, which are those of unsigned numbers below 0, too. */
void watch_begins_anew(struct service *service)
{
        const struct watch *watch = &service->watch;

        for (uint32_t i = 0; i < watch->length; i++) {
                if (watch->ring[i].second == INT64_MIN)
                        continue;
                watch->ring[i].queue_area -= service->queue_area;
                watch->ring[i].busy_area -= service->busy_area;
                watch->ring[i].worker_area -= service->worker_area;
        }
}

static void watch_second_ends(struct fleet *fleet, struct service *service)
{
        struct watch *watch = &service->watch;
        int64_t second = second_of(fleet->now) - 1;
        struct watch_second *slot =
                &watch->ring[(uint64_t)(second - fleet->start_s) % watch->length];

        if (slot->second != second) {
                memset(slot, 0, sizeof(*slot));
                slot->second = second;
        }
        service_touch(fleet, service);
        slot->over = true;
        slot->queue_area = service->queue_area;
        slot->busy_area = service->busy_area;
        slot->worker_area = service->worker_area;
        if (service->spec->slo.present && service->objective.done > 0) {
                const struct second_bucket *bucket =
                        &service->objective.bucket[service->objective.done - 1];

                slot->good = bucket->good;
                slot->bad = bucket->bad;
        }
}

bool objective_init(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct objective *objective = &fleet->services[i].objective;

                objective->present_from_ns = INT64_MIN / 2;
                objective->oldest = NONE;
                objective->newest = NONE;
                objective->good_since = TIME_NEVER;
                fleet->services[i].bin_hist = ARENA_NEW(&fleet->arena, struct hist);
                if (fleet->services[i].bin_hist == NULL)
                        return false;
        }
        return true;
}
