/* trend_guard.c - a weighted line through each signal, and a ledger of what it said.
 *
 * The line is the least-squares one with weights that halve every half life.
 * Its six sums are kept relative to the newest sample: when time moves on by d,
 * all of them are multiplied by 2^(-d/half life) and shifted, so that nothing
 * grows with the clock and an old sample costs no memory. Fit is the share of
 * the weighted variance that the line explains.
 *
 * The floor and the tightened limit belong to the guard as a whole: they are set
 * when the first prediction stands and undone when the last one is scored.
 */
#include "healer/trend_guard.h"
#include "healer/hlr_base.h"
#include "healer/hlr_math.h"

#include <math.h>

struct trend {
        double w, t, tt, x, xt, xx; /* weighted sums; t in s, <= 0, from the newest sample */
        int64_t newest_ns;
        uint64_t samples;
        double latest;
        bool above;   /* the limit is reached now */
        bool stands;  /* a prediction does */
        bool acted;
        bool quiet;   /* after a false alarm */
        int64_t due_at_ns;
        int64_t quiet_until_ns;
        uint64_t predictions;
        uint64_t scores[HEALER_TREND_SCORE_COUNT];
        uint64_t acted_scores[HEALER_TREND_SCORE_COUNT];
};

struct healer_trend_guard {
        struct healer_trend_guard_config c;
        int64_t now_ns;
        bool floor_is_ours;
        uint32_t limit_before; /* of the bulkhead; 0: not tightened */
        uint32_t limit_ours;
        struct trend trends[HEALER_TREND_SIGNAL_COUNT];
};

struct healer_trend_guard_config healer_trend_guard_config_defaults(void)
{
        return (struct healer_trend_guard_config){
                .size = sizeof(struct healer_trend_guard_config),
                .samples_min = 8,
                .half_life_ns = 10 * HLR_SECOND,
                .horizon_ns = 30 * HLR_SECOND,
                .fit_min = .6,
                .degrade_level = 1,
                .tighten_ratio = .8,
        };
}

const char *healer_trend_guard_config_check(const struct healer_trend_guard_config *c)
{
        if (c->samples_min < 3 || c->samples_min > 1000)
                return "samples_min: must be 3..1000";
        for (int i = 0; i < HEALER_TREND_SIGNAL_COUNT; i++)
                if (!(c->limits[i] >= 0 && c->limits[i] < (double)INFINITY))
                        return "limits: must be 0 or above, and finite";
        if (c->half_life_ns < HLR_MILLISECOND || c->half_life_ns > 86400 * HLR_SECOND)
                return "half_life_ns: must be 1 ms..1 d";
        if (c->horizon_ns < HLR_MILLISECOND || c->horizon_ns > 86400 * HLR_SECOND)
                return "horizon_ns: must be 1 ms..1 d";
        if (!(c->fit_min >= 0 && c->fit_min <= 1))
                return "fit_min: must be 0..1";
        if (c->degrade_level < 1 || c->degrade_level >= HEALER_DEGRADE_LEVELS_MAX ||
            (c->degrade && !healer_degrade_row(c->degrade, c->degrade_level)))
                return "degrade_level: must be a level of the ladder but the first";
        if (!(c->tighten_ratio > 0 && c->tighten_ratio < 1))
                return "tighten_ratio: must be above 0 and below 1";
        return NULL;
}

enum healer_err healer_trend_guard_create(const struct healer_trend_guard_config *config,
                                          struct healer_trend_guard **out)
{
        struct healer_trend_guard_config c = healer_trend_guard_config_defaults();
        struct healer_trend_guard *g;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_trend_guard_config_check(&c))
                return HEALER_E_RANGE;
        g = hlr_alloc(c.allocator, sizeof(*g));
        if (!g)
                return HEALER_E_NOMEM;
        g->c = c;
        g->now_ns = INT64_MIN;
        *out = g;
        return HEALER_OK;
}

/* ---- acting, and undoing it ---- */

static bool any_stands(const struct healer_trend_guard *g)
{
        for (int i = 0; i < HEALER_TREND_SIGNAL_COUNT; i++)
                if (g->trends[i].stands)
                        return true;
        return false;
}

static bool act(struct healer_trend_guard *g, int64_t due_at_ns)
{
        struct healer_bulkhead_counts counts;
        bool acted = false;

        if (g->c.degrade &&
            healer_degrade_floor(g->c.degrade, g->c.degrade_level, "foreseen", due_at_ns,
                                 g->now_ns) == HEALER_OK)
                acted = g->floor_is_ours = true;
        if (g->c.bulkhead && !g->limit_before) {
                healer_bulkhead_counts(g->c.bulkhead, &counts);
                g->limit_ours = (uint32_t)(counts.limit * g->c.tighten_ratio);
                if (g->limit_ours == 0)
                        g->limit_ours = 1;
                if (g->limit_ours < counts.limit &&
                    healer_bulkhead_set_limit(g->c.bulkhead, g->limit_ours) == HEALER_OK)
                        g->limit_before = counts.limit;
        }
        return acted || g->limit_before;
}

static void undo(struct healer_trend_guard *g)
{
        struct healer_bulkhead_counts counts;

        if (g->floor_is_ours)
                (void)healer_degrade_floor(g->c.degrade, 0, NULL, HEALER_NEVER, g->now_ns);
        g->floor_is_ours = false;
        if (!g->limit_before)
                return;
        healer_bulkhead_counts(g->c.bulkhead, &counts);
        if (counts.limit == g->limit_ours)
                (void)healer_bulkhead_set_limit(g->c.bulkhead, g->limit_before);
        g->limit_before = 0;
}

void healer_trend_guard_destroy(struct healer_trend_guard *g)
{
        if (!g)
                return;
        undo(g);
        hlr_free(g->c.allocator, g);
}

static void score(struct healer_trend_guard *g, struct trend *trend,
                  enum healer_trend_score how)
{
        struct healer_event event = {
                .at_ns = g->now_ns,
                .source_id = g->c.id,
                .type = HEALER_EVENT_PREDICTION_SCORED,
                .cause = how,
                .item = (uint32_t)(trend - g->trends),
                .value = trend->latest,
        };

        trend->scores[how]++;
        if (trend->stands && trend->acted)
                trend->acted_scores[how]++;
        trend->stands = trend->acted = false;
        healer_event_ring_put(g->c.events, &event);
        if (!any_stands(g))
                undo(g);
}

/* ---- the line ---- */

static void move_on(struct trend *trend, int64_t now_ns, int64_t half_life_ns)
{
        double d = (double)hlr_sub(now_ns, trend->newest_ns) / 1e9;
        double decay = hlr_exp(-0.69314718055994531 * d * 1e9 / (double)half_life_ns);

        trend->tt = (trend->tt - 2 * d * trend->t + d * d * trend->w) * decay;
        trend->xt = (trend->xt - d * trend->x) * decay;
        trend->t = (trend->t - d * trend->w) * decay;
        trend->w *= decay;
        trend->x *= decay;
        trend->xx *= decay;
        trend->newest_ns = now_ns;
}

static void add(struct trend *trend, double value)
{
        trend->w += 1;
        trend->x += value;
        trend->xx += value * value;
        trend->samples++;
        trend->latest = value;
}

/* False: nothing to draw a line through yet. `*here` is the line at the newest sample. */
static bool line(const struct trend *trend, uint32_t samples_min, double *slope_per_s,
                 double *here, double *fit)
{
        double spread = trend->w * trend->tt - trend->t * trend->t;
        double along = trend->w * trend->xt - trend->t * trend->x;
        double across = trend->w * trend->xx - trend->x * trend->x;

        if (trend->samples < samples_min || !(spread > 1e-12 * trend->w * trend->w))
                return false;
        *slope_per_s = along / spread;
        *here = (trend->x - *slope_per_s * trend->t) / trend->w;
        /* a flat signal has no variance, and no trend */
        *fit = across > 1e-12 * trend->xx * trend->w ? along * along / (spread * across) : 0;
        *fit = *fit > 1 ? 1 : *fit;
        return true;
}

/* In how many seconds the line reaches the limit; infinite: never. */
static double seconds_to(double limit, double here, double slope_per_s)
{
        if (here >= limit)
                return 0;
        return slope_per_s > 0 ? (limit - here) / slope_per_s : (double)INFINITY;
}

static void predict(struct healer_trend_guard *g, struct trend *trend, double limit)
{
        double slope_per_s, here, fit;

        if (trend->quiet && g->now_ns < trend->quiet_until_ns)
                return;
        trend->quiet = false;
        if (!line(trend, g->c.samples_min, &slope_per_s, &here, &fit) || fit < g->c.fit_min ||
            !(slope_per_s > 0) ||
            seconds_to(limit, here, slope_per_s) > (double)g->c.horizon_ns / 1e9)
                return;
        trend->stands = true;
        trend->predictions++;
        trend->due_at_ns = hlr_add(g->now_ns, g->c.horizon_ns);
        trend->acted = act(g, trend->due_at_ns);
}

/* ---- the calls ---- */

static void fall_due(struct healer_trend_guard *g, struct trend *trend)
{
        if (!trend->stands || g->now_ns < trend->due_at_ns)
                return;
        trend->quiet = true;
        trend->quiet_until_ns = hlr_add(g->now_ns, g->c.horizon_ns);
        score(g, trend, HEALER_TREND_FALSE_ALARM);
}

static void take(struct healer_trend_guard *g, struct trend *trend, double limit, double value)
{
        bool was_above = trend->above;

        if (trend->samples)
                move_on(trend, g->now_ns, g->c.half_life_ns);
        trend->newest_ns = g->now_ns;
        add(trend, value);
        trend->above = value >= limit;
        /* reached at the very due time is still a hit, later it is one no more */
        if (g->now_ns > trend->due_at_ns)
                fall_due(g, trend);
        if (trend->above && trend->stands)
                score(g, trend, HEALER_TREND_HIT);
        else if (trend->above && !was_above)
                score(g, trend, HEALER_TREND_MISS);
        fall_due(g, trend);
        if (!trend->above && !trend->stands)
                predict(g, trend, limit);
}

void healer_trend_guard_observe(struct healer_trend_guard *g,
                                const double values[HEALER_TREND_SIGNAL_COUNT], int64_t now_ns)
{
        g->now_ns = hlr_max(g->now_ns, now_ns);
        for (int i = 0; i < HEALER_TREND_SIGNAL_COUNT; i++) {
                if (g->c.limits[i] > 0 && fabs(values[i]) < (double)INFINITY)
                        take(g, &g->trends[i], g->c.limits[i], values[i]);
                else
                        fall_due(g, &g->trends[i]);
        }
}

void healer_trend_guard_poll(struct healer_trend_guard *g, int64_t now_ns)
{
        g->now_ns = hlr_max(g->now_ns, now_ns);
        for (int i = 0; i < HEALER_TREND_SIGNAL_COUNT; i++)
                fall_due(g, &g->trends[i]);
}

void healer_trend_guard_view(const struct healer_trend_guard *g, enum healer_trend_signal signal,
                             struct healer_trend_view *out)
{
        const struct trend *trend = &g->trends[(unsigned)signal % HEALER_TREND_SIGNAL_COUNT];
        double here, eta_s;

        *out = (struct healer_trend_view){
                .ewma = trend->samples ? trend->x / trend->w : (double)NAN,
                .slope_per_s = (double)NAN,
                .at_horizon = (double)NAN,
                .reaches_at_ns = HEALER_NEVER,
                .predicted = trend->stands,
                .acted = trend->acted,
                .due_at_ns = trend->stands ? trend->due_at_ns : 0,
                .predictions = trend->predictions,
        };
        for (int i = 0; i < HEALER_TREND_SCORE_COUNT; i++) {
                out->scores[i] = trend->scores[i];
                out->acted_scores[i] = trend->acted_scores[i];
        }
        if (!line(trend, g->c.samples_min, &out->slope_per_s, &here, &out->fit))
                return;
        out->at_horizon = here + out->slope_per_s * (double)g->c.horizon_ns / 1e9;
        eta_s = seconds_to(g->c.limits[signal], here, out->slope_per_s);
        if (eta_s < 1e9)
                out->reaches_at_ns = hlr_add(trend->newest_ns, hlr_from_double(eta_s * 1e9));
}
