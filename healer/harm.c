/* harm.c - what callers suffer, so that an action can be seen to help or not.
 *
 * Alarms say that something is wrong; they do not say whether it is less wrong
 * than before. Here the share of bad calls of each edge is kept for the last
 * samples: calls that failed, and of the others those that were later than the
 * callee's objective, as far as three quantiles tell. The harm around a service
 * is that of its users, who call in from outside and need it, near or far; and
 * that of its own callers.
 *
 * What is refused on purpose is harm as well: refusing a part of the calls has
 * helped only if more is gained by it than is refused.
 *
 * A sample costs O(1). A question costs O(edges x depth); it is asked when an
 * action begins and while its effect is awaited.
 */
#include "healer/hlr_supervisor.h"

#define HARM_SAMPLES 3   /* tell what was suffered before an action */
#define CALLS_MIN 10.0
#define LESS_RATIO 0.8   /* of the harm before: it helped */
#define FELT_SHARE 0.02  /* less of it could not be told from chance */
#define MORE_RATIO 1.25  /* of the harm before, and ... */
#define MORE_SHARE 0.03  /* ... so much of all calls: it made things worse */

/* The share of calls above `limit_s`, from three points of their distribution. */
static double late_share(const struct healer_edge_sample *sample, double limit_s)
{
        if (sample->latency_p50_s > limit_s)
                return 0.75;
        if (sample->latency_p95_s > limit_s)
                return 0.25;
        return sample->latency_p99_s > limit_s ? 0.03 : 0;
}

void hlr_harm_add(const struct healer *healer, struct hlr_edge *edge,
                  const struct healer_edge_sample *sample, int64_t at_ns)
{
        double objective_s = healer->services[edge->to].objective_s;
        double limit_s = healer->config.detection.thresholds[HEALER_METRIC_LATENCY].warning;
        double failed = isnan(sample->error_ratio) ? 0 : fmin(1, fmax(0, sample->error_ratio));
        uint32_t at = edge->harm_count++ % HLR_HARM;

        if (!isinf(objective_s))
                limit_s = objective_s;
        edge->harm_at_ns[at] = at_ns;
        edge->harm_calls[at] = (float)sample->calls;
        edge->harm_bad[at] = (float)((double)sample->calls *
                                     (failed + (1 - failed) * late_share(sample, limit_s)));
}

struct sum {
        double calls, bad;
};

static void add_edge(const struct hlr_edge *edge, int64_t from_ns, int64_t to_ns, struct sum *sum)
{
        uint32_t known = edge->harm_count < HLR_HARM ? edge->harm_count : HLR_HARM;
        uint32_t i;

        for (i = 0; i < known; i++) {
                if (edge->harm_at_ns[i] <= from_ns || edge->harm_at_ns[i] > to_ns)
                        continue;
                sum->calls += (double)edge->harm_calls[i];
                sum->bad += (double)edge->harm_bad[i];
        }
}

/* Marks the services that need this one, itself among them. */
static void mark_callers(struct healer *healer, uint32_t service)
{
        bool more = true;
        uint32_t i;

        for (i = 0; i < healer->service_count; i++)
                healer->services[i].reached = i == service;
        while (more) {
                more = false;
                for (i = 0; i < healer->edge_count; i++) {
                        if (healer->edges[i].from == HEALER_NONE ||
                            !healer->services[healer->edges[i].to].reached ||
                            healer->services[healer->edges[i].from].reached)
                                continue;
                        healer->services[healer->edges[i].from].reached = true;
                        more = true;
                }
        }
}

static double share_of(const struct sum *sum)
{
        return sum->calls >= CALLS_MIN ? sum->bad / sum->calls : NAN;
}

struct hlr_harm hlr_harm_of(struct healer *healer, uint32_t service, int64_t from_ns,
                            int64_t to_ns)
{
        struct sum users = {0, 0}, own = {0, 0};
        const struct hlr_edge *edge;
        struct hlr_harm harm;
        uint32_t i;

        mark_callers(healer, service);
        for (i = 0; i < healer->edge_count; i++) {
                edge = &healer->edges[i];
                if (edge->from == HEALER_NONE && healer->services[edge->to].reached)
                        add_edge(edge, from_ns, to_ns, &users);
                if (edge->to == service)
                        add_edge(edge, from_ns, to_ns, &own);
        }
        harm.users = share_of(&users);
        harm.own = share_of(&own);
        return harm;
}

/* Users who hardly notice tell little: then it is the callers who count. */
static bool users_count(struct hlr_harm before, struct hlr_harm after)
{
        return !isnan(before.users) && !isnan(after.users) &&
               fmax(before.users, after.users) > MORE_SHARE;
}

bool hlr_harm_felt(struct hlr_harm before, struct hlr_harm after)
{
        return users_count(before, after) || (before.own > FELT_SHARE && !isnan(after.own));
}

struct hlr_harm hlr_harm_before(struct healer *healer, uint32_t service)
{
        int64_t interval_ns = healer->interval_seen_ns, from_ns;
        struct hlr_harm sample, whole, since;
        int samples = HARM_SAMPLES;

        for (; samples > 1; samples--) {
                from_ns = hlr_sub(healer->now_ns, samples * interval_ns - 1);
                sample = hlr_harm_of(healer, service, from_ns, hlr_add(from_ns, interval_ns));
                if (hlr_harm_felt(sample, sample))
                        break;
        }
        whole = hlr_harm_of(healer, service,
                            hlr_sub(healer->now_ns, HARM_SAMPLES * interval_ns - 1),
                            healer->now_ns);
        since = hlr_harm_of(healer, service, hlr_sub(healer->now_ns, samples * interval_ns - 1),
                            healer->now_ns);
        return (struct hlr_harm){isnan(since.users) ? whole.users : since.users,
                                 isnan(since.own) ? whole.own : since.own};
}

struct hlr_harm hlr_harm_lately(struct healer *healer, uint32_t service)
{
        return hlr_harm_of(healer, service,
                           hlr_sub(healer->now_ns, 2 * healer->interval_seen_ns - 1),
                           healer->now_ns);
}

bool hlr_harm_less(struct hlr_harm before, struct hlr_harm after)
{
        if (users_count(before, after))
                return after.users < LESS_RATIO * before.users;
        return after.own < LESS_RATIO * before.own; /* false for NaN */
}

bool hlr_harm_more(struct hlr_harm before, struct hlr_harm after)
{
        if (users_count(before, after))
                return after.users > MORE_RATIO * before.users + MORE_SHARE;
        return after.own > MORE_RATIO * before.own + MORE_SHARE;
}
