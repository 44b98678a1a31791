/* strategy_policies.c - which protections stand on which edges.
 *
 * Each policy is {"default": {...}, "edges": {"checkout->payment": {...},
 * "*->cache": {...}}}. A rule for an edge begins with what the default says
 * and changes what it names; null switches the policy off there. Of several
 * rules that fit, the one with both ends named wins, then the one that names
 * the callee, then the caller, then the default.
 *
 * A policy is a row: how to fill it with defaults, how to read it, how to check
 * it and how to write it down. Settings that the fleet cannot carry out are refused.
 */
#include "harness/scenario/strategy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/base/quantity.h"
#include "harness/scenario/strategy_read.h"
#include "harness/sim/time.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)

const char *const strategy_policy_names[STRATEGY_POLICY_COUNT] = {
        [STRATEGY_BREAKER] = "circuit_breaker", [STRATEGY_RETRY] = "retry",
        [STRATEGY_TIMEOUT] = "timeout",         [STRATEGY_BULKHEAD] = "bulkhead",
        [STRATEGY_RATE_LIMIT] = "rate_limit",   [STRATEGY_FALLBACK] = "fallback",
        [STRATEGY_SHEDDING] = "shedding",
};

/* ---- writing down, so that reading gives the very same */

static void put_duration(struct json_line *line, const char *key, int64_t ns)
{
        char text[32];

        snprintf(text, sizeof(text), "%lldns", (long long)ns);
        json_put_text(line, key, text);
}

/* A percentage is read as a share times 100. */
static void put_percent(struct json_line *line, const char *key, double percent)
{
        double share = percent / 100;

        if (share * 100 != percent)
                share = nextafter(share, share * 100 < percent ? 1e9 : 0);
        json_put_number(line, key, share);
}

static void put_rate(struct json_line *line, const char *key, double per_s)
{
        struct quantity_error error;
        char text[64];
        double back = 0;

        for (int decimals = 0; decimals <= 24 && back != per_s; decimals++) {
                snprintf(text, sizeof(text), "%.*f/s", decimals, per_s);
                if (!quantity_rate(text, &back, &error))
                        break;
        }
        json_put_text(line, key, text);
}

/* ---- circuit breaker */

static const char *const breaker_modes[] = {"consecutive_windowed", "consecutive", "windowed_count",
                                            "count_rate", "time_rate", NULL};

static void breaker_defaults(struct strategy_rule *rule)
{
        rule->breaker = healer_breaker_config_defaults();
        rule->breaker.threads = HEALER_THREADS_ONE;
}

static void read_breaker(struct read_object *object, struct strategy_rule *rule)
{
        struct healer_breaker_config *breaker = &rule->breaker;
        struct read_object backoff;
        double percent;

        (void)read_choice(object, "mode", READ_OPTIONAL, breaker_modes, &breaker->mode);
        (void)read_count(object, "failure_threshold", READ_OPTIONAL, 1, 65535,
                         &breaker->failure_threshold);
        (void)read_count(object, "success_threshold", READ_OPTIONAL, 1, 65535,
                         &breaker->success_threshold);
        (void)read_duration(object, "open_for", READ_OPTIONAL, 1, 24 * HOUR_NS,
                            &breaker->open_for_ns);
        (void)read_count(object, "half_open_max_calls", READ_OPTIONAL, 1, 65535,
                         &breaker->half_open_max_calls);
        (void)read_duration(object, "window", READ_OPTIONAL, 60000000, 24 * HOUR_NS,
                            &breaker->window_ns);
        (void)read_count(object, "min_calls", READ_OPTIONAL, 1, 1000000, &breaker->min_calls);
        percent = breaker->failure_rate_percent / 100;
        if (read_ratio(object, "failure_rate", READ_OPTIONAL, 0.0001, 1, &percent))
                breaker->failure_rate_percent = percent * 100;
        (void)read_duration(object, "slow_call", READ_OPTIONAL, 0, HOUR_NS,
                            &breaker->slow_call_ns);
        percent = breaker->slow_call_rate_percent / 100;
        if (read_ratio(object, "slow_call_rate", READ_OPTIONAL, 0.0001, 1, &percent))
                breaker->slow_call_rate_percent = percent * 100;
        (void)read_duration(object, "fast_failure", READ_OPTIONAL, 0, HOUR_NS,
                            &breaker->fast_failure_ns);
        if (read_child_begin(object, "backoff", READ_OPTIONAL, &backoff)) {
                (void)read_number(&backoff, "multiplier", READ_OPTIONAL, 1, 1000,
                                  &breaker->open_multiplier);
                (void)read_duration(&backoff, "max", READ_OPTIONAL, 1, 24 * HOUR_NS,
                                    &breaker->open_for_max_ns);
                (void)read_ratio(&backoff, "jitter", READ_OPTIONAL, 0, 10,
                                 &breaker->open_jitter_ratio);
                read_object_end(&backoff);
        }
}

static void write_breaker(const struct strategy_rule *rule, struct json_line *line)
{
        const struct healer_breaker_config *breaker = &rule->breaker;

        json_put_text(line, "mode", breaker_modes[breaker->mode]);
        json_put_count(line, "failure_threshold", breaker->failure_threshold);
        json_put_count(line, "success_threshold", breaker->success_threshold);
        put_duration(line, "open_for", breaker->open_for_ns);
        json_put_count(line, "half_open_max_calls", breaker->half_open_max_calls);
        put_duration(line, "window", breaker->window_ns);
        json_put_count(line, "min_calls", breaker->min_calls);
        put_percent(line, "failure_rate", breaker->failure_rate_percent);
        put_duration(line, "slow_call", breaker->slow_call_ns);
        put_percent(line, "slow_call_rate", breaker->slow_call_rate_percent);
        put_duration(line, "fast_failure", breaker->fast_failure_ns);
        json_open(line, "backoff", '{');
        json_put_number(line, "multiplier", breaker->open_multiplier);
        if (breaker->open_for_max_ns <= 24 * HOUR_NS)
                put_duration(line, "max", breaker->open_for_max_ns);
        json_put_number(line, "jitter", breaker->open_jitter_ratio);
        json_close(line, '}');
}

static const char *check_breaker(const struct strategy_rule *rule)
{
        return healer_breaker_config_check(&rule->breaker);
}

/* ---- retry */

static void retry_defaults(struct strategy_rule *rule)
{
        rule->retry = (struct retry_spec){.max = 2,
                                          .initial_ns = NS_PER_S,
                                          .factor = 2,
                                          .max_delay_ns = 30 * NS_PER_S,
                                          .jitter = 0.1,
                                          .budget = 0.2};
}

static const char *const retry_kinds[] = {"exponential", NULL};

static void read_retry(struct read_object *object, struct strategy_rule *rule)
{
        struct retry_spec *retry = &rule->retry;
        uint32_t kind = 0;

        (void)read_count(object, "max", READ_OPTIONAL, 0, 100, &retry->max);
        (void)read_duration(object, "initial", READ_OPTIONAL, 0, HOUR_NS, &retry->initial_ns);
        (void)read_number(object, "factor", READ_OPTIONAL, 1, 1000, &retry->factor);
        (void)read_duration(object, "max_delay", READ_OPTIONAL, 0, HOUR_NS, &retry->max_delay_ns);
        (void)read_ratio(object, "jitter", READ_OPTIONAL, 0, 1, &retry->jitter);
        (void)read_choice(object, "kind", READ_OPTIONAL, retry_kinds, &kind);
        (void)read_ratio(object, "budget", READ_OPTIONAL, 0, 100, &retry->budget);
}

static void write_retry(const struct strategy_rule *rule, struct json_line *line)
{
        const struct retry_spec *retry = &rule->retry;

        json_put_count(line, "max", retry->max);
        put_duration(line, "initial", retry->initial_ns);
        json_put_number(line, "factor", retry->factor);
        put_duration(line, "max_delay", retry->max_delay_ns);
        json_put_number(line, "jitter", retry->jitter);
        json_put_number(line, "budget", retry->budget);
}

/* ---- the others */

static void timeout_defaults(struct strategy_rule *rule)
{
        rule->timeout.after_ns = NS_PER_S;
}

static void read_timeout(struct read_object *object, struct strategy_rule *rule)
{
        (void)read_duration(object, "after", READ_OPTIONAL, 1000, HOUR_NS, &rule->timeout.after_ns);
}

static void write_timeout(const struct strategy_rule *rule, struct json_line *line)
{
        put_duration(line, "after", rule->timeout.after_ns);
}

static void bulkhead_defaults(struct strategy_rule *rule)
{
        rule->bulkhead.max_concurrent = 25;
        rule->bulkhead.max_wait_ns = HEALER_NEVER;
}

static void read_bulkhead(struct read_object *object, struct strategy_rule *rule)
{
        (void)read_count(object, "max_concurrent", READ_OPTIONAL, 0, 1000000,
                         &rule->bulkhead.max_concurrent);
        (void)read_count(object, "max_queue", READ_OPTIONAL, 0, 65536, &rule->bulkhead.max_queue);
        (void)read_duration(object, "max_wait", READ_OPTIONAL, 1, HOUR_NS,
                            &rule->bulkhead.max_wait_ns);
}

static void write_bulkhead(const struct strategy_rule *rule, struct json_line *line)
{
        json_put_count(line, "max_concurrent", rule->bulkhead.max_concurrent);
        json_put_count(line, "max_queue", rule->bulkhead.max_queue);
        if (rule->bulkhead.max_wait_ns != HEALER_NEVER)
                put_duration(line, "max_wait", rule->bulkhead.max_wait_ns);
}

static void rate_limit_defaults(struct strategy_rule *rule)
{
        rule->rate_limit.rate_per_s = 100;
        rule->rate_limit.burst = 100;
}

static void read_rate_limit(struct read_object *object, struct strategy_rule *rule)
{
        (void)read_rate(object, "rate", READ_OPTIONAL, 1e-6, 1e6, &rule->rate_limit.rate_per_s);
        (void)read_count(object, "burst", READ_OPTIONAL, 1, 1000000, &rule->rate_limit.burst);
        (void)read_duration(object, "max_wait", READ_OPTIONAL, 0, HOUR_NS,
                            &rule->rate_limit.max_wait_ns);
}

static void write_rate_limit(const struct strategy_rule *rule, struct json_line *line)
{
        put_rate(line, "rate", rule->rate_limit.rate_per_s);
        json_put_count(line, "burst", rule->rate_limit.burst);
        put_duration(line, "max_wait", rule->rate_limit.max_wait_ns);
}

static void fallback_defaults(struct strategy_rule *rule)
{
        rule->fallback.enabled = true;
        rule->fallback.kinds = 1u << FALLBACK_STATIC | 1u << FALLBACK_CACHED;
}

static const char *const fallback_kinds[] = {"static", "cached", NULL};

/* An edge has one fallback, so that the order is which of the kinds are tried at all. */
static void read_order(struct read_object *object, struct strategy_rule *rule)
{
        const json_t *list = read_list(object, "order", READ_OPTIONAL, 2);
        const char *path = read_path(object, "order");
        uint32_t kind;

        if (list == NULL)
                return;
        rule->fallback.kinds = 0;
        for (size_t i = 0; i < json_array_size(list); i++)
                if (read_choice_at(object->ctx, json_array_get(list, i),
                                   json_path_index(object->ctx->session->arena, path, i),
                                   fallback_kinds, &kind))
                        rule->fallback.kinds |= 1u << (FALLBACK_STATIC + kind);
}

static void read_fallback(struct read_object *object, struct strategy_rule *rule)
{
        (void)read_bool(object, "enabled", READ_OPTIONAL, &rule->fallback.enabled);
        read_order(object, rule);
        if (read_any(object, "quality", READ_OPTIONAL) != NULL)
                read_key_error(object->ctx, read_path(object, "quality"),
                               "no strategy may set this (a fact of the world: it stands with the "
                               "call in the fleet)");
}

static void write_fallback(const struct strategy_rule *rule, struct json_line *line)
{
        json_put_bool(line, "enabled", rule->fallback.enabled);
        json_open(line, "order", '[');
        for (uint32_t kind = 0; fallback_kinds[kind] != NULL; kind++)
                if (rule->fallback.kinds & 1u << (FALLBACK_STATIC + kind))
                        json_put_text(line, NULL, fallback_kinds[kind]);
        json_close(line, ']');
}

static void shedding_defaults(struct strategy_rule *rule)
{
        rule->shedding.limit = 100;
}

static const char *const shedding_kinds[] = {
        [STRATEGY_SHED_PRIORITY] = "priority",   [STRATEGY_SHED_AIMD] = "aimd",
        [STRATEGY_SHED_VEGAS] = "vegas",         [STRATEGY_SHED_GRADIENT2] = "gradient2",
        [STRATEGY_SHED_GRADIENT2 + 1] = NULL,
};

static void read_shedding(struct read_object *object, struct strategy_rule *rule)
{
        (void)read_choice(object, "kind", READ_OPTIONAL, shedding_kinds, &rule->shedding.kind);
        (void)read_count(object, "limit", READ_OPTIONAL, 1, 1000000, &rule->shedding.limit);
}

static void write_shedding(const struct strategy_rule *rule, struct json_line *line)
{
        json_put_text(line, "kind", shedding_kinds[rule->shedding.kind]);
        json_put_count(line, "limit", rule->shedding.limit);
}

struct policy_row {
        void (*defaults)(struct strategy_rule *rule);
        void (*read)(struct read_object *object, struct strategy_rule *rule);
        const char *(*check)(const struct strategy_rule *rule); /* may be NULL */
        void (*write)(const struct strategy_rule *rule, struct json_line *line);
};

static const struct policy_row rows[STRATEGY_POLICY_COUNT] = {
        [STRATEGY_BREAKER] = {breaker_defaults, read_breaker, check_breaker, write_breaker},
        [STRATEGY_RETRY] = {retry_defaults, read_retry, NULL, write_retry},
        [STRATEGY_TIMEOUT] = {timeout_defaults, read_timeout, NULL, write_timeout},
        [STRATEGY_BULKHEAD] = {bulkhead_defaults, read_bulkhead, NULL, write_bulkhead},
        [STRATEGY_RATE_LIMIT] = {rate_limit_defaults, read_rate_limit, NULL, write_rate_limit},
        [STRATEGY_FALLBACK] = {fallback_defaults, read_fallback, NULL, write_fallback},
        [STRATEGY_SHEDDING] = {shedding_defaults, read_shedding, NULL, write_shedding},
};

/* ---- rules */

void strategy_policies_init(struct strategy *strategy)
{
        memset(strategy->rules, 0, sizeof(strategy->rules));
        memset(strategy->rule_count, 0, sizeof(strategy->rule_count));
}

static struct strategy_rule *find_rule(struct strategy *strategy, enum strategy_policy policy,
                                       const char *from, const char *to)
{
        uint32_t i;

        for (i = 0; i < strategy->rule_count[policy]; i++) {
                if (strcmp(strategy->rules[policy][i].from, from) == 0 &&
                    strcmp(strategy->rules[policy][i].to, to) == 0)
                        return &strategy->rules[policy][i];
        }
        return NULL;
}

static struct strategy_rule *add_rule(struct read_context *ctx, const char *path,
                                      struct strategy *strategy, enum strategy_policy policy,
                                      const char *from, const char *to)
{
        const struct strategy_rule *base = find_rule(strategy, policy, "*", "*");
        struct strategy_rule *rule;

        if (strategy->rules[policy] == NULL)
                strategy->rules[policy] =
                        ARENA_ARRAY(ctx->session->arena, struct strategy_rule, STRATEGY_RULES_MAX);
        if (strategy->rules[policy] == NULL)
                return NULL;
        if (strategy->rule_count[policy] == STRATEGY_RULES_MAX) {
                read_error(ctx, path, "more than the %d rules allowed", STRATEGY_RULES_MAX);
                return NULL;
        }
        rule = &strategy->rules[policy][strategy->rule_count[policy]++];
        rows[policy].defaults(rule);
        if (base != NULL)
                *rule = *base;
        rule->from = from;
        rule->to = to;
        return rule;
}

/* Settings laid over what the rule says already. */
static void read_settings(struct read_context *ctx, const json_t *json, const char *path,
                          enum strategy_policy policy, struct strategy_rule *rule)
{
        struct read_object object;
        const char *reason;

        rule->ctx = ctx;
        rule->path = path;
        rule->on = !json_is_null(json);
        if (!rule->on || !read_object_begin(ctx, json, path, &object))
                return;
        rows[policy].read(&object, rule);
        read_object_end(&object);
        reason = rows[policy].check != NULL ? rows[policy].check(rule) : NULL;
        if (reason != NULL)
                read_error(ctx, path, "%s", reason);
}

static void read_rule(struct read_context *ctx, const json_t *json, const char *path,
                      struct strategy *strategy, enum strategy_policy policy, const char *from,
                      const char *to)
{
        struct strategy_rule *rule = find_rule(strategy, policy, from, to);

        if (rule == NULL)
                rule = add_rule(ctx, path, strategy, policy, from, to);
        if (rule != NULL)
                read_settings(ctx, json, path, policy, rule);
}

void strategy_rule_read(struct read_context *ctx, const json_t *json, const char *path,
                        enum strategy_policy policy, struct strategy_rule *out)
{
        memset(out, 0, sizeof(*out));
        rows[policy].defaults(out);
        out->from = "*";
        out->to = "*";
        read_settings(ctx, json, path, policy, out);
}

void strategy_rule_write(const struct strategy_rule *rule, enum strategy_policy policy,
                         struct json_line *line)
{
        json_open(line, strategy_policy_names[policy], '{');
        rows[policy].write(rule, line);
        json_close(line, '}');
}

static void read_edges(struct read_object *section, struct strategy *strategy,
                       enum strategy_policy policy)
{
        struct arena *arena = section->ctx->session->arena;
        const json_t *edges = read_any(section, "edges", READ_OPTIONAL);
        const char *path = read_path(section, "edges");
        const char *key, *arrow;
        char *from;
        json_t *value;

        if (edges == NULL)
                return;
        if (!json_is_object(edges)) {
                read_wrong_type(section->ctx, path, edges, "an object of edges");
                return;
        }
        json_object_foreach((json_t *)(uintptr_t)edges, key, value)
        {
                arrow = strstr(key, "->");
                if (arrow == NULL || arrow == key || arrow[2] == '\0') {
                        read_key_error(section->ctx, json_path_key(arena, path, key),
                                       "an edge is written caller->callee, '*' for any");
                        continue;
                }
                from = arena_text(arena, key);
                if (from == NULL)
                        return;
                from[arrow - key] = '\0';
                read_rule(section->ctx, value, json_path_key(arena, path, key), strategy, policy,
                          from, from + (arrow - key) + 2);
        }
}

void strategy_read_policies(struct read_object *object, struct strategy *strategy)
{
        struct read_object section;
        const json_t *json;
        int policy;

        for (policy = 0; policy < STRATEGY_POLICY_COUNT; policy++) {
                json = read_any(object, strategy_policy_names[policy], READ_OPTIONAL);
                if (json == NULL)
                        continue;
                if (json_is_null(json)) { /* none of it on any edge */
                        strategy->rule_count[policy] = 0;
                        continue;
                }
                if (!read_object_begin(object->ctx, json,
                                       read_path(object, strategy_policy_names[policy]), &section))
                        continue;
                json = read_any(&section, "default", READ_OPTIONAL);
                if (json != NULL)
                        read_rule(section.ctx, json, read_path(&section, "default"), strategy,
                                  (enum strategy_policy)policy, "*", "*");
                read_edges(&section, strategy, (enum strategy_policy)policy);
                read_object_end(&section);
        }
}

/* ---- asking */

static int exactness(const struct strategy_rule *rule, const char *from, const char *to)
{
        int exact = 1;

        if (strcmp(rule->to, "*") != 0) {
                if (strcmp(rule->to, to) != 0)
                        return 0;
                exact += 2;
        }
        if (strcmp(rule->from, "*") != 0) {
                if (from == NULL || strcmp(rule->from, from) != 0)
                        return 0;
                exact += 1;
        }
        return exact;
}

const struct strategy_rule *strategy_rule_for(const struct strategy *strategy,
                                              enum strategy_policy policy, const char *from,
                                              const char *to)
{
        const struct strategy_rule *best = NULL;
        int exact, best_exact = 0;
        uint32_t i;

        for (i = 0; i < strategy->rule_count[policy]; i++) {
                exact = exactness(&strategy->rules[policy][i], from, to);
                if (exact > best_exact) {
                        best = &strategy->rules[policy][i];
                        best_exact = exact;
                }
        }
        return best != NULL && best->on ? best : NULL;
}

static bool service_exists(const struct fleet_spec *fleet, const char *name,
                           struct nearest *nearest)
{
        uint32_t i;

        nearest_begin(nearest, name);
        if (strcmp(name, "*") == 0)
                return true;
        for (i = 0; i < fleet->service_count; i++) {
                if (strcmp(fleet->services[i].name, name) == 0)
                        return true;
                nearest_offer(nearest, fleet->services[i].name);
        }
        return false;
}

static bool edge_exists(const struct fleet_spec *fleet, const char *from, const char *to)
{
        uint32_t i;

        if (strcmp(from, "*") == 0 || strcmp(to, "*") == 0)
                return true;
        for (i = 0; i < fleet->edge_count; i++) {
                if (strcmp(fleet->services[fleet->edges[i].from].name, from) == 0 &&
                    strcmp(fleet->services[fleet->edges[i].to].name, to) == 0)
                        return true;
        }
        return false;
}

bool strategy_check_fleet(const struct strategy *strategy, const struct fleet_spec *fleet)
{
        const struct strategy_rule *rule;
        struct nearest nearest;
        bool ok = strategy_check_features(strategy, fleet);
        uint32_t i;
        int policy;

        for (policy = 0; policy < STRATEGY_POLICY_COUNT; policy++) {
                for (i = 0; i < strategy->rule_count[policy]; i++) {
                        struct read_context *ctx;

                        rule = &strategy->rules[policy][i];
                        ctx = (struct read_context *)(uintptr_t)rule->ctx;
                        if (!service_exists(fleet, rule->from, &nearest)) {
                                read_unknown_name(ctx, rule->path, "service", rule->from,
                                                  nearest.best);
                                ok = false;
                        } else if (!service_exists(fleet, rule->to, &nearest)) {
                                read_unknown_name(ctx, rule->path, "service", rule->to,
                                                  nearest.best);
                                ok = false;
                        } else if (!edge_exists(fleet, rule->from, rule->to)) {
                                read_key_error(ctx, rule->path, "%s does not call %s", rule->from,
                                               rule->to);
                                ok = false;
                        }
                }
        }
        return ok;
}
