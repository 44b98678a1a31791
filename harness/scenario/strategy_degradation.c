/* strategy_degradation.c - what levels of degradation are, and what asks for them:
 * degradation.levels, per_resource, features and rules of a strategy.
 *
 * A later layer's list replaces the one before it. A level is spoken of by its name,
 * by its number, or by a mode of the four-level scale (full, reduced, minimal,
 * emergency), of which each stands for one level of the table. Features come first,
 * for the lists of levels name them, then levels, then whatever names a level.
 *
 * Whether tables are complete and monotone, and rules sound, is the library's to
 * say (healer_config_check()). What an answer is worth is a fact of the fleet: a
 * level's `quality` is what it is to be worth at least, as far as it can.
 */
#include <stdio.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/scenario/strategy_read.h"
#include "harness/sim/time.h"
#include "healer/degrade.h"

#define SHARE_MIN 0.0001

const char *const strategy_rule_operators[] = {">", ">=", "<", "<=", "==", NULL};

static void keep_name(struct read_object *object, char name[HEALER_LEVEL_NAME_MAX + 1],
                      enum read_need need)
{
        const char *text;

        if (!read_text(object, "name", need, &text))
                return;
        if (text[0] == '\0' || strlen(text) > HEALER_LEVEL_NAME_MAX)
                read_error(object->ctx, read_path(object, "name"), "a name has 1 to %d bytes",
                           HEALER_LEVEL_NAME_MAX);
        else
                memcpy(name, text, strlen(text) + 1);
}

/* ---- which level is meant */

static void read_level_at(struct read_object *object, const char *key, enum read_need need,
                          const struct healer_config *config, uint32_t *out)
{
        const json_t *json = read_any(object, key, need);
        const char *path = read_path(object, key), *name;
        struct nearest nearest;
        uint32_t i;

        if (json == NULL)
                return;
        if (json_is_integer(json)) {
                (void)read_count_at(object->ctx, json, path, 1, config->degradation.levels.count - 1, out);
                return;
        }
        if (!read_text_at(object->ctx, json, path, &name))
                return;
        nearest_begin(&nearest, name);
        for (i = 0; i < config->degradation.levels.count; i++) {
                *out = i;
                if (strcmp(config->degradation.levels.rows[i].name, name) == 0)
                        return;
                nearest_offer(&nearest, config->degradation.levels.rows[i].name);
        }
        for (i = HEALER_MODE_REDUCED; i < HEALER_MODE_COUNT; i++) {
                *out = healer_level_of_mode((enum healer_mode)i, config->degradation.levels.count);
                if (strcmp(healer_mode_name((enum healer_mode)i), name) == 0)
                        return;
                nearest_offer(&nearest, healer_mode_name((enum healer_mode)i));
        }
        *out = 0;
        read_unknown_name(object->ctx, path, "level", name, nearest.best);
}

/* ---- features */

/* The feature of that name among the first `count`, as a bit; 0 and reported: none. */
static uint32_t feature_bit(struct read_context *ctx, const char *path,
                            const struct healer_config *config, uint32_t count, const char *name)
{
        struct nearest nearest;
        uint32_t i;

        nearest_begin(&nearest, name);
        for (i = 0; i < count; i++) {
                if (strcmp(config->degradation.features[i].name, name) == 0)
                        return UINT32_C(1) << i;
                nearest_offer(&nearest, config->degradation.features[i].name);
        }
        read_unknown_name(ctx, path, "feature", name, nearest.best);
        return 0;
}

static uint32_t feature_bits(struct read_object *object, const char *key,
                             const struct healer_config *config, uint32_t count)
{
        const json_t *list = read_list(object, key, READ_OPTIONAL, HEALER_LEVEL_FEATURES_MAX);
        struct arena *arena = object->ctx->session->arena;
        uint32_t bits = 0;
        const char *name;
        size_t i;

        for (i = 0; i < json_array_size(list); i++) {
                const char *path = json_path_index(arena, read_path(object, key), i);

                if (read_text_at(object->ctx, json_array_get(list, i), path, &name))
                        bits |= feature_bit(object->ctx, path, config, count, name);
        }
        return bits;
}

static bool names_features(const struct healer_config *config)
{
        uint32_t i;

        for (i = 0; i < config->degradation.levels.count; i++) {
                if (config->degradation.levels.rows[i].off != 0)
                        return true;
        }
        return false;
}

/* Its level is read later, when levels are known. */
struct late {
        struct read_object objects[HEALER_LEVEL_FEATURES_MAX];
        uint32_t count;
};

static void read_feature_row(struct read_object *object, struct healer_config *config)
{
        uint32_t i = config->degradation.feature_count;
        struct healer_level_feature *out = &config->degradation.features[i];
        uint32_t k;

        memset(out, 0, sizeof(*out));
        out->priority = PRIORITY_USUAL;
        keep_name(object, out->name, READ_REQUIRED);
        (void)read_count(object, "priority", READ_OPTIONAL, 0, PRIORITY_MAX, &out->priority);
        out->needs = feature_bits(object, "needs", config, i);
        for (k = 0; k < i; k++) {
                if (strcmp(config->degradation.features[k].name, out->name) == 0)
                        read_error(object->ctx, object->path, "a second feature named '%s'",
                                   out->name);
        }
        config->degradation.feature_count++;
}

static void read_feature_rows(struct read_object *section, struct strategy *strategy,
                              struct late *late)
{
        struct read_context *ctx = section->ctx;
        const json_t *list = read_list(section, "features", READ_OPTIONAL,
                                       HEALER_LEVEL_FEATURES_MAX);
        size_t i;

        if (list == NULL)
                return;
        if (names_features(&strategy->healer) && !read_has(section, "levels")) {
                read_key_error(ctx, read_path(section, "features"),
                               "the levels of its base name other features: say both here");
                return;
        }
        strategy->healer.degradation.feature_count = 0;
        strategy->features_ctx = ctx;
        strategy->features_path = read_path(section, "features");
        for (i = 0; i < json_array_size(list) && i < HEALER_LEVEL_FEATURES_MAX; i++) {
                if (!read_object_begin(ctx, json_array_get(list, i),
                                       json_path_index(ctx->session->arena,
                                                       strategy->features_path, i),
                                       &late->objects[late->count]))
                        return;
                read_feature_row(&late->objects[late->count++], &strategy->healer);
        }
}

static void read_feature_levels(struct late *late, struct healer_config *config)
{
        uint32_t i;

        for (i = 0; i < late->count; i++) {
                read_level_at(&late->objects[i], "off_at", READ_OPTIONAL, config,
                              &config->degradation.features[i].off_at);
                read_object_end(&late->objects[i]);
        }
}

/* ---- tables */

static void read_level_row(struct read_object *object, const struct healer_config *config,
                           bool with_features, struct healer_level *out)
{
        memset(out, 0, sizeof(*out));
        keep_name(object, out->name, READ_REQUIRED);
        (void)read_ratio(object, "capacity", READ_REQUIRED, SHARE_MIN, 1, &out->capacity);
        (void)read_ratio(object, "usage", READ_REQUIRED, 0, 10, &out->usage);
        (void)read_ratio(object, "timeout", READ_REQUIRED, SHARE_MIN, 1, &out->timeout);
        (void)read_ratio(object, "quality", READ_REQUIRED, SHARE_MIN, 1, &out->quality);
        (void)read_count(object, "concurrency", READ_OPTIONAL, 1, 1000000, &out->concurrency);
        if (!with_features)
                return;
        (void)read_count(object, "min_priority", READ_OPTIONAL, 0, PRIORITY_MAX + 1,
                         &out->min_priority);
        out->off = feature_bits(object, "off", config, config->degradation.feature_count);
}

static void read_table(struct read_object *section, const struct healer_config *config,
                       bool with_features, struct healer_levels *out)
{
        struct read_context *ctx = section->ctx;
        const json_t *list = read_list(section, "levels", READ_OPTIONAL, HEALER_LEVELS_MAX);
        struct read_object row;
        size_t i;

        if (list == NULL)
                return;
        out->count = 0;
        if (json_array_size(list) < 2)
                read_error(ctx, read_path(section, "levels"), "2 to %d levels, full service first",
                           HEALER_LEVELS_MAX);
        for (i = 0; i < json_array_size(list) && i < HEALER_LEVELS_MAX; i++) {
                if (!read_object_begin(ctx, json_array_get(list, i),
                                       json_path_index(ctx->session->arena,
                                                       read_path(section, "levels"), i),
                                       &row))
                        continue;
                read_level_row(&row, config, with_features, &out->rows[out->count++]);
                read_object_end(&row);
        }
}

/* true: watched by the table; an object: by one of its own; false: not. */
static void read_resources(struct read_object *section, struct healer_config *config)
{
        struct read_object resources, one;
        const json_t *json;
        int metric;

        if (!read_child_begin(section, "per_resource", READ_OPTIONAL, &resources))
                return;
        for (metric = 0; metric <= HEALER_METRIC_QUEUE; metric++) {
                json = read_any(&resources, healer_metrics[metric].name, READ_OPTIONAL);
                if (json == NULL)
                        continue;
                memset(&config->degradation.per_resource[metric], 0,
                       sizeof(config->degradation.per_resource[metric]));
                config->degradation.per_resource[metric].watched = !json_is_false(json);
                if (json_is_boolean(json) ||
                    !read_object_begin(resources.ctx, json,
                                       read_path(&resources, healer_metrics[metric].name), &one))
                        continue;
                (void)read_ratio(&one, "first_usage", READ_OPTIONAL, SHARE_MIN, 10,
                                 &config->degradation.per_resource[metric].first_usage);
                read_table(&one, config, false, &config->degradation.per_resource[metric].levels);
                read_object_end(&one);
        }
        read_object_end(&resources);
}

/* ---- rules */

static void read_metric(struct read_object *object, struct healer_level_rule *out)
{
        struct nearest nearest;
        const char *name;
        uint32_t i;

        if (!read_text(object, "metric", READ_REQUIRED, &name))
                return;
        out->metric = HEALER_METRIC_COUNT;
        if (strcmp(name, "score") == 0)
                return;
        nearest_begin(&nearest, name);
        nearest_offer(&nearest, "score");
        for (i = 0; i < HEALER_METRIC_COUNT; i++) {
                if (i == HEALER_METRIC_HEARTBEAT)
                        continue; /* nothing that goes up or down */
                out->metric = i;
                if (strcmp(healer_metrics[i].name, name) == 0)
                        return;
                nearest_offer(&nearest, healer_metrics[i].name);
        }
        read_unknown_name(object->ctx, read_path(object, "metric"), "metric", name, nearest.best);
}

/* In the metric's own unit; of a trend, by how much it has moved. */
static void read_value(struct read_object *object, struct healer_level_rule *out)
{
        int64_t ns = 0;

        if (out->metric < HEALER_METRIC_COUNT && healer_metrics[out->metric].ratio)
                (void)read_ratio(object, "value", READ_REQUIRED, -1, 1, &out->value);
        else if (out->metric == HEALER_METRIC_LATENCY) {
                (void)read_duration(object, "value", READ_REQUIRED, 0, 3600 * NS_PER_S, &ns);
                out->value = (double)ns / 1e9;
        } else {
                (void)read_number(object, "value", READ_REQUIRED, -1e9, 1e9, &out->value);
        }
}

static void read_condition(struct read_object *object, struct healer_level_rule *out)
{
        read_metric(object, out);
        (void)read_choice(object, "operator", READ_REQUIRED, strategy_rule_operators, &out->op);
        read_value(object, out);
        (void)read_duration(object, "over", READ_OPTIONAL, 1, 3600 * NS_PER_S, &out->over_ns);
        out->kind = out->over_ns > 0 ? HEALER_RULE_TREND : HEALER_RULE_THRESHOLD;
}

static struct healer_level_rule *new_rule(struct read_context *ctx, const char *path,
                                          struct healer_config *config)
{
        struct healer_level_rule *rule;

        if (config->degradation.rule_count == HEALER_LEVEL_RULES_MAX) {
                read_error(ctx, path, "more than the %d rules and conditions allowed",
                           HEALER_LEVEL_RULES_MAX);
                return NULL;
        }
        rule = &config->degradation.rules[config->degradation.rule_count++];
        memset(rule, 0, sizeof(*rule));
        rule->level = HEALER_RULE_NO_LEVEL;
        return rule;
}

/* The conditions of "all" or "any" become rules without a level, in front of theirs. */
static void read_parts(struct read_object *object, const char *key, struct healer_config *config,
                       struct healer_level_rule *whole)
{
        struct read_context *ctx = object->ctx;
        const json_t *list = read_list(object, key, READ_OPTIONAL, HEALER_RULE_PARTS_MAX);
        struct healer_level_rule *part;
        struct read_object item;
        size_t i;

        if (list == NULL)
                return;
        whole->kind = strcmp(key, "all") == 0 ? HEALER_RULE_ALL : HEALER_RULE_ANY;
        for (i = 0; i < json_array_size(list); i++) {
                if (!read_object_begin(ctx, json_array_get(list, i),
                                       json_path_index(ctx->session->arena, read_path(object, key),
                                                       i),
                                       &item))
                        continue;
                part = new_rule(ctx, item.path, config);
                if (part != NULL) {
                        whole->parts[whole->parts_count++] = config->degradation.rule_count - 1;
                        read_condition(&item, part);
                        (void)read_duration(&item, "duration", READ_OPTIONAL, 0, 3600 * NS_PER_S,
                                            &part->duration_ns);
                }
                read_object_end(&item);
        }
}

static void read_rule(struct read_object *object, struct healer_config *config)
{
        struct healer_level_rule whole, *kept;

        memset(&whole, 0, sizeof(whole));
        keep_name(object, whole.name, READ_OPTIONAL);
        if (read_has(object, "all") || read_has(object, "any")) {
                read_parts(object, "all", config, &whole);
                if (read_has(object, "all") && read_has(object, "any"))
                        read_error(object->ctx, object->path, "either all or any");
                else
                        read_parts(object, "any", config, &whole);
        } else {
                read_condition(object, &whole);
        }
        (void)read_duration(object, "duration", READ_OPTIONAL, 0, 3600 * NS_PER_S,
                            &whole.duration_ns);
        (void)read_duration(object, "grace", READ_OPTIONAL, 0, 3600 * NS_PER_S, &whole.grace_ns);
        read_level_at(object, "level", READ_REQUIRED, config, &whole.level);
        kept = new_rule(object->ctx, object->path, config);
        if (kept != NULL)
                *kept = whole;
}

static void read_rules(struct read_object *section, struct healer_config *config)
{
        struct read_context *ctx = section->ctx;
        const json_t *list = read_list(section, "rules", READ_OPTIONAL, HEALER_LEVEL_RULES_MAX);
        struct read_object rule;
        size_t i;

        if (list == NULL)
                return;
        config->degradation.rule_count = 0;
        for (i = 0; i < json_array_size(list); i++) {
                if (!read_object_begin(ctx, json_array_get(list, i),
                                       json_path_index(ctx->session->arena,
                                                       read_path(section, "rules"), i),
                                       &rule))
                        continue;
                read_rule(&rule, config);
                read_object_end(&rule);
        }
}

void strategy_read_degradation(struct read_object *section, struct strategy *strategy)
{
        struct healer_config *config = &strategy->healer;
        struct late late;

        late.count = 0;
        read_feature_rows(section, strategy, &late);
        read_table(section, config, true, &config->degradation.levels);
        read_feature_levels(&late, config);
        read_resources(section, config);
        read_rules(section, config);
}

/* ---- against a fleet */

bool strategy_check_features(const struct strategy *strategy, const struct fleet_spec *fleet)
{
        const struct healer_config *config = &strategy->healer;
        struct read_context *ctx = (struct read_context *)(uintptr_t)strategy->features_ctx;
        struct nearest nearest;
        bool ok = true;

        for (uint32_t f = 0; f < config->degradation.feature_count; f++) {
                const char *name = config->degradation.features[f].name;
                bool found = false;

                nearest_begin(&nearest, name);
                for (uint32_t s = 0; s < fleet->service_count; s++) {
                        const struct service_spec *service = &fleet->services[s];

                        for (uint32_t i = 0; i < service->feature_count; i++) {
                                found = found || strcmp(service->features[i].name, name) == 0;
                                nearest_offer(&nearest, service->features[i].name);
                        }
                }
                if (!found)
                        read_unknown_name(ctx,
                                          json_path_index(ctx->session->arena,
                                                          strategy->features_path, f),
                                          "feature", name, nearest.best);
                ok = ok && found;
        }
        return ok;
}
