/* restart.c - backoff, intensity, strategies, and the ladder.
 *
 * Intensity is exact: the times of the last intensity_max restarts are kept; a
 * further one is too many if the oldest of them is still of age <= the period.
 *
 * The ladder's incidents are a small table, searched from the front; a closed
 * incident stays in it while one of its steps cools down, and its place is
 * given away, oldest first, when an open one needs it.
 */
#include "healer/restart.h"
#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

struct child {
        uint32_t restarts; /* since it was last good for long */
        int64_t started_at_ns;
};

struct healer_restart {
        struct healer_restart_config c;
        bool escalated;
        int64_t newest_ns;
        uint64_t restarts;
        struct child children[HEALER_RESTART_CHILDREN_MAX];
        int64_t times[]; /* of the last intensity_max restarts */
};

struct healer_restart_config healer_restart_config_defaults(void)
{
        return (struct healer_restart_config){
                .size = sizeof(struct healer_restart_config),
                .children = 1,
                .intensity_max = 5,
                .intensity_ns = 600 * HLR_SECOND,
                .wait_first_ns = 10 * HLR_SECOND,
                .wait_max_ns = 300 * HLR_SECOND,
                .wait_multiplier = 2,
                .good_after_ns = 600 * HLR_SECOND,
        };
}

const char *healer_restart_config_check(const struct healer_restart_config *c)
{
        if (c->children < 1 || c->children > HEALER_RESTART_CHILDREN_MAX)
                return "children: must be 1..64";
        if (c->strategy >= HEALER_RESTART_STRATEGY_COUNT)
                return "strategy: no such strategy";
        if (c->intensity_max < 1 || c->intensity_max > 1000)
                return "intensity_max: must be 1..1000";
        if (c->intensity_ns <= 0)
                return "intensity_ns: must be above 0";
        if (c->wait_first_ns <= 0)
                return "wait_first_ns: must be above 0";
        if (c->wait_max_ns < c->wait_first_ns)
                return "wait_max_ns: must not be below wait_first_ns";
        if (!(c->wait_multiplier >= 1 && c->wait_multiplier <= 100))
                return "wait_multiplier: must be 1..100";
        if (c->good_after_ns <= 0)
                return "good_after_ns: must be above 0";
        return NULL;
}

enum healer_err healer_restart_create(const struct healer_restart_config *config, int64_t now_ns,
                                      struct healer_restart **out)
{
        struct healer_restart_config c = healer_restart_config_defaults();
        struct healer_restart *r;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_restart_config_check(&c))
                return HEALER_E_RANGE;
        r = hlr_alloc(c.allocator, sizeof(*r) + c.intensity_max * sizeof(int64_t));
        if (!r)
                return HEALER_E_NOMEM;
        r->c = c;
        healer_restart_reset(r, now_ns);
        *out = r;
        return HEALER_OK;
}

void healer_restart_destroy(struct healer_restart *r)
{
        if (r)
                hlr_free(r->c.allocator, r);
}

void healer_restart_reset(struct healer_restart *r, int64_t now_ns)
{
        r->escalated = false;
        r->newest_ns = now_ns;
        r->restarts = 0;
        for (uint32_t i = 0; i < r->c.children; i++)
                r->children[i] = (struct child){0, now_ns};
}

static void tell(struct healer_event_ring *ring, uint64_t id, uint32_t type, uint32_t item,
                 int64_t now_ns)
{
        struct healer_event event = {
                .at_ns = now_ns,
                .source_id = id,
                .type = type,
                .item = item,
                .value = (double)NAN,
        };

        healer_event_ring_put(ring, &event);
}

/* One more restart: too many of late? */
static bool too_many(struct healer_restart *r, int64_t now_ns)
{
        int64_t *oldest = &r->times[r->restarts % r->c.intensity_max];

        if (r->restarts >= r->c.intensity_max && hlr_sub(now_ns, *oldest) <= r->c.intensity_ns)
                return true;
        *oldest = now_ns;
        r->restarts++;
        return false;
}

static int64_t wait_of(const struct healer_restart *r, const struct child *child)
{
        double wait = (double)r->c.wait_first_ns;

        for (uint32_t i = 1; i < child->restarts && wait < (double)r->c.wait_max_ns; i++)
                wait *= r->c.wait_multiplier;
        return hlr_min(hlr_from_double(wait), r->c.wait_max_ns);
}

static uint64_t bits(uint32_t from, uint32_t count)
{
        uint64_t all = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;

        return all & ~((UINT64_C(1) << from) - 1);
}

struct healer_restart_plan healer_restart_failed(struct healer_restart *r, uint32_t i,
                                                 int64_t now_ns)
{
        struct healer_restart_plan plan = {.answer = HEALER_RESTART_ESCALATE};
        struct child *child;

        r->newest_ns = now_ns = hlr_max(r->newest_ns, now_ns);
        if (i >= r->c.children || r->escalated)
                return plan;
        if (too_many(r, now_ns)) {
                r->escalated = true;
                tell(r->c.events, r->c.id, HEALER_EVENT_ESCALATION_TRIGGERED, i, now_ns);
                return plan;
        }
        child = &r->children[i];
        if (hlr_sub(now_ns, child->started_at_ns) >= r->c.good_after_ns)
                child->restarts = 0;
        child->restarts++;
        plan.answer = HEALER_RESTART_THESE;
        plan.wait_ns = wait_of(r, child);
        if (r->c.strategy == HEALER_RESTART_ONE_FOR_ONE)
                plan.children = UINT64_C(1) << i;
        else
                plan.children =
                        bits(r->c.strategy == HEALER_RESTART_ONE_FOR_ALL ? 0 : i, r->c.children);
        for (uint32_t k = 0; k < r->c.children; k++)
                if (plan.children >> k & 1)
                        r->children[k].started_at_ns = hlr_add(now_ns, plan.wait_ns);
        tell(r->c.events, r->c.id, HEALER_EVENT_RESTARTED, i, now_ns);
        return plan;
}

/* ---- the ladder ---- */

struct incident {
        uint64_t key;
        bool used;
        bool open;
        uint32_t step;
        int64_t deadline_ns;
        int64_t closed_at_ns;
        int64_t cool_until_ns[HEALER_LADDER_STEPS];
};

struct healer_ladder {
        struct healer_ladder_config c;
        uint64_t full;
        struct incident incidents[];
};

struct healer_ladder_config healer_ladder_config_defaults(void)
{
        struct healer_ladder_config c = {
                .size = sizeof(struct healer_ladder_config),
                .incidents_max = 64,
        };

        for (int i = 0; i < HEALER_LADDER_STEPS; i++)
                c.timeout_ns[i] = 30 * HLR_SECOND;
        c.timeout_ns[HEALER_LADDER_PAGE] = 300 * HLR_SECOND;
        c.cool_down_ns[HEALER_LADDER_RESTART] = 60 * HLR_SECOND;
        c.cool_down_ns[HEALER_LADDER_FAILOVER] = 300 * HLR_SECOND;
        return c;
}

const char *healer_ladder_config_check(const struct healer_ladder_config *c)
{
        uint32_t there = 0;

        if (c->incidents_max < 1 || c->incidents_max > 4096)
                return "incidents_max: must be 1..4096";
        for (int i = 0; i < HEALER_LADDER_STEPS; i++) {
                if (c->timeout_ns[i] <= 0)
                        return "timeout_ns: must be above 0";
                if (c->cool_down_ns[i] < 0)
                        return "cool_down_ns: must not be negative";
                if (c->off[i] > 1)
                        return "off: must be 0 or 1";
                there += !c->off[i];
        }
        return there ? NULL : "off: at least one step must be there";
}

enum healer_err healer_ladder_create(const struct healer_ladder_config *config,
                                     struct healer_ladder **out)
{
        struct healer_ladder_config c = healer_ladder_config_defaults();
        struct healer_ladder *l;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_ladder_config_check(&c))
                return HEALER_E_RANGE;
        l = hlr_alloc(c.allocator, sizeof(*l) + c.incidents_max * sizeof(struct incident));
        if (!l)
                return HEALER_E_NOMEM;
        l->c = c;
        *out = l;
        return HEALER_OK;
}

void healer_ladder_destroy(struct healer_ladder *l)
{
        if (l)
                hlr_free(l->c.allocator, l);
}

static struct incident *find(struct healer_ladder *l, uint64_t key)
{
        for (uint32_t i = 0; i < l->c.incidents_max; i++)
                if (l->incidents[i].used && l->incidents[i].key == key)
                        return &l->incidents[i];
        return NULL;
}

static struct incident *place_for(struct healer_ladder *l, uint64_t key)
{
        struct incident *best = NULL;

        for (uint32_t i = 0; i < l->c.incidents_max; i++) {
                struct incident *at = &l->incidents[i];

                if (!at->used) {
                        best = at;
                        break;
                }
                if (!at->open && (!best || at->closed_at_ns < best->closed_at_ns))
                        best = at;
        }
        if (best) {
                *best = (struct incident){.key = key, .used = true};
                for (int i = 0; i < HEALER_LADDER_STEPS; i++)
                        best->cool_until_ns[i] = INT64_MIN;
        }
        return best;
}

/* The first step from `from` on that is there and not cooling down. */
static struct healer_ladder_answer climb(struct healer_ladder *l, struct incident *at,
                                         uint32_t from, int64_t now_ns)
{
        struct healer_ladder_answer answer = {.verdict = HEALER_LADDER_EXHAUSTED};

        while (from < HEALER_LADDER_STEPS &&
               (l->c.off[from] || now_ns < at->cool_until_ns[from]))
                from++;
        if (from >= HEALER_LADDER_STEPS) {
                at->open = false;
                at->closed_at_ns = now_ns;
                return answer;
        }
        at->open = true;
        at->step = from;
        at->deadline_ns = hlr_add(now_ns, l->c.timeout_ns[from]);
        at->cool_until_ns[from] = hlr_add(now_ns, l->c.cool_down_ns[from]);
        answer.verdict = HEALER_LADDER_TRY;
        answer.step = (enum healer_ladder_step)from;
        answer.deadline_ns = at->deadline_ns;
        tell(l->c.events, l->c.id, HEALER_EVENT_ESCALATION_TRIGGERED, from, now_ns);
        return answer;
}

struct healer_ladder_answer healer_ladder_open(struct healer_ladder *l, uint64_t key,
                                               int64_t now_ns)
{
        struct healer_ladder_answer answer = {.verdict = HEALER_LADDER_DUPLICATE};
        struct incident *at = find(l, key);

        if (at && at->open) {
                answer.step = (enum healer_ladder_step)at->step;
                answer.deadline_ns = at->deadline_ns;
                return answer;
        }
        if (!at)
                at = place_for(l, key);
        if (!at) {
                l->full++;
                answer.verdict = HEALER_LADDER_FULL;
                return answer;
        }
        return climb(l, at, 0, now_ns);
}

struct healer_ladder_answer healer_ladder_report(struct healer_ladder *l, uint64_t key,
                                                 enum healer_ladder_step step, bool healed,
                                                 int64_t now_ns)
{
        struct healer_ladder_answer answer = {.verdict = HEALER_LADDER_UNKNOWN};
        struct incident *at = find(l, key);

        if (!at || !at->open || at->step != (uint32_t)step)
                return answer;
        /* out of time: what poll would have made of it, whoever comes first */
        if (!healed || now_ns >= at->deadline_ns)
                return climb(l, at, at->step + 1, now_ns);
        at->open = false;
        at->closed_at_ns = now_ns;
        answer.verdict = HEALER_LADDER_HEALED;
        answer.step = step;
        return answer;
}

bool healer_ladder_poll(struct healer_ladder *l, int64_t now_ns, uint64_t *key,
                        struct healer_ladder_answer *answer, int64_t *next_ns)
{
        *next_ns = HEALER_NEVER;
        for (uint32_t i = 0; i < l->c.incidents_max; i++) {
                struct incident *at = &l->incidents[i];

                if (!at->used || !at->open)
                        continue;
                if (now_ns >= at->deadline_ns) {
                        *key = at->key;
                        *answer = climb(l, at, at->step + 1, now_ns);
                        *next_ns = now_ns; /* there may be more */
                        return true;
                }
                *next_ns = hlr_min(*next_ns, at->deadline_ns);
        }
        return false;
}

const char *healer_ladder_step_name(enum healer_ladder_step step)
{
        static const char *const names[HEALER_LADDER_STEPS] = {"retry",   "fallback", "degrade",
                                                               "restart", "failover", "page"};

        return (unsigned)step < HEALER_LADDER_STEPS ? names[step] : "unknown";
}
