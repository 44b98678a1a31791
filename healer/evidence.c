/* evidence.c - the sources of prediction: what speaks now for a failure to come.
 *
 *   trends    memory, disk, descriptors, connections, tokens, processors on a line
 *             that reaches the limit within the horizon; workers that fill up because
 *             there is more to do; errors that double; a load that was higher at this
 *             time of the days before
 *   queue     a backlog on its way to where it is refused, or answered too late
 *   health    an instance that fails three answers of ten, or slows down, or so far
 *             that its workers fill up, or misses heartbeats; new processes of a
 *             deployment that are slower than the old ones were
 *   patterns  signs present now that came before failures (patterns.h)
 *   history   a situation like those that ended badly (model.h), a failure that
 *             comes back at even intervals, a process that keeps dying
 *
 * Each gives candidates with a similarity 0..1; nothing is said here. A line's
 * similarity is its likeness, less where its slope is uncertain. Signals of one
 * instance that climb together raise one another (healer_joint()), for two
 * accidents at the same place and time are rarer than one.
 *
 * Only evidence that is there now counts: no samples, no candidates.
 */
#include "healer/hlr_supervisor.h"

#include "healer/hlr_math.h"

#include <string.h>

enum { NEWEST = 24, CALL_DEPTH = 4 };

#define STALE_NS (60 * HLR_SECOND)
#define RISE_MIN 0.02        /* of a share, over the samples; less is noise */
#define AHEAD_OF_LOOK 16     /* times the time looked at: a line says nothing of later */
#define QUEUE_MIN 2.0        /* a backlog begins here, in multiples of the workers */
#define FAILING_SHARE 0.3
#define ERROR_FLOOR 0.01
#define INHERITED_RATIO 1.15
#define BUSY_LIMIT 0.8       /* of the workers, counted by the median: the mean is above it */
#define BUSY_MIN 0.1
#define LOAD_GROWN_RATIO 1.1
#define WAITING_FEW 0.5
#define SHIFTED_NS (180 * HLR_SECOND)
#define BUSY_RISE_MIN 0.05
#define BUSY_RISE_SHARE 0.4
#define GAPS_NS (300 * HLR_SECOND)
#define CRASHES_NS (900 * HLR_SECOND)
#define PATTERN_LEAD_NS (10 * HLR_SECOND) /* later is no prediction */
#define CHANGE_WATCH_NS (300 * HLR_SECOND)
#define SLOWER_RATIO 1.6     /* than usual; a new version, than the old one at the same place */
#define SLOWER_SAMPLES 4
#define STEADY_RATIO 1.3
#define COLD_NS (40 * HLR_SECOND) /* what has just begun is slow by nature */
#define LOAD_LEAD_NS (300 * HLR_SECOND)
#define CPU_FULL 0.85
#define CASE_LIKENESS_MIN 0.5
#define CASED_EVERY_NS (15 * HLR_SECOND) /* a look at all features costs */

struct collector {
        struct healer *healer;
        struct hlr_candidate *out;
        uint32_t count;
};

static struct hlr_candidate *add(struct collector *collector, enum healer_source source,
                                 uint32_t service, uint32_t instance,
                                 enum healer_failure failure, enum healer_metric metric)
{
        struct hlr_candidate *c;

        if (collector->count == HLR_CANDIDATES_MAX ||
            !collector->healer->config.prediction.sources[source])
                return NULL;
        c = &collector->out[collector->count++];
        memset(c, 0, sizeof(*c));
        c->source = source;
        c->failure = failure;
        c->metric = metric;
        c->service = service;
        c->instance = instance;
        c->pattern = HEALER_NONE;
        c->value = NAN;
        c->limit = NAN;
        c->seen_ns = collector->healer->now_ns;
        c->eta_ns = HEALER_NEVER;
        c->eta_low_ns = HEALER_NEVER;
        c->eta_high_ns = HEALER_NEVER;
        return c;
}

static double interval_s(const struct healer *healer)
{
        return healer->interval_seen_ns > 0 ? (double)healer->interval_seen_ns / 1e9
                                            : (double)healer->config.detection.interval_ns / 1e9;
}

static int64_t after(int64_t at_ns, double seconds)
{
        return isinf(seconds) ? HEALER_NEVER : hlr_add(at_ns, hlr_from_double(seconds * 1e9));
}

/* ---- lines to a limit */

struct resource {
        enum hlr_signal signal;
        enum healer_metric metric;
        enum healer_failure failure;
        uint32_t reason;
        bool beside_load; /* what the load explains is no leak */
};

static const struct resource resources[] = {
        {HLR_SIGNAL_MEMORY, HEALER_METRIC_MEMORY, HEALER_FAILURE_MEMORY_LEAK, HEALER_REASON_LEAK,
         true},
        {HLR_SIGNAL_DISK, HEALER_METRIC_DISK, HEALER_FAILURE_DISK_FULL, HEALER_REASON_DISK, false},
        {HLR_SIGNAL_FDS, HEALER_METRIC_FDS, HEALER_FAILURE_AGENT_FAILED, HEALER_REASON_HANDLES,
         true},
        {HLR_SIGNAL_POOL, HEALER_METRIC_POOL, HEALER_FAILURE_DATABASE_CONNECTION,
         HEALER_REASON_HANDLES, true},
        {HLR_SIGNAL_TOKENS, HEALER_METRIC_TOKENS, HEALER_FAILURE_TOKEN_EXHAUSTION,
         HEALER_REASON_HANDLES, false},
        {HLR_SIGNAL_CPU, HEALER_METRIC_CPU, HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_REASON_CPU,
         false},
};

/* A slope whose interval reaches far down is no line. */
static double line_similarity(const struct healer_line *trend)
{
        double similarity = trend->likeness;

        if (!(trend->slope_per_s > 0))
                return 0;
        if (trend->slope_low < 0.5 * trend->slope_per_s)
                similarity *= fmax(0, trend->slope_low / (0.5 * trend->slope_per_s));
        return similarity;
}

static void line_times(struct hlr_candidate *c, const struct healer_line *trend, double limit)
{
        double low_s, high_s;
        double eta_s = healer_line_time_to(trend, limit, &low_s, &high_s);

        c->value = trend->value;
        c->limit = limit;
        c->seen_ns = trend->newest_ns;
        c->eta_ns = after(trend->newest_ns, eta_s);
        c->eta_low_ns = after(trend->newest_ns, low_s);
        c->eta_high_ns = after(trend->newest_ns, high_s);
        c->similarity = line_similarity(trend);
}

/* The newest third, where that is a clear line by itself. */
static bool newest_line(const struct hlr_track *track, enum hlr_signal signal,
                        struct healer_line *newest)
{
        double values[NEWEST];
        int64_t at_ns[NEWEST];
        uint32_t i, slot;

        if (track->count < NEWEST)
                return false;
        for (i = 0; i < NEWEST; i++) {
                slot = (track->count - NEWEST + i) % HLR_TRACK;
                at_ns[i] = track->at_ns[slot];
                values[i] = (double)track->value[slot][signal];
        }
        return healer_line_fit(at_ns, values, NEWEST, newest) && newest->likeness >= 0.9 &&
               newest->slope_low >= 0.5 * newest->slope_per_s;
}

/* A rise that began inside the window is steeper than the line through all of it:
 * where the newest third is a clear line by itself, its slope says when. */
static void sharpen(const struct hlr_track *track, enum hlr_signal signal, struct healer_line *line)
{
        struct healer_line newest;

        if (!newest_line(track, signal, &newest) || newest.slope_per_s < line->slope_per_s)
                return;
        line->slope_per_s = newest.slope_per_s;
        line->slope_low = newest.slope_low;
        line->slope_high = newest.slope_high;
        line->value = newest.value;
        line->likeness = fmax(line->likeness, newest.likeness);
}

/* How far ahead a line is believed: where it began to rise within what was looked at,
 * its end comes sooner than it says, and the shorter the look the more so. */
static double believed_s(const struct healer_line *line, double horizon_s)
{
        return fmin(horizon_s, AHEAD_OF_LOOK * line->rise / line->slope_per_s);
}

/* The line through the newest samples, and if it says nothing, the long one. */
static bool find_line(const struct healer *healer, const struct hlr_instance *instance,
                      enum hlr_signal signal, bool beside_load, double rise_min, double limit,
                      struct healer_line *trend)
{
        double horizon_s = (double)healer->config.prediction.horizon_ns / 1e9;
        int coarse;

        for (coarse = 0; coarse < 2; coarse++) {
                if (!hlr_track_fit(instance, signal, coarse == 1, beside_load, trend))
                        continue;
                if (trend->samples < 16 && coarse == 0)
                        continue;
                if (trend->slope_per_s > 0 && trend->rise >= rise_min && trend->value < limit &&
                    line_similarity(trend) > 0 &&
                    healer_line_time_to(trend, limit, NULL, NULL) <= believed_s(trend, horizon_s)) {
                        sharpen(coarse ? &instance->coarse : &instance->fine, signal, trend);
                        return true;
                }
        }
        return false;
}

static void resource_lines(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        double horizon_s = (double)healer->config.prediction.horizon_ns / 1e9;
        struct hlr_candidate *c;
        struct healer_line trend;
        size_t r;

        for (r = 0; r < sizeof(resources) / sizeof(resources[0]); r++) {
                const struct resource *resource = &resources[r];

                if (!hlr_track_rises(instance, resource->signal, 1, horizon_s,
                                     interval_s(healer)) ||
                    !find_line(healer, instance, resource->signal, resource->beside_load, RISE_MIN,
                               1, &trend))
                        continue;
                c = add(collector, HEALER_SOURCE_TRENDS, instance->service, index,
                        resource->failure, resource->metric);
                if (c == NULL)
                        return;
                line_times(c, &trend, 1);
                c->reasons = resource->reason;
        }
}

/* ---- errors, latency, backlog */

static double usual_latency(const struct hlr_instance *instance)
{
        const struct hlr_monitor *monitor = &instance->monitors[HEALER_METRIC_LATENCY];

        return monitor->usual_count[0] >= 12 ? hlr_exp(monitor->usual[0]) : NAN;
}

/* Something that it calls, or that is called by that, is being changed: caches are
 * cold and connections new, and what passes with that is no sign. */
static bool changing_below(const struct healer *healer, uint32_t service, int depth)
{
        uint32_t e;

        for (e = 0; e < healer->edge_count && depth > 0; e++) {
                if (healer->edges[e].from == service &&
                    (hlr_service_changing(healer, &healer->services[healer->edges[e].to]) ||
                     changing_below(healer, healer->edges[e].to, depth - 1)))
                        return true;
        }
        return false;
}

/* What callees do to it is theirs: slow or failing answers, and the queue behind
 * workers that wait for them. */
static bool inherited(const struct healer *healer, uint32_t service)
{
        const struct hlr_instance *callee;
        const struct hlr_edge *edge;
        uint32_t e, i;

        if (changing_below(healer, service, CALL_DEPTH))
                return true;
        for (e = 0; e < healer->edge_count; e++) {
                edge = &healer->edges[e];
                if (edge->from != service)
                        continue;
                if (hlr_edge_suspicious(healer, edge))
                        return true;
                for (i = healer->services[edge->to].first_instance; i != HEALER_NONE;
                     i = callee->next) {
                        callee = &healer->instances[i];
                        if (callee->process == HLR_REMOVED)
                                continue;
                        if (callee->quick[HLR_SIGNAL_LATENCY] >
                                    INHERITED_RATIO * callee->slow[HLR_SIGNAL_LATENCY] ||
                            callee->quick[HLR_SIGNAL_LATENCY] >
                                    SLOWER_RATIO * usual_latency(callee) ||
                            callee->quick[HLR_SIGNAL_ERRORS] >
                                    callee->slow[HLR_SIGNAL_ERRORS] + ERROR_FLOOR)
                                return true;
                }
        }
        return false;
}

/* A peer does well with the same work: it is this one. */
static bool peers_do_well(const struct healer *healer, uint32_t index)
{
        const struct hlr_instance *peer;
        uint32_t i;

        for (i = healer->services[healer->instances[index].service].first_instance;
             i != HEALER_NONE; i = peer->next) {
                peer = &healer->instances[i];
                if (i != index && peer->process == HLR_UP && peer->quick[HLR_SIGNAL_ERRORS] < 0.1)
                        return true;
        }
        return false;
}

static double objective_s(const struct healer *healer, const struct hlr_service *service)
{
        double limit = healer->config.detection.thresholds[HEALER_METRIC_LATENCY].warning;

        if (service->info.slo_latency_ns > 0 && service->info.slo_latency_ns < HEALER_NEVER)
                limit = fmin(limit, (double)service->info.slo_latency_ns / 1e9);
        return limit;
}

static void errors_double(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        double limit = healer->config.detection.thresholds[HEALER_METRIC_ERROR_RATE].critical;
        double last[10], now;
        struct hlr_candidate *c;
        struct healer_line trend;
        uint32_t count;

        if (!(instance->quick[HLR_SIGNAL_ERRORS] > ERROR_FLOOR))
                return;
        count = hlr_track_last(instance, HLR_SIGNAL_ERRORS, last, 10);
        if (!healer_error_doubling(last, count, ERROR_FLOOR) ||
            !find_line(healer, instance, HLR_SIGNAL_ERRORS, false, ERROR_FLOOR, limit, &trend))
                return;
        now = last[count - 1];
        c = add(collector, HEALER_SOURCE_TRENDS, instance->service, index,
                HEALER_FAILURE_EXECUTION_ERROR, HEALER_METRIC_ERROR_RATE);
        if (c == NULL || now >= limit)
                return;
        line_times(c, &trend, limit);
        c->reasons = HEALER_REASON_ERRORS;
}

/* An instance that slows down steadily; `wide`: its peers do the same. */
static void latency_climbs(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        double objective = objective_s(healer, &healer->services[instance->service]);
        double horizon_s = (double)healer->config.prediction.horizon_ns / 1e9;
        struct hlr_candidate *c;
        struct healer_line trend;

        if (!hlr_track_rises(instance, HLR_SIGNAL_LATENCY, objective, horizon_s,
                             interval_s(healer)) ||
            !find_line(healer, instance, HLR_SIGNAL_LATENCY, true, 0, objective, &trend) ||
            trend.rise < 0.3 * fmax(trend.value - trend.rise, 1e-6))
                return;
        c = add(collector, HEALER_SOURCE_HEALTH, instance->service, index,
                HEALER_FAILURE_HIGH_LATENCY, HEALER_METRIC_LATENCY);
        if (c == NULL)
                return;
        line_times(c, &trend, objective);
        c->reasons = HEALER_REASON_LATENCY;
}

/* Waiting ones beyond which a call is refused, or waits longer than its objective
 * (what is answered in a second, times the objective: Little). */
static double backlog_limit(const struct healer *healer, const struct hlr_instance *instance)
{
        const struct hlr_service *service = &healer->services[instance->service];
        double places = service->info.queue_places > 0 ? service->info.queue_places
                                                       : (double)INFINITY;
        double late = instance->quick[HLR_SIGNAL_LOAD] * objective_s(healer, service);
        double floor = 2 * QUEUE_MIN * service->info.workers;

        return fmin(places, late > floor ? late : floor);
}

static void backlog_grows(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        double workers = healer->services[instance->service].info.workers;
        double horizon_s = (double)healer->config.prediction.horizon_ns / 1e9;
        double limit = backlog_limit(healer, instance);
        struct hlr_candidate *c;
        struct healer_line trend;

        if (!(instance->quick[HLR_SIGNAL_QUEUE] > 0.5 * QUEUE_MIN * workers) ||
            !hlr_track_rises(instance, HLR_SIGNAL_QUEUE, limit, horizon_s, interval_s(healer)) ||
            !find_line(healer, instance, HLR_SIGNAL_QUEUE, false, 0.5 * QUEUE_MIN * workers, limit,
                       &trend))
                return;
        c = add(collector, HEALER_SOURCE_QUEUE, instance->service, index,
                HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_METRIC_QUEUE);
        if (c == NULL)
                return;
        line_times(c, &trend, limit);
        c->reasons = HEALER_REASON_QUEUE;
}

/* Beyond this share of the workers one instance cannot be away any more, which each
 * deployment and each restart asks for. */
static double busy_limit(const struct healer *healer, uint32_t service)
{
        uint32_t i, up = 0;

        for (i = healer->services[service].first_instance; i != HEALER_NONE;
             i = healer->instances[i].next)
                up += healer->instances[i].process == HLR_UP;
        return up > 1 ? BUSY_LIMIT * (up - 1) / up : BUSY_LIMIT;
}

/* One that goes leaves its work to the others, one that comes takes some of it. */
static bool peers_come_and_go(const struct healer *healer, uint32_t service)
{
        const struct hlr_instance *peer;
        uint32_t i;

        for (i = healer->services[service].first_instance; i != HEALER_NONE; i = peer->next) {
                peer = &healer->instances[i];
                if ((peer->process != HLR_UP && peer->process != HLR_REMOVED) ||
                    hlr_sub(healer->now_ns, peer->changed_ns) < SHIFTED_NS)
                        return true;
        }
        return false;
}

/* Workers that are taken for longer and longer, or by more and more: once all are,
 * a queue grows without end, long before that shows in what a call takes. */
static void workers_fill(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        double horizon_s = (double)healer->config.prediction.horizon_ns / 1e9, limit;
        struct hlr_candidate *c;
        struct healer_line trend;
        bool slower;

        if (!(instance->quick[HLR_SIGNAL_BUSY] > BUSY_MIN))
                return;
        limit = busy_limit(healer, instance->service);
        if (!hlr_track_rises(instance, HLR_SIGNAL_BUSY, limit, horizon_s, interval_s(healer)) ||
            (!newest_line(&instance->fine, HLR_SIGNAL_BUSY, &trend) &&
             !find_line(healer, instance, HLR_SIGNAL_BUSY, false, BUSY_RISE_MIN, limit, &trend)))
                return;
        if (trend.rise < fmax(BUSY_RISE_MIN, BUSY_RISE_SHARE * trend.value) ||
            !(trend.value < limit))
                return;
        /* With calls waiting it is their number that makes them slow. */
        slower = instance->quick[HLR_SIGNAL_LATENCY] > SLOWER_RATIO * usual_latency(instance) &&
                 instance->quick[HLR_SIGNAL_QUEUE] < WAITING_FEW;
        if (!slower && (instance->quick[HLR_SIGNAL_LOAD] <
                                LOAD_GROWN_RATIO * instance->slow[HLR_SIGNAL_LOAD] ||
                        peers_come_and_go(healer, instance->service)))
                return;
        c = add(collector, slower ? HEALER_SOURCE_HEALTH : HEALER_SOURCE_TRENDS,
                instance->service, index,
                slower ? HEALER_FAILURE_HIGH_LATENCY : HEALER_FAILURE_RESOURCE_EXHAUSTION,
                HEALER_METRIC_LATENCY);
        if (c == NULL)
                return;
        line_times(c, &trend, limit);
        c->value = NAN; /* nothing that is measured by itself: it comes true when users feel it */
        c->limit = NAN;
        c->reasons = slower ? HEALER_REASON_LATENCY : HEALER_REASON_QUEUE;
}

/* ---- health of an instance */

static void answers_fail(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        double last[3], worst = 1, mean = 0;
        struct hlr_candidate *c;
        uint32_t i;

        if (!(instance->quick[HLR_SIGNAL_ERRORS] > ERROR_FLOOR) ||
            hlr_track_last(instance, HLR_SIGNAL_ERRORS, last, 3) < 3)
                return;
        for (i = 0; i < 3; i++) {
                if (isnan(last[i]))
                        return;
                worst = fmin(worst, last[i]);
                mean += last[i] / 3;
        }
        if (worst <= FAILING_SHARE || !peers_do_well(healer, index))
                return;
        c = add(collector, HEALER_SOURCE_HEALTH, instance->service, index,
                HEALER_FAILURE_AGENT_DOWN, HEALER_METRIC_ERROR_RATE);
        if (c == NULL)
                return;
        c->similarity = fmin(1, 0.7 + mean - FAILING_SHARE);
        c->only_said = true;
        c->value = mean;
        c->limit = FAILING_SHARE;
        c->eta_ns = after(healer->now_ns, 120);
        c->eta_low_ns = healer->now_ns;
        c->eta_high_ns = after(healer->now_ns, 480);
        c->reasons = HEALER_REASON_ERRORS;
}

/* Heartbeats that stop and come back: two in five minutes are a sign, more a
 * surer one. It lasts as long as they keep coming about as often. */
static void heartbeats_miss(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        uint32_t have = instance->gap_count < HLR_GAPS_MAX ? instance->gap_count : HLR_GAPS_MAX;
        int64_t newest, oldest = INT64_MAX;
        struct hlr_candidate *c;
        uint32_t i, gaps = 0;
        double between_s;

        if (have < 2)
                return;
        newest = instance->gaps_ns[(instance->gap_count - 1) % HLR_GAPS_MAX];
        for (i = 0; i < have; i++) {
                int64_t at_ns = instance->gaps_ns[(instance->gap_count - 1 - i) % HLR_GAPS_MAX];

                if (hlr_sub(healer->now_ns, at_ns) > GAPS_NS)
                        break;
                gaps++;
                oldest = at_ns;
        }
        if (gaps < 2)
                return;
        between_s = (double)hlr_sub(newest, oldest) / 1e9 / (gaps - 1);
        if ((double)hlr_sub(healer->now_ns, newest) / 1e9 > 2 * between_s + 15)
                return;
        c = add(collector, HEALER_SOURCE_HEALTH, instance->service, index,
                HEALER_FAILURE_HEARTBEAT_FAILED, HEALER_METRIC_HEARTBEAT);
        if (c == NULL)
                return;
        c->similarity = fmin(1, 0.5 + 0.15 * gaps);
        c->value = gaps;
        c->seen_ns = newest;
        c->eta_ns = after(healer->now_ns, fmax(60, 2 * between_s));
        c->eta_low_ns = healer->now_ns;
        c->eta_high_ns = after(healer->now_ns, 8 * between_s + 60);
        c->reasons = HEALER_REASON_HEARTBEAT;
}

/* A process that ended without reason, came back, and ended again after about as
 * long: it will once more. */
static void crashes_again(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_instance *instance = &healer->instances[index];
        uint32_t have = instance->exit_count < HLR_EXITS_MAX ? instance->exit_count
                                                             : HLR_EXITS_MAX;
        double gap_s, sum_s = 0, least_s = INFINITY, most_s = 0;
        int64_t newest, older;
        struct hlr_candidate *c;
        uint32_t i, gaps = 0;

        if (have < 2)
                return;
        newest = instance->exits_ns[(instance->exit_count - 1) % HLR_EXITS_MAX];
        for (i = 1; i < have; i++) {
                older = instance->exits_ns[(instance->exit_count - 1 - i) % HLR_EXITS_MAX];
                if (hlr_sub(newest, older) > CRASHES_NS)
                        break;
                gap_s = (double)hlr_sub(instance->exits_ns[(instance->exit_count - i) %
                                                           HLR_EXITS_MAX],
                                        older) /
                        1e9;
                sum_s += gap_s;
                least_s = fmin(least_s, gap_s);
                most_s = fmax(most_s, gap_s);
                gaps++;
        }
        /* Once restarted by us, or through more than it has lived before: cured. */
        if (gaps == 0 || instance->commanded_ns > newest || most_s > 2 * least_s ||
            (double)hlr_sub(healer->now_ns, newest) / 1e9 > 1.5 * sum_s / gaps)
                return;
        c = add(collector, HEALER_SOURCE_HISTORY, instance->service, index,
                HEALER_FAILURE_AGENT_FAILED, HEALER_METRIC_HEARTBEAT);
        if (c == NULL)
                return;
        c->similarity = gaps >= 2 ? 1 : 0.9;
        c->value = gaps + 1;
        c->seen_ns = hlr_max(newest, instance->started_ns);
        c->eta_ns = hlr_max(hlr_add(newest, hlr_from_double(sum_s / gaps * 1e9)),
                            hlr_add(healer->now_ns, 5 * HLR_SECOND));
        c->eta_low_ns = healer->now_ns;
        c->eta_high_ns = hlr_add(newest, hlr_from_double(1.5 * sum_s / gaps * 1e9));
}

/* ---- of a service as a whole */

/* A version is as slow in its first samples as later on; what grows has another cause. */
static bool steadily_slow(const struct hlr_instance *instance)
{
        double values[NEWEST], first = 0, second = 0;
        uint32_t have = hlr_track_last(instance, HLR_SIGNAL_LATENCY, values, NEWEST);
        uint32_t half = have / 2, rest = have - half, i;

        for (i = 0; i < have; i++) {
                if (isnan(values[i]))
                        return false;
                if (i < half)
                        first += values[i] / half;
                else
                        second += values[i] / rest;
        }
        return have >= SLOWER_SAMPLES && second <= STEADY_RATIO * first;
}

/* New processes of a deployment that are slower than the old ones were at the same
 * places, for some samples in order: before the rest is changed, too. */
static void change_is_slow(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_service *service = &healer->services[index];
        const struct hlr_instance *instance;
        uint32_t i, changed = 0, slower = 0;
        struct hlr_candidate *c;
        double ratio = 0;

        if (service->deploy_started_ns == INT64_MIN ||
            hlr_sub(healer->now_ns, hlr_max(service->deploy_started_ns,
                                            service->deploy_ended_ns)) > CHANGE_WATCH_NS)
                return;
        for (i = healer->services[index].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                if (instance->process != HLR_UP ||
                    instance->started_ns < service->deploy_started_ns)
                        continue;
                changed++;
                if (instance->slow_after_change < SLOWER_SAMPLES ||
                    hlr_sub(healer->now_ns, instance->started_ns) < COLD_NS ||
                    !steadily_slow(instance))
                        continue;
                slower++;
                ratio = fmax(ratio, instance->quick[HLR_SIGNAL_LATENCY] / usual_latency(instance));
        }
        if (slower == 0 || 2 * slower < changed || inherited(healer, index))
                return;
        c = add(collector, HEALER_SOURCE_HEALTH, index, HEALER_NONE,
                HEALER_FAILURE_DEPLOYMENT_FAILURE, HEALER_METRIC_LATENCY);
        if (c == NULL)
                return;
        c->similarity = fmin(1, 0.75 + 0.25 * (double)slower / changed);
        c->value = ratio;
        c->limit = SLOWER_RATIO;
        c->eta_ns = after(healer->now_ns, 90);
        c->eta_low_ns = healer->now_ns;
        c->eta_high_ns = after(healer->now_ns, 600);
        c->reasons = HEALER_REASON_LATENCY;
}

/* At this time of the days before, the load was about to outgrow what is there. */
static void load_will_grow(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        const struct hlr_service *service = &healer->services[index];
        const struct hlr_instance *instance;
        int64_t lead = hlr_add(LOAD_LEAD_NS, hlr_add(service->info.boot_ns,
                                                     service->info.restart_ns));
        double soon = hlr_load_at(service, hlr_add(healer->now_ns, lead));
        double before = hlr_load_at(service, healer->now_ns);
        double cpu = 0, growth;
        struct hlr_candidate *c;
        uint32_t i, up = 0;

        if (!(soon > 0 && before > 0))
                return;
        for (i = healer->services[index].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                if (instance->process != HLR_UP ||
                    isnan(instance->quick[HLR_SIGNAL_CPU]))
                        continue;
                cpu += instance->quick[HLR_SIGNAL_CPU];
                up++;
        }
        growth = soon / before;
        if (up == 0 || growth < 1.2 || cpu / up * growth < CPU_FULL)
                return;
        c = add(collector, HEALER_SOURCE_TRENDS, index, HEALER_NONE,
                HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_METRIC_CPU);
        if (c == NULL)
                return;
        c->similarity = 0.95;
        c->value = cpu / up;
        c->limit = CPU_FULL;
        c->eta_ns = hlr_add(healer->now_ns, lead);
        c->eta_low_ns = healer->now_ns;
        c->eta_high_ns = hlr_add(c->eta_ns, 900 * HLR_SECOND);
        c->reasons = HEALER_REASON_CPU;
}

static void signs_match(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        struct healer_pattern_match matches[4];
        struct hlr_candidate *c;
        uint32_t count, i;

        if (healer->patterns == NULL)
                return;
        count = healer_patterns_match(healer->patterns, healer->now_ns, index, matches, 4);
        for (i = 0; i < count; i++) {
                if (matches[i].failure >= HEALER_FAILURE_COUNT ||
                    hlr_sub(matches[i].due_ns, healer->now_ns) < PATTERN_LEAD_NS)
                        continue;
                c = add(collector, HEALER_SOURCE_PATTERNS, index, HEALER_NONE,
                        (enum healer_failure)matches[i].failure, HEALER_METRIC_COUNT);
                if (c == NULL)
                        return;
                c->similarity = matches[i].similarity;
                c->pattern = matches[i].index;
                c->seen_ns = matches[i].sign_ns;
                c->eta_ns = matches[i].due_ns;
                c->eta_low_ns = healer->now_ns;
                c->eta_high_ns = hlr_add(matches[i].due_ns,
                                         hlr_sub(matches[i].due_ns, matches[i].sign_ns));
        }
}

static void comes_back(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        struct healer_recurrence recurrence;
        struct hlr_candidate *c;
        uint32_t failure;

        for (failure = 0; healer->patterns != NULL && failure < HEALER_FAILURE_COUNT; failure++) {
                if (healer->services[index].alarms[failure].id != 0 ||
                    !healer_patterns_recurs(healer->patterns, index, failure, &recurrence) ||
                    recurrence.next_ns <= hlr_add(healer->now_ns, PATTERN_LEAD_NS))
                        continue;
                c = add(collector, HEALER_SOURCE_HISTORY, index, HEALER_NONE,
                        (enum healer_failure)failure, HEALER_METRIC_COUNT);
                if (c == NULL)
                        return;
                c->similarity = recurrence.regularity;
                c->seen_ns = recurrence.last_ns;
                c->eta_ns = recurrence.next_ns;
                c->eta_low_ns = healer->now_ns;
                c->eta_high_ns = after(recurrence.next_ns, 0.4 * recurrence.period_s);
        }
}

static void looks_familiar(struct collector *collector, uint32_t index)
{
        struct healer *healer = collector->healer;
        double features[HEALER_FEATURE_COUNT], likeness;
        struct hlr_candidate *c;
        uint32_t failure;

        /* One failure has many places and says of all of them what was usual there. */
        if (healer->case_moments < HEALER_CASES_MIN ||
            hlr_sub(healer->now_ns, healer->cased_ns) < CASED_EVERY_NS)
                return;
        hlr_features(healer, index, features);
        likeness = healer_cases_likeness(&healer->cases, features, &failure);
        if (likeness < CASE_LIKENESS_MIN || failure >= HEALER_FAILURE_COUNT)
                return;
        c = add(collector, HEALER_SOURCE_HISTORY, healer->instances[index].service, index,
                (enum healer_failure)failure, HEALER_METRIC_COUNT);
        if (c == NULL)
                return;
        c->similarity = likeness;
        c->only_said = true; /* it knows that, and not what: others say what to do */
        c->seen_ns = healer->sample_ns;
        c->eta_ns = hlr_add(healer->now_ns, healer->config.prediction.horizon_ns / 2);
        c->eta_low_ns = healer->now_ns;
        c->eta_high_ns = hlr_add(healer->now_ns, healer->config.prediction.horizon_ns);
}

/* ---- all of them */

/* Whether anything that users feel is going on: a quick look that spares the rest. */
static bool moving(const struct hlr_instance *instance)
{
        return instance->quick[HLR_SIGNAL_ERRORS] > ERROR_FLOOR ||
               instance->quick[HLR_SIGNAL_QUEUE] > 0.5 ||
               instance->quick[HLR_SIGNAL_LATENCY] > 1.05 * instance->slow[HLR_SIGNAL_LATENCY];
}

/* Signs of different metrics at one instance speak for one another. */
static void join(struct collector *collector)
{
        double worth[HLR_CANDIDATES_MAX], together;
        uint32_t i, k, count = 0;
        bool known;

        for (i = 0; i < collector->count; i++) {
                known = false;
                for (k = 0; k < i; k++)
                        known = known || collector->out[k].metric == collector->out[i].metric;
                if (!known)
                        worth[count++] = collector->out[i].similarity;
        }
        if (count < 2)
                return;
        together = healer_joint(worth, count);
        for (i = 0; i < collector->count; i++)
                collector->out[i].similarity = fmax(collector->out[i].similarity, together);
}

uint32_t hlr_evidence_instance(struct healer *healer, uint32_t index, struct hlr_candidate *out)
{
        const struct hlr_instance *instance = &healer->instances[index];
        struct collector collector = {healer, out, 0};
        uint32_t newest = (instance->fine.count - 1) % HLR_TRACK;

        if (instance->process != HLR_UP || instance->command != 0)
                return 0;
        heartbeats_miss(&collector, index);
        crashes_again(&collector, index);
        if (instance->fine.count == 0 ||
            hlr_sub(healer->now_ns, instance->fine.at_ns[newest]) > STALE_NS)
                return collector.count;
        resource_lines(&collector, index);
        if (moving(instance) && !inherited(healer, instance->service)) {
                errors_double(&collector, index);
                latency_climbs(&collector, index);
                workers_fill(&collector, index);
                backlog_grows(&collector, index);
                answers_fail(&collector, index);
        }
        looks_familiar(&collector, index);
        join(&collector);
        return collector.count;
}

uint32_t hlr_evidence_service(struct healer *healer, uint32_t index, struct hlr_candidate *out)
{
        struct collector collector = {healer, out, 0};

        change_is_slow(&collector, index);
        load_will_grow(&collector, index);
        signs_match(&collector, index);
        comes_back(&collector, index);
        return collector.count;
}
