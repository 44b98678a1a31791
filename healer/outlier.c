/* outlier.c - who is out of the pool, until when, and how many may be.
 *
 * A member's row of failures and its calls in the sweep are atomics that any
 * thread adds to. Ejecting takes one place from a common count by compare and
 * swap, so the maximum holds whoever ejects; `out_until` then shuts the member
 * out. Only the sweep lets it in again.
 */
#include "healer/outlier.h"
#include "healer/hlr_base.h"

struct member {
        _Atomic uint64_t row;
        _Atomic uint64_t calls; /* {failed, calls} of this sweep */
        _Atomic int64_t out_until_ns; /* INT64_MIN: in */
        _Atomic uint64_t multiplier;
};

struct healer_outlier {
        _Alignas(64) _Atomic uint64_t ejected;
        uint64_t ejected_max;
        bool shared;
        struct healer_outlier_config c;
        int64_t sweep_at_ns;
        struct member members[];
};

struct healer_outlier_config healer_outlier_config_defaults(void)
{
        return (struct healer_outlier_config){
                .size = sizeof(struct healer_outlier_config),
                .members = 1,
                .failures_in_row = 5,
                .calls_min = 50,
                .failure_percent = 85,
                .ejected_max_percent = 10,
                .panic_percent = 50,
                .sweep_ns = 10 * HLR_SECOND,
                .out_for_ns = 30 * HLR_SECOND,
                .out_for_max_ns = 300 * HLR_SECOND,
        };
}

static bool percent(double x)
{
        return x > 0 && x <= 100;
}

const char *healer_outlier_config_check(const struct healer_outlier_config *c)
{
        if (c->members < 1 || c->members > 100000)
                return "members: must be 1..100000";
        if (c->failures_in_row < 1)
                return "failures_in_row: must be at least 1";
        if (c->calls_min < 1)
                return "calls_min: must be at least 1";
        if (!percent(c->failure_percent))
                return "failure_percent: must be above 0 and at most 100";
        if (!percent(c->ejected_max_percent))
                return "ejected_max_percent: must be above 0 and at most 100";
        if (!(c->panic_percent >= 0 && c->panic_percent <= 100))
                return "panic_percent: must be 0..100";
        if (c->sweep_ns <= 0)
                return "sweep_ns: must be above 0";
        if (c->out_for_ns <= 0)
                return "out_for_ns: must be above 0";
        if (c->out_for_max_ns < c->out_for_ns)
                return "out_for_max_ns: must not be below out_for_ns";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        return NULL;
}

enum healer_err healer_outlier_create(const struct healer_outlier_config *config, int64_t now_ns,
                                      struct healer_outlier **out)
{
        struct healer_outlier_config c = healer_outlier_config_defaults();
        struct healer_outlier *o;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_outlier_config_check(&c))
                return HEALER_E_RANGE;
        o = hlr_alloc(c.allocator, sizeof(*o) + c.members * sizeof(struct member));
        if (!o)
                return HEALER_E_NOMEM;
        o->c = c;
        o->shared = c.threads == HEALER_THREADS_MANY;
        o->ejected_max = (uint64_t)hlr_max(1, (int64_t)(c.members * c.ejected_max_percent / 100));
        o->sweep_at_ns = hlr_add(now_ns, c.sweep_ns);
        for (uint32_t i = 0; i < c.members; i++)
                hlr_store(&o->members[i].out_until_ns, INT64_MIN);
        *out = o;
        return HEALER_OK;
}

void healer_outlier_destroy(struct healer_outlier *o)
{
        if (o)
                hlr_free(o->c.allocator, o);
}

static void tell(struct healer_outlier *o, uint32_t type, uint32_t member, int64_t now_ns)
{
        struct healer_event event = {
                .at_ns = now_ns,
                .source_id = o->c.id,
                .type = type,
                .from = type == HEALER_EVENT_MEMBER_RETURNED,
                .to = type == HEALER_EVENT_MEMBER_EJECTED,
                .item = member,
                .value = (double)hlr_load(&o->ejected),
        };

        healer_event_ring_put(o->c.events, &event);
}

static void eject(struct healer_outlier *o, uint32_t i, int64_t now_ns)
{
        struct member *m = &o->members[i];
        uint64_t ejected = hlr_load(&o->ejected);
        int64_t in = INT64_MIN;
        int64_t out_for = hlr_min(o->c.out_for_max_ns,
                                  hlr_mul(o->c.out_for_ns,
                                          (int64_t)hlr_load(&m->multiplier) + 1));

        if (hlr_load(&m->out_until_ns) != INT64_MIN)
                return;
        do {
                if (ejected >= o->ejected_max)
                        return;
        } while (!hlr_cas(&o->ejected, &ejected, ejected + 1, o->shared));
        if (!hlr_cas_i64(&m->out_until_ns, &in, hlr_add(now_ns, out_for), o->shared)) {
                hlr_count(&o->ejected, UINT64_MAX, o->shared); /* another was faster */
                return;
        }
        hlr_count(&m->multiplier, 1, o->shared);
        hlr_store(&m->row, 0);
        tell(o, HEALER_EVENT_MEMBER_EJECTED, i, now_ns);
}

void healer_outlier_report(struct healer_outlier *o, uint32_t i, bool ok, int64_t now_ns)
{
        struct member *m;

        if (i >= o->c.members)
                return;
        m = &o->members[i];
        hlr_count(&m->calls, ok ? 1 : (UINT64_C(1) << 32) + 1, o->shared);
        if (ok) {
                if (hlr_load(&m->row))
                        hlr_store(&m->row, 0);
                return;
        }
        if (hlr_fetch_add(&m->row, 1, o->shared) + 1 >= o->c.failures_in_row)
                eject(o, i, now_ns);
}

bool healer_outlier_panics(const struct healer_outlier *o)
{
        double left = (double)(o->c.members - hlr_load(&o->ejected));

        return 100 * left < o->c.panic_percent * o->c.members;
}

bool healer_outlier_allows(const struct healer_outlier *o, uint32_t i, int64_t now_ns)
{
        if (i >= o->c.members)
                return false;
        return now_ns >= hlr_load(&o->members[i].out_until_ns) || healer_outlier_panics(o);
}

static void judge(struct healer_outlier *o, uint32_t i, int64_t now_ns)
{
        struct member *m = &o->members[i];
        uint64_t calls = hlr_load(&m->calls);
        uint64_t failed = calls >> 32;

        hlr_count(&m->calls, 0 - calls, o->shared);
        calls &= UINT32_MAX;
        if (hlr_load(&m->out_until_ns) != INT64_MIN)
                return;
        if (calls >= o->c.calls_min &&
            100 * (double)failed >= o->c.failure_percent * (double)calls)
                eject(o, i, now_ns);
        else if (failed == 0 && hlr_load(&m->multiplier))
                hlr_count(&m->multiplier, UINT64_MAX, o->shared);
}

int64_t healer_outlier_sweep(struct healer_outlier *o, int64_t now_ns)
{
        bool due = now_ns >= o->sweep_at_ns;
        int64_t next;

        if (due)
                o->sweep_at_ns = hlr_add(now_ns, o->c.sweep_ns);
        next = o->sweep_at_ns;
        for (uint32_t i = 0; i < o->c.members; i++) {
                struct member *m = &o->members[i];
                int64_t until = hlr_load(&m->out_until_ns);

                if (due)
                        judge(o, i, now_ns);
                if (until == INT64_MIN)
                        continue;
                if (now_ns < until) {
                        next = hlr_min(next, until);
                        continue;
                }
                hlr_store(&m->row, 0);
                hlr_store_rel(&m->out_until_ns, INT64_MIN);
                hlr_count(&o->ejected, UINT64_MAX, o->shared);
                tell(o, HEALER_EVENT_MEMBER_RETURNED, i, now_ns);
        }
        return next;
}

uint32_t healer_outlier_ejected(const struct healer_outlier *o)
{
        return (uint32_t)hlr_load(&o->ejected);
}

uint32_t healer_outlier_multiplier(const struct healer_outlier *o, uint32_t i)
{
        return i < o->c.members ? (uint32_t)hlr_load(&o->members[i].multiplier) : 0;
}
