/* degrade_rules.c - conditions on metrics that ask for a level.
 *
 * Every rule has one state and one timer: waiting, holding (its condition is
 * true, the duration runs), grace (it has held long enough and is looked at
 * once more when the grace is over), firing. A condition that breaks while
 * holding starts over; one that is false at the end of the grace too; what it
 * does within the grace does not matter. Parts come before the rules made of
 * them, so one pass decides all conditions.
 *
 * A trend needs the metric as it was `over_ns` ago: each such rule keeps a ring
 * of its samples, and takes the youngest that is old enough.
 */
#include "healer/degrade.h"
#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 64 };

enum phase { PHASE_WAITING = 0, PHASE_HOLDING, PHASE_GRACE, PHASE_FIRING };

struct sample {
        int64_t at_ns;
        double value;
};

struct rule {
        struct healer_rule r;
        enum phase phase;
        bool condition;
        int64_t since_ns;
        uint64_t samples_seen;
        struct sample samples[SAMPLES];
};

struct healer_rules {
        struct healer_rules_config c;
        bool looked;
        int64_t looked_at_ns;
        struct healer_rules_answer answer;
        struct rule rules[];
};

struct healer_rules_config healer_rules_config_defaults(void)
{
        return (struct healer_rules_config){
                .size = sizeof(struct healer_rules_config),
                .metric_count = 1,
                .level_count = HEALER_DEGRADE_DEFAULT_LEVELS,
                .check_ns = 5 * HLR_SECOND,
        };
}

struct healer_rule healer_rule_low_score(uint32_t level_count)
{
        return (struct healer_rule){
                .name = "low-score",
                .kind = HEALER_RULE_THRESHOLD,
                .op = HEALER_RULE_LT,
                .value = 50,
                .level = level_count - 1,
        };
}

static const char *check_rule(const struct healer_rules_config *c, uint32_t i)
{
        const struct healer_rule *r = &c->rules[i];
        bool composite = r->kind == HEALER_RULE_ALL || r->kind == HEALER_RULE_ANY;

        if (r->kind >= HEALER_RULE_KIND_COUNT)
                return "rules.kind: no such kind";
        if (r->op >= HEALER_RULE_OP_COUNT)
                return "rules.op: no such comparison";
        if (!composite && r->metric >= c->metric_count)
                return "rules.metric: no such metric";
        if (!composite && isnan(r->value))
                return "rules.value: must be a number";
        if (r->level != HEALER_RULE_NO_LEVEL && (r->level == 0 || r->level >= c->level_count))
                return "rules.level: no such level to degrade to";
        if (r->kind == HEALER_RULE_TREND && r->over_ns <= 0)
                return "rules.over_ns: a trend needs a time above 0";
        if (r->duration_ns < 0 || r->grace_ns < 0)
                return "rules.duration_ns, grace_ns: must not be negative";
        if (r->stays > 1)
                return "rules.stays: must be 0 or 1";
        if (r->parts_count > HEALER_RULE_PARTS_MAX || (composite && r->parts_count == 0))
                return "rules.parts_count: must be 1..8 for a composite rule";
        for (uint32_t k = 0; k < r->parts_count; k++)
                if (r->parts[k] >= i)
                        return "rules.parts: must be earlier rules";
        return NULL;
}

const char *healer_rules_config_check(const struct healer_rules_config *c)
{
        if (c->rule_count < 1 || c->rule_count > 256 || !c->rules)
                return "rule_count: must be 1..256, with rules";
        if (c->metric_count < 1 || c->metric_count > 256)
                return "metric_count: must be 1..256";
        if (c->level_count < 2 || c->level_count > HEALER_DEGRADE_LEVELS_MAX)
                return "level_count: must be 2..8";
        if (c->check_ns < 0)
                return "check_ns: must not be negative";
        for (uint32_t i = 0; i < c->rule_count; i++) {
                const char *reason = check_rule(c, i);

                if (reason)
                        return reason;
        }
        return NULL;
}

enum healer_err healer_rules_create(const struct healer_rules_config *config,
                                    struct healer_rules **out)
{
        struct healer_rules_config c = healer_rules_config_defaults();
        struct healer_rules *s;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_rules_config_check(&c))
                return HEALER_E_RANGE;
        s = hlr_alloc(c.allocator, sizeof(*s) + c.rule_count * sizeof(struct rule));
        if (!s)
                return HEALER_E_NOMEM;
        s->c = c;
        s->c.rules = NULL;
        for (uint32_t i = 0; i < c.rule_count; i++)
                s->rules[i].r = c.rules[i];
        healer_rules_reset(s);
        *out = s;
        return HEALER_OK;
}

void healer_rules_destroy(struct healer_rules *s)
{
        if (s)
                hlr_free(s->c.allocator, s);
}

void healer_rules_reset(struct healer_rules *s)
{
        for (uint32_t i = 0; i < s->c.rule_count; i++) {
                s->rules[i].phase = PHASE_WAITING;
                s->rules[i].samples_seen = 0;
        }
        s->looked = false;
        s->answer = (struct healer_rules_answer){.rule = UINT32_MAX};
}

static bool compare(double a, uint32_t op, double b)
{
        switch (op) {
        case HEALER_RULE_GT:
                return a > b;
        case HEALER_RULE_GE:
                return a >= b;
        case HEALER_RULE_LT:
                return a < b;
        case HEALER_RULE_LE:
                return a <= b;
        default:
                return a == b;
        }
}

/* The change over the last over_ns; NaN while the samples do not reach so far.
 * Samples closer together than a ring of them needs are not kept. */
static double change_of(struct rule *rule, double value, int64_t now_ns)
{
        uint64_t kept = rule->samples_seen < SAMPLES ? rule->samples_seen : SAMPLES;
        const struct sample *last = &rule->samples[(rule->samples_seen - 1) % SAMPLES];
        double change = (double)NAN;

        if (isnan(value))
                return (double)NAN;
        for (uint64_t i = 0; i < kept; i++) {
                const struct sample *old =
                        &rule->samples[(rule->samples_seen - 1 - i) % SAMPLES];

                if (hlr_sub(now_ns, old->at_ns) >= rule->r.over_ns) {
                        change = value - old->value;
                        break;
                }
        }
        if (kept == 0 || hlr_sub(now_ns, last->at_ns) >= rule->r.over_ns / (SAMPLES / 2))
                rule->samples[rule->samples_seen++ % SAMPLES] = (struct sample){now_ns, value};
        return change;
}

static bool condition_of(struct healer_rules *s, struct rule *rule, const double *values,
                         int64_t now_ns)
{
        uint32_t true_parts = 0;

        if (rule->r.kind == HEALER_RULE_THRESHOLD)
                return compare(values[rule->r.metric], rule->r.op, rule->r.value);
        if (rule->r.kind == HEALER_RULE_TREND)
                return compare(change_of(rule, values[rule->r.metric], now_ns), rule->r.op,
                               rule->r.value);
        for (uint32_t k = 0; k < rule->r.parts_count; k++)
                true_parts += s->rules[rule->r.parts[k]].condition;
        return rule->r.kind == HEALER_RULE_ALL ? true_parts == rule->r.parts_count
                                               : true_parts > 0;
}

static void advance(struct rule *rule, int64_t now_ns)
{
        if (rule->phase == PHASE_FIRING) {
                if (!rule->condition && !rule->r.stays)
                        rule->phase = PHASE_WAITING;
                return;
        }
        if (rule->phase == PHASE_GRACE) {
                if (hlr_sub(now_ns, rule->since_ns) >= rule->r.grace_ns)
                        rule->phase = rule->condition ? PHASE_FIRING : PHASE_WAITING;
                return;
        }
        if (!rule->condition) {
                rule->phase = PHASE_WAITING;
                return;
        }
        if (rule->phase == PHASE_WAITING) {
                rule->phase = PHASE_HOLDING;
                rule->since_ns = now_ns;
        }
        if (hlr_sub(now_ns, rule->since_ns) < rule->r.duration_ns)
                return;
        rule->phase = rule->r.grace_ns ? PHASE_GRACE : PHASE_FIRING;
        rule->since_ns = now_ns;
}

struct healer_rules_answer healer_rules_evaluate(struct healer_rules *s, const double *values,
                                                 double score, uint32_t unhealthy_count,
                                                 int64_t now_ns)
{
        s->answer.looked = 0;
        if (s->looked && hlr_sub(now_ns, s->looked_at_ns) < s->c.check_ns)
                return s->answer;
        s->looked = true;
        s->looked_at_ns = now_ns;
        s->answer = (struct healer_rules_answer){.rule = UINT32_MAX, .looked = 1};
        for (uint32_t i = 0; i < s->c.rule_count; i++) {
                struct rule *rule = &s->rules[i];

                rule->condition = condition_of(s, rule, values, now_ns);
                advance(rule, now_ns);
                if (rule->phase != PHASE_FIRING || rule->r.level == HEALER_RULE_NO_LEVEL ||
                    s->answer.rule != UINT32_MAX)
                        continue;
                s->answer.level = rule->r.level;
                s->answer.rule = i;
        }
        s->answer.may_recover =
                s->answer.rule == UINT32_MAX && score >= 80 && unhealthy_count == 0;
        return s->answer;
}
