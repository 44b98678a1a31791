/* harness/scenario/strategy.h - a strategy file, checked and converted.
 *
 * What a healer is told: the supervisor's configuration and, for each edge, the
 * protections that stand on it. `extends` names a preset or a file whose
 * settings hold where this one says nothing. What a strategy may not set (facts
 * of the world, and what decides truth) is refused with the place where it
 * belongs.
 *
 * This, run/heal_bridge.c and run/guards.c are the only places of the harness
 * that know libhealer.
 */
#ifndef CHAOS_SCENARIO_STRATEGY_H
#define CHAOS_SCENARIO_STRATEGY_H

#include "harness/base/json_line.h"
#include "harness/fleet/fleet_spec.h"
#include "harness/scenario/read.h"
#include "harness/scenario/reference.h"
#include "healer/breaker.h"
#include "healer/config.h"
#include "healer/learned.h"

enum strategy_policy {
        STRATEGY_BREAKER,
        STRATEGY_RETRY,
        STRATEGY_TIMEOUT,
        STRATEGY_BULKHEAD,
        STRATEGY_RATE_LIMIT,
        STRATEGY_FALLBACK,
        STRATEGY_SHEDDING,
        STRATEGY_POLICY_COUNT
};

enum strategy_shedding {
        STRATEGY_SHED_PRIORITY,
        STRATEGY_SHED_AIMD, /* these three: healer/adaptive.h */
        STRATEGY_SHED_VEGAS,
        STRATEGY_SHED_GRADIENT2,
};

extern const char *const strategy_policy_names[STRATEGY_POLICY_COUNT];

/* One policy for the edges that fit. */
struct strategy_rule {
        const char *from, *to; /* names, or "*" */
        const char *path;      /* where it stands, for messages */
        const struct read_context *ctx;
        bool on;               /* false: switched off by null */
        union {
                struct healer_breaker_config breaker;
                struct retry_spec retry;
                struct {
                        int64_t after_ns;
                } timeout;
                struct {
                        uint32_t max_concurrent, max_queue;
                        int64_t max_wait_ns;
                } bulkhead;
                struct {
                        double rate_per_s;
                        uint32_t burst;
                        int64_t max_wait_ns; /* at most so long until its turn; 0: refused */
                } rate_limit;
                struct {
                        bool enabled;
                        uint32_t kinds; /* bit per enum fallback_kind that may be used */
                } fallback;
                struct {
                        uint32_t kind;  /* enum strategy_shedding */
                        uint32_t limit; /* calls in flight; by priority: from half of it on the
                                         * lowest are refused, at it all; adaptive: at first */
                } shedding;
        };
};

enum { STRATEGY_RULES_MAX = 256 };

/* Where the healer keeps records of its own; never anything that decides truth. */
struct strategy_store {
        const char *path; /* NULL: nowhere */
        const char *ledger; /* a copy for people, never read back (--db); NULL: none */
        uint32_t batch_size;
        int64_t flush_interval_ns, retention_ns;
        void (*say)(void *ctx, const char *line); /* of whoever runs it; may be NULL */
        void *say_ctx;
};

/* Who is told when a human is called; carried out by --notify alone. */
struct strategy_channel {
        const char *name, *url, *token; /* url, token: or "env:NAME"; token may be NULL */
        uint32_t form, level;           /* as healer/notify and healer/escalate count them */
};
enum { STRATEGY_CHANNELS_MAX = 16 };

struct strategy {
        const char *name;
        const struct reference_row *reference; /* one of these instead; NULL: none */
        const char *json; /* effective: everything merged, keys sorted, one line */
        char digest[65];  /* SHA-256 of that, in hex */
        struct healer_config healer;
        struct strategy_store store;
        struct strategy_channel channels[STRATEGY_CHANNELS_MAX];
        uint32_t channel_count;
        const struct read_context *features_ctx; /* where degradation.features stand, if they do */
        const char *features_path;
        struct healer_learned *learned; /* `initial_state`, or NULL: nothing yet */
        char learned_digest[65];        /* of that file's content; "" without one */
        struct strategy_rule *rules[STRATEGY_POLICY_COUNT]; /* [0]: the default, "*" to "*" */
        uint32_t rule_count[STRATEGY_POLICY_COUNT];
};

/* `value_or_name`: an object, or a text that is a preset's name, a path or
 * "reference:NAME"; it
 * stands at `json_path` of the file of `ctx`. False when something was wrong
 * (reported); the strategy is in `arena`. */
bool strategy_load(struct arena *arena, struct read_context *ctx, const json_t *value_or_name,
                   const char *json_path, struct strategy **out);

/* Whether it does anything at all: watches, or guards an edge. */
bool strategy_acts(const struct strategy *strategy);

/* All that is in force, defaults too, as a file says it: read again, it gives the same
 * strategy, but for secrets of channels, which it does not show. The caller's. */
json_t *strategy_effective(const struct strategy *strategy);

const char *strategy_digest(const struct strategy *strategy);

/* Reports rules about edges, and features, that the fleet has not. The contexts of the loading
 * session must still live. */
bool strategy_check_fleet(const struct strategy *strategy, const struct fleet_spec *fleet);

/* The rule in force on the edge from service `from` (NULL: a load source) to
 * `to`, or NULL: the most exact one that fits, if it is on. */
const struct strategy_rule *strategy_rule_for(const struct strategy *strategy,
                                              enum strategy_policy policy, const char *from,
                                              const char *to);

/* One rule by itself, outside of a strategy: `json` is its settings, what it does
 * not say has the default. What is wrong is reported. */
void strategy_rule_read(struct read_context *ctx, const json_t *json, const char *path,
                        enum strategy_policy policy, struct strategy_rule *out);

/* The same settings as a member of the present object, under the policy's name;
 * strategy_rule_read() makes the same rule of them. */
void strategy_rule_write(const struct strategy_rule *rule, enum strategy_policy policy,
                         struct json_line *line);

/* Built-in presets: text, or NULL when there is none of that name; and all
 * names, NULL-ended. */
const char *strategy_preset(const char *name, size_t *size);
extern const char *const strategy_preset_names[];

#endif
