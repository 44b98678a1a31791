/* health_check.c - rows of results, timeouts, and the startup gate.
 *
 * Every check has one timer: due_at while it rests, deadline while it runs.
 * Timeouts are settled first thing in every call, so nothing depends on how
 * often the host asks.
 */
#include "healer/health_check.h"
#include "healer/hlr_base.h"

#include <math.h>

struct check {
        struct healer_check_config c;
        enum healer_check_status status;
        bool running;
        uint32_t serial;
        uint32_t row; /* results alike in a row */
        bool row_ok;
        int64_t at_ns; /* due, or the deadline */
        int64_t started_ns;
};

struct healer_checks {
        struct healer_checks_config c;
        uint32_t count;
        bool restart;
        int64_t newest_ns;
        struct check checks[HEALER_CHECKS_MAX];
};

struct healer_checks_config healer_checks_config_defaults(void)
{
        return (struct healer_checks_config){.size = sizeof(struct healer_checks_config)};
}

struct healer_check_config healer_check_config_defaults(enum healer_check_kind kind)
{
        return (struct healer_check_config){
                .size = sizeof(struct healer_check_config),
                .kind = kind,
                .failure_threshold = 3,
                .success_threshold = 1,
                .period_ns = 10 * HLR_SECOND,
                .timeout_ns = HLR_SECOND,
        };
}

const char *healer_check_config_check(const struct healer_check_config *c)
{
        if (c->kind >= HEALER_CHECK_KIND_COUNT)
                return "kind: no such kind";
        if (c->failure_threshold < 1)
                return "failure_threshold: must be at least 1";
        if (c->success_threshold < 1)
                return "success_threshold: must be at least 1";
        if (c->kind != HEALER_CHECK_READINESS && c->success_threshold != 1)
                return "success_threshold: must be 1 for liveness and startup";
        if (c->period_ns <= 0)
                return "period_ns: must be above 0";
        if (c->timeout_ns <= 0)
                return "timeout_ns: must be above 0";
        if (c->first_after_ns < 0)
                return "first_after_ns: must not be negative";
        return NULL;
}

enum healer_err healer_checks_create(const struct healer_checks_config *config,
                                     struct healer_checks **out)
{
        struct healer_checks_config c = healer_checks_config_defaults();
        struct healer_checks *s;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        s = hlr_alloc(c.allocator, sizeof(*s));
        if (!s)
                return HEALER_E_NOMEM;
        s->c = c;
        s->newest_ns = INT64_MIN;
        *out = s;
        return HEALER_OK;
}

void healer_checks_destroy(struct healer_checks *s)
{
        if (s)
                hlr_free(s->c.allocator, s);
}

enum healer_err healer_checks_add(struct healer_checks *s,
                                  const struct healer_check_config *config, int64_t now_ns,
                                  uint32_t *index)
{
        struct healer_check_config c = healer_check_config_defaults(HEALER_CHECK_LIVENESS);
        enum healer_err err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));

        if (err != HEALER_OK)
                return err;
        if (healer_check_config_check(&c))
                return HEALER_E_RANGE;
        if (s->count == HEALER_CHECKS_MAX)
                return HEALER_E_FULL;
        if (index)
                *index = s->count;
        s->checks[s->count++] = (struct check){
                .c = c,
                .at_ns = hlr_add(now_ns, c.first_after_ns),
        };
        return HEALER_OK;
}

static void tell(struct healer_checks *s, const struct check *check,
                 enum healer_check_status from, int64_t now_ns)
{
        struct healer_event event = {
                .at_ns = now_ns,
                .source_id = s->c.id,
                .type = check->status == HEALER_CHECK_HEALTHY ? HEALER_EVENT_HEALTH_RECOVERED
                                                              : HEALER_EVENT_HEALTH_DEGRADED,
                .from = from,
                .to = check->status,
                .cause = check->c.kind,
                .value = (double)NAN,
                .item = (uint32_t)(check - s->checks),
        };

        healer_event_ring_put(s->c.events, &event);
}

static void take_result(struct healer_checks *s, struct check *check, bool ok, int64_t now_ns)
{
        enum healer_check_status from = check->status;

        check->running = false;
        /* from start to start; a slow one is not made up for in a burst */
        check->at_ns = hlr_max(hlr_add(check->started_ns, check->c.period_ns), now_ns);
        check->row = check->row_ok == ok && check->row < UINT32_MAX ? check->row + 1 : 1;
        check->row_ok = ok;
        if (ok && check->row >= check->c.success_threshold)
                check->status = HEALER_CHECK_HEALTHY;
        if (!ok && check->row >= check->c.failure_threshold)
                check->status = HEALER_CHECK_UNHEALTHY;
        if (check->status == from)
                return;
        if (check->status == HEALER_CHECK_UNHEALTHY && check->c.kind != HEALER_CHECK_READINESS)
                s->restart = true;
        tell(s, check, from, now_ns);
}

/* Checks that ran out of time have failed, at their deadline. */
static int64_t settle(struct healer_checks *s, int64_t now_ns)
{
        s->newest_ns = now_ns = hlr_max(s->newest_ns, now_ns);
        for (uint32_t i = 0; i < s->count; i++)
                if (s->checks[i].running && now_ns >= s->checks[i].at_ns)
                        take_result(s, &s->checks[i], false, s->checks[i].at_ns);
        return now_ns;
}

/* All of a kind: healthy only if all are, unhealthy if one is. A component
 * without checks of a kind passes that kind. */
static enum healer_check_status worst(const struct healer_checks *s, uint32_t kind)
{
        enum healer_check_status status = HEALER_CHECK_HEALTHY;

        for (uint32_t i = 0; i < s->count; i++) {
                if (s->checks[i].c.kind != kind)
                        continue;
                if (s->checks[i].status == HEALER_CHECK_UNHEALTHY)
                        return HEALER_CHECK_UNHEALTHY;
                if (s->checks[i].status == HEALER_CHECK_UNKNOWN)
                        status = HEALER_CHECK_UNKNOWN;
        }
        return status;
}

bool healer_checks_next(struct healer_checks *s, int64_t now_ns, struct healer_check_run *run,
                        int64_t *next_ns)
{
        bool gate_open = worst(s, HEALER_CHECK_STARTUP) == HEALER_CHECK_HEALTHY;
        struct check *due = NULL;

        now_ns = settle(s, now_ns);
        *next_ns = HEALER_NEVER;
        for (uint32_t i = 0; i < s->count; i++) {
                struct check *check = &s->checks[i];
                bool startup = check->c.kind == HEALER_CHECK_STARTUP;

                if (check->running) {
                        *next_ns = hlr_min(*next_ns, check->at_ns);
                        continue;
                }
                /* the gate: startup checks until they have passed, then the others */
                if (startup ? check->status == HEALER_CHECK_HEALTHY : !gate_open)
                        continue;
                if (check->at_ns > now_ns)
                        *next_ns = hlr_min(*next_ns, check->at_ns);
                else if (!due || check->at_ns < due->at_ns)
                        due = check;
        }
        if (!due)
                return false;
        due->running = true;
        due->serial++;
        due->started_ns = now_ns;
        due->at_ns = hlr_add(now_ns, due->c.timeout_ns);
        *run = (struct healer_check_run){(uint32_t)(due - s->checks), due->serial, due->at_ns};
        return true;
}

enum healer_err healer_checks_report(struct healer_checks *s, const struct healer_check_run *run,
                                     bool ok, int64_t now_ns)
{
        struct check *check;

        now_ns = settle(s, now_ns);
        if (run->check >= s->count)
                return HEALER_E_NOT_FOUND;
        check = &s->checks[run->check];
        if (!check->running || check->serial != run->serial)
                return HEALER_E_TIMEOUT;
        take_result(s, check, ok, now_ns);
        return HEALER_OK;
}

enum healer_check_status healer_checks_status_of(const struct healer_checks *s, uint32_t check)
{
        return check < s->count ? s->checks[check].status : HEALER_CHECK_UNKNOWN;
}

struct healer_checks_status healer_checks_status(struct healer_checks *s, int64_t now_ns)
{
        struct healer_checks_status out;

        settle(s, now_ns);
        out.started = worst(s, HEALER_CHECK_STARTUP);
        out.live = worst(s, HEALER_CHECK_LIVENESS);
        out.ready = worst(s, HEALER_CHECK_READINESS);
        if (s->count == 0) /* nothing known is unknown */
                out.started = out.live = out.ready = HEALER_CHECK_UNKNOWN;
        out.in_service = out.started == HEALER_CHECK_HEALTHY && out.live == HEALER_CHECK_HEALTHY &&
                         out.ready == HEALER_CHECK_HEALTHY;
        out.restart = s->restart;
        return out;
}

void healer_checks_restarted(struct healer_checks *s, int64_t now_ns)
{
        s->newest_ns = now_ns = hlr_max(s->newest_ns, now_ns);
        s->restart = false;
        for (uint32_t i = 0; i < s->count; i++) {
                struct check *check = &s->checks[i];

                check->status = HEALER_CHECK_UNKNOWN;
                check->running = false;
                check->row = 0;
                check->at_ns = hlr_add(now_ns, check->c.first_after_ns);
        }
}
