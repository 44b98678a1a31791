/* learned.c - what was learned, out of one healer and into another. */
#include "healer/learned.h"

#include "healer/hlr_supervisor.h"

#include <string.h>

const char *const healer_context_names[HEALER_CONTEXT_COUNT] = {"calm", "changed", "loaded",
                                                                "wide"};

_Static_assert((int)HEALER_METRIC_COUNT <= (int)HEALER_SIGN_EXIT &&
                       (int)HEALER_SIGN_MESSAGE + (int)HEALER_FAILURE_COUNT <=
                               (int)HEALER_SIGNS_MAX,
               "signs do not overlap");

static const char *const message_names[HEALER_FAILURE_COUNT] = {
        [HEALER_FAILURE_UNKNOWN] = "message:unknown",
        [HEALER_FAILURE_AGENT_FAILED] = "message:agent_failed",
        [HEALER_FAILURE_AGENT_DOWN] = "message:agent_down",
        [HEALER_FAILURE_HEARTBEAT_FAILED] = "message:heartbeat_failed",
        [HEALER_FAILURE_TASK_TIMEOUT] = "message:task_timeout",
        [HEALER_FAILURE_TASK_FAILED] = "message:task_failed",
        [HEALER_FAILURE_EXECUTION_ERROR] = "message:execution_error",
        [HEALER_FAILURE_RESOURCE_EXHAUSTION] = "message:resource_exhaustion",
        [HEALER_FAILURE_TOKEN_EXHAUSTION] = "message:token_exhaustion",
        [HEALER_FAILURE_QUOTA_EXCEEDED] = "message:quota_exceeded",
        [HEALER_FAILURE_MEMORY_EXHAUSTION] = "message:memory_exhaustion",
        [HEALER_FAILURE_QUORUM_LOSS] = "message:quorum_loss",
        [HEALER_FAILURE_MEMORY_LEAK] = "message:memory_leak",
        [HEALER_FAILURE_CPU_SPIKE] = "message:cpu_spike",
        [HEALER_FAILURE_NETWORK_TIMEOUT] = "message:network_timeout",
        [HEALER_FAILURE_DATABASE_CONNECTION] = "message:database_connection",
        [HEALER_FAILURE_API_FAILURE] = "message:api_failure",
        [HEALER_FAILURE_DEPLOYMENT_FAILURE] = "message:deployment_failure",
        [HEALER_FAILURE_CONFIGURATION_ERROR] = "message:configuration_error",
        [HEALER_FAILURE_DEPENDENCY_FAILURE] = "message:dependency_failure",
        [HEALER_FAILURE_HIGH_LATENCY] = "message:high_latency",
        [HEALER_FAILURE_DISK_FULL] = "message:disk_full",
        [HEALER_FAILURE_CASCADE] = "message:cascade",
};

const char *healer_sign_name(uint32_t sign)
{
        static const char *const processes[] = {"exit", "oom", "silent", "check", "deployment",
                                                "config"};
        const char *name = NULL;

        if (sign < HEALER_METRIC_COUNT)
                name = healer_metrics[sign].name;
        else if (sign >= HEALER_SIGN_EXIT && sign <= HEALER_SIGN_CONFIG)
                name = processes[sign - HEALER_SIGN_EXIT];
        else if (sign >= HEALER_SIGN_MESSAGE && sign < HEALER_SIGN_MESSAGE + HEALER_FAILURE_COUNT)
                name = message_names[sign - HEALER_SIGN_MESSAGE];
        return name != NULL ? name : "";
}

uint32_t healer_sign_of(const char *name)
{
        uint32_t sign;

        for (sign = 0; name[0] != '\0' && sign < HEALER_SIGNS_MAX; sign++) {
                if (strcmp(name, healer_sign_name(sign)) == 0)
                        return sign;
        }
        return HEALER_SIGNS_MAX;
}

void healer_learned_init(struct healer_learned *learned)
{
        uint32_t failure, action, context, metric;

        memset(learned, 0, sizeof(*learned));
        learned->size = sizeof(*learned);
        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                for (action = 0; action < HEALER_ACTION_COUNT; action++) {
                        learned->effects[failure][action].preference = 0.5;
                        for (context = 0; context < HEALER_CONTEXT_COUNT; context++)
                                learned->by_context[context][failure][action].preference = 0.5;
                }
        }
        for (metric = 0; metric < HEALER_METRIC_COUNT; metric++)
                learned->tuning[metric].factor = 1;
}

/* ---- what is refused */

static bool effect_is_sound(const struct healer_effect *effect)
{
        return effect->helped <= effect->tried && effect->preference >= 0 &&
               effect->preference <= 1;
}

static const char *check_effects(const struct healer_learned *learned)
{
        uint32_t failure, action, context;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                for (action = 0; action < HEALER_ACTION_COUNT; action++) {
                        if (!effect_is_sound(&learned->effects[failure][action]))
                                return "effects: helped is at most tried, a preference 0..1";
                        for (context = 0; context < HEALER_CONTEXT_COUNT; context++) {
                                if (!effect_is_sound(
                                            &learned->by_context[context][failure][action]))
                                        return "by_context: helped is at most tried, a "
                                               "preference 0..1";
                        }
                }
        }
        return NULL;
}

static const char *check_cases(const struct healer_cases *cases)
{
        uint32_t kind, i, f;

        for (kind = 0; kind < 2; kind++) {
                if (cases->count[kind] > 2 * HEALER_CASES_MAX)
                        return "cases: more than are kept";
                for (i = 0; i < cases->count[kind] && i < HEALER_CASES_MAX; i++) {
                        if (cases->kept[kind][i].failed != (kind == 1) ||
                            cases->kept[kind][i].failure >= HEALER_FAILURE_COUNT)
                                return "cases: of a failure type that is none";
                        for (f = 0; f < HEALER_FEATURE_COUNT; f++) {
                                if (!isfinite(cases->kept[kind][i].features[f]))
                                        return "cases: features must be finite";
                        }
                }
        }
        return NULL;
}

static const char *check_patterns(const struct healer_learned *learned)
{
        struct healer_patterns_config config = healer_patterns_config_defaults();
        struct healer_patterns *patterns;
        const char *reason = NULL;
        uint32_t i;

        if (learned->pattern_count > HEALER_PATTERNS_MAX)
                return "patterns: more than are kept";
        if (healer_patterns_create(&config, 0, &patterns) != HEALER_OK)
                return "patterns: out of memory";
        for (i = 0; i < learned->pattern_count && reason == NULL; i++) {
                if (healer_patterns_add(patterns, &learned->patterns[i]) != HEALER_OK)
                        reason = "patterns: one cannot be, or is there twice";
        }
        healer_patterns_destroy(patterns);
        return reason;
}

const char *healer_learned_check(const struct healer_learned *learned)
{
        const char *reason;
        uint32_t metric;

        if (learned->size != sizeof(*learned))
                return "size: another layout";
        reason = healer_model_check(&learned->model);
        if (reason == NULL)
                reason = check_cases(&learned->cases);
        if (reason == NULL)
                reason = check_effects(learned);
        if (reason == NULL)
                reason = check_patterns(learned);
        for (metric = 0; metric < HEALER_METRIC_COUNT && reason == NULL; metric++) {
                if (!(learned->tuning[metric].factor >= HEALER_TUNING_MIN &&
                      learned->tuning[metric].factor <= HEALER_TUNING_MAX &&
                      learned->tuning[metric].usual_high >= 0 &&
                      isfinite(learned->tuning[metric].usual_high)))
                        reason = "tuning: a factor is 0.8..1.25";
        }
        return reason;
}

/* ---- adding up */

static const struct healer_pattern *same_pattern(const struct healer_learned *learned,
                                                 const struct healer_pattern *pattern)
{
        uint32_t i;

        for (i = 0; i < learned->pattern_count; i++) {
                if (learned->patterns[i].length == pattern->length &&
                    learned->patterns[i].failure == pattern->failure &&
                    memcmp(learned->patterns[i].signs, pattern->signs, sizeof(pattern->signs)) ==
                            0)
                        return &learned->patterns[i];
        }
        return NULL;
}

/* Means and squares of two halves are those of the whole (Chan). */
static void add_leads(struct healer_pattern *sum, double count, double mean, double squares)
{
        double all = (double)sum->followed + count, step = mean - sum->lead_mean_s;

        if (!(count > 0))
                return;
        sum->lead_m2 += fmax(0, squares) + step * step * (double)sum->followed * count / all;
        sum->lead_mean_s += step * count / all;
}

static void add_pattern(struct healer_learned *sum, const struct healer_learned *base,
                        const struct healer_pattern *end)
{
        static const struct healer_pattern nothing;
        const struct healer_pattern *before = same_pattern(base, end);
        struct healer_pattern *row =
                (struct healer_pattern *)(uintptr_t)same_pattern(sum, end);
        double count, mean = 0, squares;

        if (before == NULL)
                before = &nothing;
        if (row == NULL) {
                if (sum->pattern_count == HEALER_PATTERNS_MAX)
                        return;
                row = &sum->patterns[sum->pattern_count++];
                *row = *end;
                row->seen = row->followed = row->right = row->wrong = 0;
                row->lead_mean_s = row->lead_m2 = 0;
        }
        if (end->seen < before->seen || end->followed < before->followed)
                return; /* made room and came again: nothing can be told */
        count = (double)(end->followed - before->followed);
        if (count > 0)
                mean = fmax(0, ((double)end->followed * end->lead_mean_s -
                                (double)before->followed * before->lead_mean_s) /
                                       count);
        squares = end->lead_m2 - before->lead_m2;
        add_leads(row, count, mean, squares);
        row->followed += end->followed - before->followed;
        row->seen += end->seen - before->seen;
        row->right += end->right - before->right;
        row->wrong += end->wrong - before->wrong;
        if (row->seen < row->followed || row->seen == 0)
                row->seen = row->followed > 0 ? row->followed : 1;
}

static void add_cases(struct healer_cases *sum, const struct healer_cases *end)
{
        uint32_t kind, i;

        for (kind = 0; kind < 2; kind++) {
                for (i = 0; i < end->count[kind] && i < HEALER_CASES_MAX; i++)
                        healer_cases_add(sum, &end->kept[kind][i]);
        }
}

static void add_effect(struct healer_effect *sum, const struct healer_effect *base,
                       const struct healer_effect *end)
{
        if (end->tried <= base->tried)
                return;
        sum->tried += end->tried - base->tried;
        sum->helped += end->helped - base->helped;
        sum->preference = end->preference;
}

void healer_learned_add(struct healer_learned *sum, const struct healer_learned *base,
                        const struct healer_learned *end)
{
        uint32_t s, f, a, c, m, i;

        for (s = 0; s < HEALER_SOURCE_COUNT; s++) {
                for (f = 0; f < HEALER_FAILURE_COUNT; f++) {
                        sum->tallies[s][f].right +=
                                end->tallies[s][f].right - base->tallies[s][f].right;
                        sum->tallies[s][f].wrong +=
                                end->tallies[s][f].wrong - base->tallies[s][f].wrong;
                        sum->tallies[s][f].acted +=
                                end->tallies[s][f].acted - base->tallies[s][f].acted;
                }
        }
        for (i = 0; i < end->pattern_count; i++)
                add_pattern(sum, base, &end->patterns[i]);
        add_cases(&sum->cases, &end->cases);
        for (f = 0; f < HEALER_FAILURE_COUNT; f++) {
                for (a = 0; a < HEALER_ACTION_COUNT; a++) {
                        add_effect(&sum->effects[f][a], &base->effects[f][a],
                                   &end->effects[f][a]);
                        for (c = 0; c < HEALER_CONTEXT_COUNT; c++)
                                add_effect(&sum->by_context[c][f][a], &base->by_context[c][f][a],
                                           &end->by_context[c][f][a]);
                }
        }
        for (m = 0; m < HEALER_METRIC_COUNT; m++) {
                if (end->tuning[m].outcomes <= base->tuning[m].outcomes)
                        continue;
                sum->tuning[m].outcomes += end->tuning[m].outcomes - base->tuning[m].outcomes;
                sum->tuning[m].factor = end->tuning[m].factor;
                sum->tuning[m].usual_high = end->tuning[m].usual_high;
        }
}

/* ---- out and in */

void hlr_export(const struct healer *healer, struct healer_learned *out)
{
        uint32_t i;

        healer_learned_init(out);
        memcpy(out->tallies, healer->tallies, sizeof(out->tallies));
        out->cases = healer->cases;
        out->model = healer->model;
        memcpy(out->effects, healer->effects, sizeof(out->effects));
        memcpy(out->by_context, healer->by_context, sizeof(out->by_context));
        memcpy(out->tuning, healer->tuning, sizeof(out->tuning));
        if (healer->patterns == NULL)
                return;
        out->pattern_count = healer_patterns_count(healer->patterns);
        for (i = 0; i < out->pattern_count; i++)
                out->patterns[i] = *healer_patterns_at(healer->patterns, i);
}

enum healer_err hlr_import(struct healer *healer, const struct healer_learned *learned)
{
        struct healer_patterns_config config = healer_patterns_config_defaults();
        struct healer_patterns *patterns;
        uint32_t i;

        if (learned->size != sizeof(*learned))
                return HEALER_E_SIZE;
        if (healer_learned_check(learned) != NULL)
                return HEALER_E_RANGE;
        if (healer->patterns != NULL) {
                config.allocator = healer->allocator;
                config.frozen = !healer->config.learning.enabled;
                config.window_ns = hlr_max(healer->config.prediction.horizon_ns, 60 * HLR_SECOND);
                if (healer_patterns_create(&config, healer->service_count, &patterns) != HEALER_OK)
                        return HEALER_E_NOMEM;
                for (i = 0; i < learned->pattern_count; i++)
                        (void)healer_patterns_add(patterns, &learned->patterns[i]);
                healer_patterns_destroy(healer->patterns);
                healer->patterns = patterns;
        }
        memcpy(healer->tallies, learned->tallies, sizeof(healer->tallies));
        healer->cases = learned->cases;
        healer->case_moments = learned->cases.count[1];
        healer->model = learned->model;
        memcpy(healer->effects, learned->effects, sizeof(healer->effects));
        memcpy(healer->by_context, learned->by_context, sizeof(healer->by_context));
        memcpy(healer->tuning, learned->tuning, sizeof(healer->tuning));
        healer->limits_known = false;
        return HEALER_OK;
}
