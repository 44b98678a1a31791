/* rate_limit.c - three ways to count, one compare-and-swap each.
 *
 * TOKEN_BUCKET keeps the theoretical arrival time `tat`: the instant at which
 * the bucket would be full again. n tokens move it from max(tat, now) by
 * n x cost; they may go if it then lies at most burst x cost ahead of now.
 *
 * FIXED_CYCLE keeps {cycle, used}. SLIDING_WINDOW keeps the times of the last
 * `permits` admissions in a ring: one may go if the oldest is a period old.
 * Each time carries the parity of its lap, which tells a place taken in this
 * lap, whose taker has not yet moved the head, from one still free; whoever
 * sees that moves the head for him.
 *
 * The newest time is kept by plain stores: between threads it may fall back by
 * as long as a thread was stopped, which costs less than a locked instruction
 * and can only let time stand still a little less exactly.
 */
#include "healer/rate_limit.h"
#include "healer/hlr_base.h"

struct healer_rate_limit {
        _Alignas(64) _Atomic int64_t tat_ns;
        _Atomic uint64_t cycle; /* {cycle, used} */
        _Atomic uint64_t head;
        _Atomic int64_t newest_ns;
        int64_t cost_ns;
        int64_t burst_ns;
        int64_t slack_ns; /* burst less one token, at most a quarter of all time */
        bool shared;
        int64_t base_ns;
        struct healer_rate_limit_config c;
        _Alignas(64) _Atomic uint64_t rejected;
        _Atomic uint64_t steps_back;
        _Atomic int64_t times[]; /* time x 2 + parity of its lap */
};

struct healer_rate_limit_config healer_rate_limit_config_defaults(void)
{
        return (struct healer_rate_limit_config){
                .size = sizeof(struct healer_rate_limit_config),
                .permits = 50,
                .burst = 50,
                .period_ns = HLR_SECOND,
        };
}

const char *healer_rate_limit_config_check(const struct healer_rate_limit_config *c)
{
        if (c->kind >= HEALER_RATE_KIND_COUNT)
                return "kind: no such kind";
        if (c->permits < 1 || c->permits > 1000000)
                return "permits: must be 1..1000000";
        if (c->burst < 1 || c->burst > 1000000)
                return "burst: must be 1..1000000";
        if (c->period_ns < (int64_t)c->permits * 1000)
                return "period_ns: must be at least 1 us per permit";
        if (c->period_ns > 366 * 86400 * HLR_SECOND)
                return "period_ns: must be at most 366 days";
        if (c->max_wait_ns < 0)
                return "max_wait_ns: must not be negative";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        return NULL;
}

enum healer_err healer_rate_limit_create(const struct healer_rate_limit_config *config,
                                         int64_t now_ns, struct healer_rate_limit **out)
{
        struct healer_rate_limit_config c = healer_rate_limit_config_defaults();
        struct healer_rate_limit *l;
        enum healer_err err;
        uint32_t places;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_rate_limit_config_check(&c))
                return HEALER_E_RANGE;
        places = c.kind == HEALER_RATE_SLIDING_WINDOW ? c.permits : 0;
        l = hlr_alloc(c.allocator, sizeof(*l) + places * sizeof(int64_t));
        if (!l)
                return HEALER_E_NOMEM;
        l->c = c;
        l->shared = c.threads == HEALER_THREADS_MANY;
        l->base_ns = now_ns;
        l->cost_ns = (c.period_ns + c.permits / 2) / c.permits;
        l->burst_ns = hlr_mul(l->cost_ns, c.burst);
        l->slack_ns = hlr_min(l->burst_ns - l->cost_ns, INT64_MAX / 4);
        hlr_store(&l->tat_ns, now_ns);
        hlr_store(&l->newest_ns, now_ns);
        for (uint32_t i = 0; i < places; i++)
                hlr_store(&l->times[i], INT64_MIN + 1); /* long ago, odd: of the lap before */
        *out = l;
        return HEALER_OK;
}

void healer_rate_limit_destroy(struct healer_rate_limit *l)
{
        if (l)
                hlr_free(l->c.allocator, l);
}

static inline int64_t observe(struct healer_rate_limit *l, int64_t now_ns)
{
        int64_t seen = hlr_load(&l->newest_ns);

        if (now_ns > seen) {
                hlr_store(&l->newest_ns, now_ns);
        } else if (now_ns < seen) {
                hlr_count(&l->steps_back, 1, l->shared);
                return seen;
        }
        return now_ns;
}

/* Admits if the wait would be at most `wait_max_ns`; else nothing changes. */
static inline bool take_tokens(struct healer_rate_limit *l, uint32_t count, int64_t wait_max_ns,
                               int64_t now_ns, int64_t *wait_ns)
{
        int64_t tat = hlr_load(&l->tat_ns);
        int64_t cost = count == 1 ? l->cost_ns : hlr_mul(l->cost_ns, count);

        for (;;) {
                int64_t next = hlr_add(hlr_max(tat, now_ns), cost);

                *wait_ns = hlr_max(0, hlr_sub(hlr_sub(next, now_ns), l->burst_ns));
                if (*wait_ns > wait_max_ns)
                        return false;
                if (HLR_LIKELY(hlr_cas_i64(&l->tat_ns, &tat, next, l->shared)))
                        return true;
        }
}

static bool take_in_cycle(struct healer_rate_limit *l, uint32_t count, int64_t now_ns,
                          int64_t *wait_ns)
{
        uint64_t number = (uint64_t)hlr_max(0, hlr_sub(now_ns, l->base_ns)) /
                          (uint64_t)l->c.period_ns;
        uint64_t seen = hlr_load(&l->cycle);

        for (;;) {
                uint32_t used = (int32_t)(uint32_t)((seen >> 32) - number) >= 0 ? (uint32_t)seen : 0;
                uint64_t cycle = used ? seen >> 32 : number & UINT32_MAX;

                if (used + count > l->c.permits) {
                        *wait_ns = hlr_sub(hlr_add(l->base_ns,
                                                   hlr_mul((int64_t)number + 1, l->c.period_ns)),
                                           now_ns);
                        return false;
                }
                *wait_ns = 0;
                if (hlr_cas(&l->cycle, &seen, cycle << 32 | (used + count), l->shared))
                        return true;
        }
}

static int64_t time_of(int64_t place)
{
        return place >> 1;
}

static bool take_in_window(struct healer_rate_limit *l, int64_t now_ns, int64_t *wait_ns)
{
        /* a time keeps 63 bits of the nanosecond */
        int64_t now = hlr_max(INT64_MIN / 2, hlr_min(now_ns, INT64_MAX / 2));

        for (;;) {
                uint64_t head = hlr_load_acq(&l->head);
                _Atomic int64_t *place = &l->times[head % l->c.permits];
                int64_t lap = (int64_t)(head / l->c.permits & 1);
                int64_t seen = hlr_load_acq(place);

                if ((seen & 1) == lap) { /* taken, the head not yet moved */
                        hlr_cas(&l->head, &head, head + 1, l->shared);
                        continue;
                }
                *wait_ns = hlr_max(0, hlr_sub(hlr_add(time_of(seen), l->c.period_ns), now));
                if (*wait_ns > 0)
                        return false;
                if (!hlr_cas_i64(place, &seen, now * 2 + lap, l->shared))
                        continue;
                hlr_cas(&l->head, &head, head + 1, l->shared);
                return true;
        }
}

static enum healer_rate_limit_verdict take(struct healer_rate_limit *l, uint32_t count,
                                           int64_t wait_max_ns, int64_t now_ns, int64_t *wait_ns)
{
        uint32_t most = l->c.kind == HEALER_RATE_TOKEN_BUCKET  ? l->c.burst
                        : l->c.kind == HEALER_RATE_FIXED_CYCLE ? l->c.permits
                                                               : 1;
        bool taken;

        *wait_ns = 0;
        if (HLR_UNLIKELY(count == 0 || count > most))
                return count ? HEALER_RATE_TOO_MANY : HEALER_RATE_OK;
        now_ns = observe(l, now_ns);
        if (HLR_LIKELY(l->c.kind == HEALER_RATE_TOKEN_BUCKET))
                taken = take_tokens(l, count, wait_max_ns, now_ns, wait_ns);
        else if (l->c.kind == HEALER_RATE_FIXED_CYCLE)
                taken = take_in_cycle(l, count, now_ns, wait_ns);
        else
                taken = take_in_window(l, now_ns, wait_ns);
        if (HLR_LIKELY(taken))
                return HEALER_RATE_OK;
        hlr_count(&l->rejected, 1, l->shared);
        return HEALER_RATE_REJECT;
}

/* One token, there already, and nobody in the way: the common case, in a few
 * instructions. False: nothing was done, ask take(). */
static inline bool take_one_token(struct healer_rate_limit *l, int64_t now_ns)
{
        int64_t tat = hlr_load(&l->tat_ns);
        int64_t from, next;

        if (HLR_UNLIKELY(l->c.kind != HEALER_RATE_TOKEN_BUCKET || now_ns < hlr_load(&l->newest_ns) ||
                         now_ns > INT64_MAX / 2 || now_ns < -INT64_MAX / 2))
                return false;
        from = tat > now_ns ? tat : now_ns;
        if (HLR_UNLIKELY(from > now_ns + l->slack_ns))
                return false;
        next = from + l->cost_ns;
        if (HLR_UNLIKELY(!hlr_cas_i64(&l->tat_ns, &tat, next, l->shared)))
                return false;
        hlr_store(&l->newest_ns, now_ns);
        return true;
}

enum healer_rate_limit_verdict healer_rate_limit_acquire(struct healer_rate_limit *l,
                                                         uint32_t count, int64_t now_ns,
                                                         int64_t *retry_after_ns)
{
        enum healer_rate_limit_verdict verdict;
        int64_t wait_ns;

        if (HLR_LIKELY(count == 1 && take_one_token(l, now_ns))) {
                if (retry_after_ns)
                        *retry_after_ns = 0;
                return HEALER_RATE_OK;
        }
        verdict = take(l, count, 0, now_ns, &wait_ns);

        if (retry_after_ns)
                *retry_after_ns = verdict == HEALER_RATE_REJECT ? wait_ns : 0;
        return verdict;
}

enum healer_rate_limit_verdict healer_rate_limit_reserve(struct healer_rate_limit *l,
                                                         uint32_t count, int64_t now_ns,
                                                         int64_t *wait_ns)
{
        return take(l, count, l->c.max_wait_ns, now_ns, wait_ns);
}

void healer_rate_limit_give_back(struct healer_rate_limit *l, uint32_t count)
{
        uint64_t cycle = hlr_load(&l->cycle);
        int64_t tat = hlr_load(&l->tat_ns);

        if (l->c.kind == HEALER_RATE_TOKEN_BUCKET)
                while (!hlr_cas_i64(&l->tat_ns, &tat, hlr_sub(tat, hlr_mul(l->cost_ns, count)),
                                    l->shared))
                        ;
        else if (l->c.kind == HEALER_RATE_FIXED_CYCLE)
                while ((uint32_t)cycle >= count &&
                       !hlr_cas(&l->cycle, &cycle, cycle - count, l->shared))
                        ;
}

static uint32_t left_in_window(const struct healer_rate_limit *l, int64_t now_ns)
{
        uint32_t left = 0;

        for (uint32_t i = 0; i < l->c.permits; i++)
                left += hlr_sub(now_ns, time_of(hlr_load(&l->times[i]))) >= l->c.period_ns;
        return left;
}

uint32_t healer_rate_limit_left(const struct healer_rate_limit *l, int64_t now_ns)
{
        int64_t now = hlr_max(now_ns, hlr_load(&l->newest_ns));
        uint64_t number = (uint64_t)hlr_max(0, hlr_sub(now, l->base_ns)) / (uint64_t)l->c.period_ns;
        uint64_t cycle = hlr_load(&l->cycle);
        int64_t ahead = hlr_max(0, hlr_sub(hlr_load(&l->tat_ns), now));

        if (l->c.kind == HEALER_RATE_TOKEN_BUCKET)
                return (uint32_t)(hlr_max(0, hlr_sub(l->burst_ns, ahead)) / l->cost_ns);
        if (l->c.kind == HEALER_RATE_FIXED_CYCLE)
                return cycle >> 32 == (number & UINT32_MAX) ? l->c.permits - (uint32_t)cycle
                                                            : l->c.permits;
        return left_in_window(l, now);
}

void healer_rate_limit_counts(const struct healer_rate_limit *l, uint64_t *rejected,
                              uint64_t *time_went_back)
{
        *rejected = hlr_load(&l->rejected);
        *time_went_back = hlr_load(&l->steps_back);
}
