/* survival.c - the Kaplan-Meier curve and what is read off it.
 *
 * The curve is kept as its steps, one for each distinct time with an event. The variance of the
 * restricted mean is the sum over steps of (area under S from the step to tau)^2 d / (r (r - d)),
 * gathered from the last step backwards so that each area is one addition.
 *
 * A step that takes S to 0 adds an infinite Greenwood term to a curve that is 0: the product is 0
 * and the term is left out, as in R's survival package.
 */
#include "reports/stats/survival.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/stats/distribution.h"
#include "reports/stats/sample.h"

struct observation {
        double time;
        bool ended;
};

struct stats_survival {
        struct stats_survival_step *steps;
        size_t step_count;
        size_t n;
        size_t events;
        double time_max; /* the longest watched */
};

static int compare_observations(const void *left, const void *right)
{
        const struct observation *a = left, *b = right;

        return (a->time > b->time) - (a->time < b->time);
}

static void add_step(struct stats_survival *survival, double time, size_t at_risk, size_t events)
{
        const struct stats_survival_step *last =
                survival->step_count ? &survival->steps[survival->step_count - 1] : NULL;
        struct stats_survival_step step = {.time = time, .at_risk = at_risk, .events = events};
        double left = (double)(at_risk - events), risk = (double)at_risk;

        step.survival = (last ? last->survival : 1) * (left / risk);
        step.greenwood = last ? last->greenwood : 0;
        if (left > 0)
                step.greenwood += (double)events / (risk * left);
        survival->steps[survival->step_count++] = step;
}

static void build_steps(struct stats_survival *survival, const struct observation *sorted)
{
        size_t n = survival->n;
        size_t i, j, events;

        for (i = 0; i < n; i = j) {
                events = 0;
                for (j = i; j < n && sorted[j].time == sorted[i].time; j++)
                        events += sorted[j].ended;
                if (events)
                        add_step(survival, sorted[i].time, n - i, events);
                survival->events += events;
        }
        if (n)
                survival->time_max = sorted[n - 1].time;
}

struct stats_survival *stats_survival_create(const double *times, const bool *ended, size_t n)
{
        struct stats_survival *survival = calloc(1, sizeof(*survival));
        struct observation *sorted = malloc((n ? n : 1) * sizeof(*sorted));
        size_t i;

        if (!survival || !sorted)
                goto no_memory;
        survival->steps = malloc((n ? n : 1) * sizeof(*survival->steps));
        if (!survival->steps)
                goto no_memory;
        survival->n = n;
        for (i = 0; i < n; i++)
                sorted[i] = (struct observation){.time = times[i], .ended = ended[i]};
        qsort(sorted, n, sizeof(*sorted), compare_observations);
        build_steps(survival, sorted);
        free(sorted);
        return survival;
no_memory:
        free(sorted);
        stats_survival_destroy(survival);
        return NULL;
}

void stats_survival_destroy(struct stats_survival *survival)
{
        if (!survival)
                return;
        free(survival->steps);
        free(survival);
}

size_t stats_survival_n(const struct stats_survival *survival)
{
        return survival->n;
}

size_t stats_survival_events(const struct stats_survival *survival)
{
        return survival->events;
}

const struct stats_survival_step *stats_survival_steps(const struct stats_survival *survival,
                                                       size_t *count)
{
        *count = survival->step_count;
        return survival->steps;
}

static double normal_of(double confidence)
{
        assert(confidence > 0 && confidence < 1);
        return stats_normal_quantile_upper((1 - confidence) / 2);
}

/* The limit of S at a step, z > 0 for the upper one: S^exp(-z sd(log(-log S))). Where S is 1 or 0
 * there is none and S itself is returned. */
static double survival_limit(const struct stats_survival_step *step, double z)
{
        double log_survival = log(step->survival);

        if (step->survival <= 0 || step->survival >= 1)
                return step->survival;
        return pow(step->survival, exp(-z * sqrt(step->greenwood) / fabs(log_survival)));
}

static const struct stats_survival_step *step_at(const struct stats_survival *survival, double time)
{
        const struct stats_survival_step *found = NULL;
        size_t i;

        for (i = 0; i < survival->step_count && survival->steps[i].time <= time; i++)
                found = &survival->steps[i];
        return found;
}

struct stats_interval stats_survival_at(const struct stats_survival *survival, double time,
                                        double confidence)
{
        const struct stats_survival_step *step = step_at(survival, time);
        struct stats_interval out = {.n = survival->n};
        double z = normal_of(confidence);

        /* Beyond the last observation the curve is known only if it is 0. */
        if (survival->n == 0 || (time > survival->time_max && !(step && step->survival <= 0)))
                return out;
        out = stats_interval_value_only(step ? step->survival : 1, survival->n);
        if (!step || step->survival <= 0)
                return out;
        out.low = survival_limit(step, -z);
        out.high = survival_limit(step, z);
        out.has_low = out.has_high = true;
        return out;
}

/* ---------------------------------------------------------------------------- restricted mean */

/* tau, or less where the curve is not known so far. */
static double tau_observable(const struct stats_survival *survival, double tau)
{
        bool reaches_zero =
                survival->step_count && survival->steps[survival->step_count - 1].survival <= 0;

        return reaches_zero ? tau : fmin(tau, survival->time_max);
}

/* Area under S up to tau, S staying flat after the last step; and its variance. */
static double area_below(const struct stats_survival *survival, double tau, double *variance)
{
        double area = 0, end = tau;
        double risk, left;
        size_t i;

        *variance = 0;
        for (i = survival->step_count; i > 0; i--) {
                const struct stats_survival_step *step = &survival->steps[i - 1];

                if (step->time >= tau)
                        continue;
                area += step->survival * (end - step->time);
                end = step->time;
                risk = (double)step->at_risk;
                left = risk - (double)step->events;
                if (left > 0)
                        *variance += area * area * (double)step->events / (risk * left);
        }
        return area + end;
}

static size_t events_until(const struct stats_survival *survival, double tau)
{
        size_t events = 0, i;

        for (i = 0; i < survival->step_count && survival->steps[i].time <= tau; i++)
                events += survival->steps[i].events;
        return events;
}

struct stats_restricted_mean stats_survival_restricted_mean(const struct stats_survival *survival,
                                                            double tau, double confidence)
{
        struct stats_restricted_mean out = {.interval.n = survival->n};
        double z = normal_of(confidence);
        double mean, variance;

        assert(tau > 0);
        if (survival->n == 0)
                return out;
        out.tau = tau_observable(survival, tau);
        out.events = events_until(survival, out.tau);
        mean = area_below(survival, out.tau, &variance);
        out.interval = stats_interval_value_only(mean, survival->n);
        if (!(variance > 0) || !isfinite(variance))
                return out;
        out.standard_error = sqrt(variance);
        out.interval = stats_interval_around(mean, z * out.standard_error, survival->n);
        stats_interval_clamp(&out.interval, 0, out.tau);
        return out;
}

static int compare_sizes(const void *left, const void *right)
{
        size_t a = *(const size_t *)left, b = *(const size_t *)right;

        return (a > b) - (a < b);
}

/* The distinct numbers of `clusters`, ascending, in memory the caller frees; NULL if none. */
static size_t *distinct(const size_t *clusters, size_t n, size_t *count)
{
        size_t *names = malloc((n ? n : 1) * sizeof(*names));
        size_t i;

        *count = 0;
        if (!names)
                return NULL;
        for (i = 0; i < n; i++)
                names[i] = clusters[i];
        qsort(names, n, sizeof(*names), compare_sizes);
        for (i = 0; i < n; i++) {
                if (i == 0 || names[i] != names[*count - 1])
                        names[(*count)++] = names[i];
        }
        return names;
}

struct subset {
        double *times;
        bool *ended;
};

/* Restricted mean to tau of the observations outside one cluster; false when memory is short. */
static bool mean_without(const double *times, const bool *ended, const size_t *clusters, size_t n,
                         size_t left_out, double tau, const struct subset *space, double *mean)
{
        struct stats_survival *survival;
        double variance;
        size_t kept = 0, i;

        for (i = 0; i < n; i++) {
                if (clusters[i] == left_out)
                        continue;
                space->times[kept] = times[i];
                space->ended[kept++] = ended[i];
        }
        survival = stats_survival_create(space->times, space->ended, kept);
        if (!survival)
                return false;
        *mean = area_below(survival, tau, &variance);
        stats_survival_destroy(survival);
        return true;
}

bool stats_restricted_mean_clustered(const double *times, const bool *ended, const size_t *clusters,
                                     size_t n, double tau, double confidence,
                                     struct stats_restricted_mean *out)
{
        struct stats_survival *all = stats_survival_create(times, ended, n);
        struct subset space = {.times = malloc((n + 1) * sizeof(*space.times)),
                               .ended = malloc((n + 1) * sizeof(*space.ended))};
        size_t count = 0, i;
        size_t *names = distinct(clusters, n, &count);
        double *means = malloc((n + 1) * sizeof(*means));
        bool ok = all && space.times && space.ended && names && means;
        struct stats_moments spread;
        double t;

        if (!ok)
                goto done;
        *out = stats_survival_restricted_mean(all, tau, confidence);
        out->interval = stats_interval_value_only(out->interval.value, count);
        out->interval.has_value = n > 0;
        out->standard_error = 0;
        if (count < 2)
                goto done;
        for (i = 0; i < count && ok; i++)
                ok = mean_without(times, ended, clusters, n, names[i], out->tau, &space, &means[i]);
        spread = stats_moments(means, count);
        if (!ok || !spread.has_spread)
                goto done;
        out->standard_error = sqrt(spread.squares * (double)(count - 1) / (double)count);
        t = stats_t_quantile_upper((1 - confidence) / 2, (double)(count - 1));
        out->interval = stats_interval_around(out->interval.value, t * out->standard_error, count);
        stats_interval_clamp(&out->interval, 0, out->tau);
done:
        free(means);
        free(names);
        free(space.ended);
        free(space.times);
        stats_survival_destroy(all);
        return ok;
}

/* ---------------------------------------------------------------------------------- quantiles */

enum curve {
        CURVE_ITSELF,
        CURVE_LOWER_LIMIT,
        CURVE_UPPER_LIMIT,
};

static double curve_at(const struct stats_survival_step *step, enum curve curve, double z)
{
        if (curve == CURVE_ITSELF)
                return step->survival;
        return survival_limit(step, curve == CURVE_UPPER_LIMIT ? z : -z);
}

/* Where the flat piece after step i ends: at the next step, or with the last observation. */
static double flat_until(const struct stats_survival *survival, size_t i)
{
        return i + 1 < survival->step_count ? survival->steps[i + 1].time : survival->time_max;
}

/* Least time where the curve is at or below `share`; the middle of the flat piece if it is just
 * there. False if it never comes down so far. */
static bool crossing(const struct stats_survival *survival, double share, enum curve curve,
                     double z, double *time)
{
        const double same = 1.5e-8; /* products of r - d over r that should be equal to `share` */
        const struct stats_survival_step *steps = survival->steps;
        size_t i;

        for (i = 0; i < survival->step_count; i++) {
                double level = curve_at(&steps[i], curve, z);

                if (level > share + same)
                        continue;
                if (curve != CURVE_ITSELF && steps[i].survival <= 0)
                        return false; /* a curve that is 0 has no limits */
                *time = steps[i].time;
                if (fabs(level - share) <= same)
                        *time = steps[i].time / 2 + flat_until(survival, i) / 2;
                return true;
        }
        return false;
}

struct stats_interval stats_survival_quantile(const struct stats_survival *survival, double q,
                                              double confidence)
{
        struct stats_interval out = {.n = survival->n};
        double z = normal_of(confidence);

        assert(q > 0 && q < 1);
        if (survival->n < stats_quantile_n_min(q))
                return out;
        out.has_value = crossing(survival, 1 - q, CURVE_ITSELF, z, &out.value);
        if (!out.has_value)
                return out;
        out.has_low = crossing(survival, 1 - q, CURVE_LOWER_LIMIT, z, &out.low);
        out.has_high = crossing(survival, 1 - q, CURVE_UPPER_LIMIT, z, &out.high);
        return out;
}
