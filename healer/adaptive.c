/* adaptive.c - three rules for moving a limit, and the client throttle.
 *
 * Samples go into atomic sums. Whoever finds the window old enough closes it:
 * takes the sums, moves the limit, begins the next. Samples that arrive in
 * between belong to one of the two windows; none waits.
 */
#include "healer/adaptive.h"
#include "healer/hlr_base.h"
#include "healer/hlr_math.h"
#include "healer/hlr_window.h"

#include <math.h>
#include <string.h>

enum { LONG_WINDOWS = 600, WARM_UP = 10, PROBE = 30, THROTTLE_BUCKETS = 60 };

struct window {
        double rtt_ns; /* mean */
        uint64_t in_flight;
        bool dropped;
        bool over_max;
};

struct healer_adaptive {
        _Alignas(64) _Atomic uint64_t in_flight;
        _Atomic uint64_t limit; /* whole calls */
        bool shared;
        struct healer_adaptive_config c;
        _Alignas(64) _Atomic uint64_t rejected;
        _Atomic int64_t ends_at_ns;
        _Atomic uint64_t closing;
        _Atomic uint64_t samples;
        _Atomic uint64_t rtt_sum_ns;
        _Atomic uint64_t in_flight_max;
        _Atomic uint64_t drops;
        _Atomic uint64_t over_max;
        /* owned by whoever closes */
        double exact_limit;
        double rtt_min_ns;
        double rtt_long_ns;
        uint64_t windows;
        uint64_t since_probe;
};

struct healer_adaptive_config healer_adaptive_config_defaults(enum healer_adaptive_kind kind)
{
        return (struct healer_adaptive_config){
                .size = sizeof(struct healer_adaptive_config),
                .kind = kind,
                .limit_first = 20,
                .limit_min = kind == HEALER_ADAPTIVE_VEGAS ? 1 : 20,
                .limit_max = kind == HEALER_ADAPTIVE_VEGAS ? 1000 : 200,
                .samples_min = 10,
                .window_ns = HLR_SECOND,
                .rtt_max_ns = 5 * HLR_SECOND,
                .backoff_ratio = 0.9,
        };
}

const char *healer_adaptive_config_check(const struct healer_adaptive_config *c)
{
        if (c->kind >= HEALER_ADAPTIVE_KIND_COUNT)
                return "kind: no such kind";
        if (c->limit_min < 1)
                return "limit_min: must be at least 1";
        if (c->limit_max < c->limit_min || c->limit_max > 1000000)
                return "limit_max: must be limit_min..1000000";
        if (c->limit_first < c->limit_min || c->limit_first > c->limit_max)
                return "limit_first: must be limit_min..limit_max";
        if (c->samples_min < 1)
                return "samples_min: must be at least 1";
        if (c->window_ns <= 0)
                return "window_ns: must be above 0";
        if (c->rtt_max_ns <= 0)
                return "rtt_max_ns: must be above 0";
        if (!(c->backoff_ratio >= 0.5 && c->backoff_ratio < 1))
                return "backoff_ratio: must be 0.5 up to below 1";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        return NULL;
}

enum healer_err healer_adaptive_create(const struct healer_adaptive_config *config,
                                       int64_t now_ns, struct healer_adaptive **out)
{
        struct healer_adaptive_config c = healer_adaptive_config_defaults(HEALER_ADAPTIVE_AIMD);
        struct healer_adaptive *a;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_adaptive_config_check(&c))
                return HEALER_E_RANGE;
        a = hlr_alloc(c.allocator, sizeof(*a));
        if (!a)
                return HEALER_E_NOMEM;
        a->c = c;
        a->shared = c.threads == HEALER_THREADS_MANY;
        a->exact_limit = c.limit_first;
        hlr_store(&a->limit, c.limit_first);
        hlr_store(&a->ends_at_ns, hlr_add(now_ns, c.window_ns));
        *out = a;
        return HEALER_OK;
}

void healer_adaptive_destroy(struct healer_adaptive *a)
{
        if (a)
                hlr_free(a->c.allocator, a);
}

bool healer_adaptive_acquire(struct healer_adaptive *a)
{
        uint64_t seen = hlr_load(&a->in_flight);

        while (seen < hlr_load(&a->limit))
                if (hlr_cas(&a->in_flight, &seen, seen + 1, a->shared))
                        return true;
        hlr_count(&a->rejected, 1, a->shared);
        return false;
}

/* ---- the three rules ---- */

static double aimd(const struct healer_adaptive *a, const struct window *w)
{
        if (w->dropped || w->over_max)
                return a->exact_limit * a->c.backoff_ratio;
        return 2 * (double)w->in_flight >= a->exact_limit ? a->exact_limit + 1 : a->exact_limit;
}

static double vegas(struct healer_adaptive *a, const struct window *w)
{
        double limit = a->exact_limit;
        double step = fmax(1, hlr_log(limit) * 0.43429448190325182765);
        double queue;

        if (a->rtt_min_ns == 0 || w->rtt_ns < a->rtt_min_ns ||
            (double)++a->since_probe >= PROBE * limit) {
                a->rtt_min_ns = w->rtt_ns;
                a->since_probe = 0;
        }
        if (w->dropped)
                return limit - step;
        if (2 * (double)w->in_flight < limit)
                return limit;
        queue = ceil(limit * (1 - a->rtt_min_ns / w->rtt_ns));
        if (queue <= step)
                return limit + 6 * step;
        if (queue < 3 * step)
                return limit + step;
        return queue > 6 * step ? limit - step : limit;
}

static void follow_long(struct healer_adaptive *a, double rtt_ns)
{
        double weight = a->windows <= WARM_UP ? 1.0 / (double)a->windows
                                              : 2.0 / (LONG_WINDOWS + 1);

        a->rtt_long_ns += (rtt_ns - a->rtt_long_ns) * weight;
        /* after a long overload the mean must not take hours to come down */
        if (a->rtt_long_ns > 2 * rtt_ns)
                a->rtt_long_ns *= 0.95;
}

static double gradient2(struct healer_adaptive *a, const struct window *w)
{
        double limit = a->exact_limit;
        double gradient;

        follow_long(a, w->rtt_ns);
        gradient = w->dropped ? 0.5
                              : fmax(0.5, fmin(1, 1.5 * a->rtt_long_ns / fmax(1, w->rtt_ns)));
        if (!w->dropped && 2 * (double)w->in_flight < limit)
                return limit;
        return 0.8 * limit + 0.2 * (gradient * limit + (gradient >= 1 ? 4 : 0));
}

static void move_limit(struct healer_adaptive *a, const struct window *w)
{
        double next;

        a->windows++;
        if (a->c.kind == HEALER_ADAPTIVE_AIMD)
                next = aimd(a, w);
        else if (a->c.kind == HEALER_ADAPTIVE_VEGAS)
                next = vegas(a, w);
        else
                next = gradient2(a, w);
        a->exact_limit = fmax(a->c.limit_min, fmin(a->c.limit_max, next));
        hlr_store_rel(&a->limit, (uint64_t)a->exact_limit);
}

static uint64_t take_out(struct healer_adaptive *a, _Atomic uint64_t *sum)
{
        uint64_t old = hlr_load(sum);

        if (a->shared)
                return atomic_exchange(sum, 0);
        hlr_store(sum, 0);
        return old;
}

static void close_window(struct healer_adaptive *a, int64_t now_ns)
{
        uint64_t idle = 0, samples;

        if (!hlr_cas(&a->closing, &idle, 1, a->shared))
                return;
        samples = hlr_load(&a->samples);
        if (now_ns >= hlr_load(&a->ends_at_ns) && samples >= a->c.samples_min) {
                struct window w;

                samples = take_out(a, &a->samples);
                w.rtt_ns = (double)take_out(a, &a->rtt_sum_ns) / (double)samples;
                w.in_flight = take_out(a, &a->in_flight_max);
                w.dropped = take_out(a, &a->drops) != 0;
                w.over_max = take_out(a, &a->over_max) != 0;
                move_limit(a, &w);
                hlr_store_rel(&a->ends_at_ns, hlr_add(now_ns, a->c.window_ns));
        }
        hlr_store_rel(&a->closing, 0);
}

void healer_adaptive_release(struct healer_adaptive *a, enum healer_adaptive_outcome outcome,
                             int64_t rtt_ns, int64_t now_ns)
{
        uint64_t in_flight = hlr_fetch_add(&a->in_flight, UINT64_MAX, a->shared);
        uint64_t most = hlr_load(&a->in_flight_max);

        if (outcome == HEALER_ADAPTIVE_IGNORED)
                return;
        hlr_count(&a->rtt_sum_ns, (uint64_t)hlr_max(0, rtt_ns), a->shared);
        if (outcome == HEALER_ADAPTIVE_DROPPED)
                hlr_count(&a->drops, 1, a->shared);
        if (rtt_ns > a->c.rtt_max_ns)
                hlr_count(&a->over_max, 1, a->shared);
        while (in_flight > most && !hlr_cas(&a->in_flight_max, &most, in_flight, a->shared))
                ;
        if (hlr_fetch_add(&a->samples, 1, a->shared) + 1 >= a->c.samples_min &&
            now_ns >= hlr_load(&a->ends_at_ns))
                close_window(a, now_ns);
}

uint32_t healer_adaptive_limit(const struct healer_adaptive *a)
{
        return (uint32_t)hlr_load_acq(&a->limit);
}

uint32_t healer_adaptive_in_flight(const struct healer_adaptive *a)
{
        return (uint32_t)hlr_load(&a->in_flight);
}

uint64_t healer_adaptive_rejected(const struct healer_adaptive *a)
{
        return hlr_load(&a->rejected);
}

/* ---- the client throttle ---- */

struct healer_throttle {
        struct healer_throttle_config c;
        struct hlr_window window; /* a_low: requests, a_high: accepts */
        struct hlr_bucket buckets[THROTTLE_BUCKETS];
};

struct healer_throttle_config healer_throttle_config_defaults(void)
{
        return (struct healer_throttle_config){
                .size = sizeof(struct healer_throttle_config),
                .window_ns = 120 * HLR_SECOND,
                .k = 2,
                .refuse_max = 0.9,
        };
}

const char *healer_throttle_config_check(const struct healer_throttle_config *c)
{
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        if (c->window_ns < 10 * HLR_MILLISECOND || c->window_ns > 86400 * HLR_SECOND)
                return "window_ns: must be 10 ms..1 d";
        if (!(c->k >= 1 && c->k <= 100))
                return "k: must be 1..100";
        if (!(c->refuse_max > 0 && c->refuse_max <= 1))
                return "refuse_max: must be above 0 and at most 1";
        return NULL;
}

enum healer_err healer_throttle_create(const struct healer_throttle_config *config,
                                       int64_t now_ns, struct healer_throttle **out)
{
        struct healer_throttle_config c = healer_throttle_config_defaults();
        struct healer_throttle *t;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_throttle_config_check(&c))
                return HEALER_E_RANGE;
        t = hlr_alloc(c.allocator, sizeof(*t));
        if (!t)
                return HEALER_E_NOMEM;
        t->c = c;
        hlr_window_init(&t->window, t->buckets, THROTTLE_BUCKETS, c.window_ns, now_ns,
                        c.threads == HEALER_THREADS_MANY);
        *out = t;
        return HEALER_OK;
}

void healer_throttle_destroy(struct healer_throttle *t)
{
        if (t)
                hlr_free(t->c.allocator, t);
}

static double refuse_ratio(const struct healer_throttle *t, const struct hlr_sums *sums)
{
        double requests = (double)sums->a_low;
        double p = (requests - t->c.k * (double)sums->a_high) / (requests + 1);

        return fmin(t->c.refuse_max, fmax(0, p));
}

bool healer_throttle_admit(struct healer_throttle *t, double u01, int64_t now_ns)
{
        struct hlr_sums sums = {0, 0, 0, 0};
        double p;

        /* decided by what came before, then counted */
        hlr_window_add(&t->window, 0, now_ns, 0, 0, &sums);
        p = refuse_ratio(t, &sums);
        hlr_window_add(&t->window, 0, now_ns, hlr_pack(1, 0), 0, &sums);
        return !(u01 < p);
}

void healer_throttle_accepted(struct healer_throttle *t, int64_t now_ns)
{
        struct hlr_sums sums;

        hlr_window_add(&t->window, 0, now_ns, hlr_pack(0, 1), 0, &sums);
}

double healer_throttle_refuse_ratio(const struct healer_throttle *t, int64_t now_ns)
{
        struct hlr_sums sums = hlr_window_sums(&t->window, 0, now_ns);

        return refuse_ratio(t, &sums);
}
