/* strategy_effective.c - a strategy with every value that is in force, written as a file.
 *
 * What `extends` brought and what nobody said are in it, so that it shows what a
 * healer is really told; read again, it gives the very same strategy. Options come
 * from the table of healer/config.h, protections from the rows of strategy_policies.c,
 * so that none is forgotten. It is made of the struct that runs, never of the text
 * that was read: what a reader lost would be missing here.
 *
 * Left out is what is not there: a policy that stands on no edge, the store of a
 * strategy without one, and limits that have no end.
 *
 * A token, and the path of an address, may be a secret that stands in the file:
 * only the name of a variable (env:NAME) is shown whole.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/quantity.h"
#include "harness/scenario/strategy_read.h"
#include "healer/degrade.h"

enum { PATH_PART_MAX = 128, ADDRESS_MAX = 256 };

static json_t *duration(int64_t ns)
{
        char text[QUANTITY_TEXT_SIZE];

        return json_string(quantity_format_duration(text, ns));
}

/* ---- options */

static json_t *option_json(const struct healer_config *config, const struct healer_option *option)
{
        const void *at = (const char *)config + option->offset;
        double number = healer_option_get(config, option);

        switch (option->kind) {
        case HEALER_OPTION_BOOL:
                return json_boolean(number != 0);
        case HEALER_OPTION_DURATION:
                return duration(*(const int64_t *)at);
        case HEALER_OPTION_SECONDS:
                return duration(llround(number * 1e9));
        case HEALER_OPTION_COUNT:
                return json_integer((json_int_t)number);
        case HEALER_OPTION_CHOICE:
                return json_string(option->choices[(size_t)number]);
        case HEALER_OPTION_RATIO:
        case HEALER_OPTION_NUMBER:
                break;
        }
        return json_real(number);
}

/* The object at the end of the path but its last part, which is `*last`. */
static json_t *parent_of(json_t *root, const char *path, const char **last)
{
        const char *dot;

        while ((dot = strchr(path, '.')) != NULL) {
                char part[PATH_PART_MAX];
                size_t length = (size_t)(dot - path);
                json_t *next;

                if (length >= sizeof(part))
                        return NULL;
                memcpy(part, path, length);
                part[length] = '\0';
                next = json_object_get(root, part);
                if (next == NULL) {
                        next = json_object();
                        json_object_set_new(root, part, next);
                }
                root = next;
                path = dot + 1;
        }
        *last = path;
        return root;
}

static void add_options(json_t *root, const struct healer_config *config)
{
        for (size_t i = 0; i < healer_option_count; i++) {
                const char *key = NULL;
                json_t *parent = parent_of(root, healer_options[i].path, &key);

                if (parent != NULL)
                        json_object_set_new(parent, key, option_json(config, &healer_options[i]));
        }
}

/* ---- lists of the supervisor */

static json_t *ladders_json(const struct healer_config *config)
{
        json_t *ladders = json_object();

        for (int failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                const struct healer_ladder *ladder = &config->recovery.strategies[failure];
                json_t *list = json_array();

                for (uint32_t i = 0; i < ladder->count; i++)
                        json_array_append_new(list,
                                              json_string(healer_actions[ladder->rungs[i]].name));
                json_object_set_new(ladders, healer_failures[failure].name, list);
        }
        return ladders;
}

static json_t *written_json(const struct healer_config *config)
{
        json_t *list = json_array();

        for (uint32_t i = 0; i < config->recovery.rule_count; i++) {
                const struct healer_written_rule *rule = &config->recovery.rules[i];

                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:b}", "name",
                                                      rule->name, "when", rule->condition, "do",
                                                      rule->action, "priority", (int)rule->priority,
                                                      "enabled", (int)rule->enabled));
        }
        return list;
}

/* Whole when it names a variable; else up to the end of the host. */
static json_t *address_json(const char *url)
{
        char shown[ADDRESS_MAX];
        const char *host = strstr(url, "://");
        size_t length;

        if (strncmp(url, "env:", 4) == 0 || host == NULL)
                return json_string(url);
        host += 3;
        length = (size_t)(host - url) + strcspn(host, "/?#");
        if (length >= sizeof(shown))
                length = sizeof(shown) - 1;
        memcpy(shown, url, length);
        shown[length] = '\0';
        return memchr(shown, '@', length) == NULL ? json_string(shown) : json_string("https://...");
}

static json_t *channels_json(const struct strategy *strategy)
{
        json_t *list = json_array();

        for (uint32_t i = 0; i < strategy->channel_count; i++) {
                const struct strategy_channel *channel = &strategy->channels[i];
                json_t *one = json_pack("{s:s, s:s, s:s, s:o}", "name", channel->name, "kind",
                                        strategy_channel_forms[channel->form], "level",
                                        strategy_channel_levels[channel->level], "url",
                                        address_json(channel->url));

                if (channel->token != NULL)
                        json_object_set_new(one, "token",
                                            json_string(strncmp(channel->token, "env:", 4) == 0
                                                                ? channel->token
                                                                : "(not shown)"));
                json_array_append_new(list, one);
        }
        return list;
}

/* ---- degradation */

static json_t *feature_names(const struct healer_config *config, uint32_t bits)
{
        json_t *list = json_array();

        for (uint32_t i = 0; i < config->degradation.feature_count; i++)
                if (bits & UINT32_C(1) << i)
                        json_array_append_new(list,
                                              json_string(config->degradation.features[i].name));
        return list;
}

static json_t *levels_json(const struct healer_config *config, const struct healer_levels *levels,
                           bool with_features)
{
        json_t *list = json_array();

        for (uint32_t i = 0; i < levels->count; i++) {
                const struct healer_level *row = &levels->rows[i];
                json_t *one = json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", row->name, "capacity",
                                        row->capacity, "usage", row->usage, "timeout", row->timeout,
                                        "quality", row->quality);

                if (row->concurrency > 0)
                        json_object_set_new(one, "concurrency", json_integer(row->concurrency));
                if (with_features) {
                        json_object_set_new(one, "min_priority", json_integer(row->min_priority));
                        json_object_set_new(one, "off", feature_names(config, row->off));
                }
                json_array_append_new(list, one);
        }
        return list;
}

static json_t *resources_json(const struct healer_config *config)
{
        json_t *resources = json_object();

        for (int metric = 0; metric <= HEALER_METRIC_QUEUE; metric++) {
                double first_usage = config->degradation.per_resource[metric].first_usage;
                const struct healer_levels *levels =
                        &config->degradation.per_resource[metric].levels;
                bool plain = first_usage == 0 && levels->count == 0;
                json_t *one = plain ? json_boolean(config->degradation.per_resource[metric].watched)
                                    : json_object();

                if (first_usage > 0)
                        json_object_set_new(one, "first_usage", json_real(first_usage));
                if (levels->count > 0)
                        json_object_set_new(one, "levels", levels_json(config, levels, false));
                json_object_set_new(resources, healer_metrics[metric].name, one);
        }
        return resources;
}

static json_t *features_json(const struct healer_config *config)
{
        json_t *list = json_array();

        for (uint32_t i = 0; i < config->degradation.feature_count; i++) {
                const struct healer_level_feature *row = &config->degradation.features[i];

                json_array_append_new(list,
                                      json_pack("{s:s, s:s, s:i, s:o}", "name", row->name, "off_at",
                                                config->degradation.levels.rows[row->off_at].name,
                                                "priority", (int)row->priority, "needs",
                                                feature_names(config, row->needs)));
        }
        return list;
}

static json_t *condition_json(const struct healer_level_rule *rule)
{
        bool score = rule->metric >= HEALER_METRIC_COUNT;
        json_t *one = json_pack("{s:s, s:s}", "metric",
                                score ? "score" : healer_metrics[rule->metric].name, "operator",
                                strategy_rule_operators[rule->op]);

        json_object_set_new(one, "value",
                            rule->metric == HEALER_METRIC_LATENCY
                                    ? duration(llround(rule->value * 1e9))
                                    : json_real(rule->value));
        if (rule->over_ns > 0)
                json_object_set_new(one, "over", duration(rule->over_ns));
        json_object_set_new(one, "duration", duration(rule->duration_ns));
        return one;
}

static json_t *level_rule_json(const struct healer_config *config,
                               const struct healer_level_rule *rule)
{
        json_t *one, *parts = json_array();

        for (uint32_t i = 0; i < rule->parts_count; i++)
                json_array_append_new(parts,
                                      condition_json(&config->degradation.rules[rule->parts[i]]));
        if (rule->kind == HEALER_RULE_ALL || rule->kind == HEALER_RULE_ANY) {
                one = json_object();
                json_object_set(one, rule->kind == HEALER_RULE_ALL ? "all" : "any", parts);
                json_object_set_new(one, "duration", duration(rule->duration_ns));
        } else {
                one = condition_json(rule);
        }
        json_decref(parts);
        if (rule->name[0] != '\0')
                json_object_set_new(one, "name", json_string(rule->name));
        json_object_set_new(one, "grace", duration(rule->grace_ns));
        json_object_set_new(one, "level",
                            json_string(config->degradation.levels.rows[rule->level].name));
        return one;
}

/* The conditions of a rule have no level, and are written inside it. */
static json_t *level_rules_json(const struct healer_config *config)
{
        json_t *list = json_array();

        for (uint32_t i = 0; i < config->degradation.rule_count; i++) {
                const struct healer_level_rule *rule = &config->degradation.rules[i];

                if (rule->level != HEALER_RULE_NO_LEVEL)
                        json_array_append_new(list, level_rule_json(config, rule));
        }
        return list;
}

static void add_lists(json_t *root, const struct strategy *strategy)
{
        const struct healer_config *config = &strategy->healer;
        json_t *recovery = json_object_get(root, "recovery");
        json_t *degradation = json_object_get(root, "degradation");

        json_object_set_new(recovery, "strategies", ladders_json(config));
        json_object_set_new(recovery, "rules", written_json(config));
        json_object_set_new(json_object_get(root, "escalation"), "channels",
                            channels_json(strategy));
        json_object_set_new(degradation, "levels",
                            levels_json(config, &config->degradation.levels, true));
        json_object_set_new(degradation, "per_resource", resources_json(config));
        json_object_set_new(degradation, "features", features_json(config));
        json_object_set_new(degradation, "rules", level_rules_json(config));
}

/* ---- protections and the store */

/* What the rows write for programs ("60000000000ns"), for people ("1m"). */
static void in_usual_units(json_t *settings)
{
        const char *key, *text;
        json_t *value;
        void *next;

        json_object_foreach_safe(settings, next, key, value)
        {
                size_t digits;

                if (json_is_object(value))
                        in_usual_units(value);
                text = json_string_value(value);
                if (text == NULL)
                        continue;
                digits = strspn(text, "0123456789");
                if (digits > 0 && strcmp(text + digits, "ns") == 0)
                        json_object_set_new(settings, key, duration(strtoll(text, NULL, 10)));
        }
}

static json_t *rule_json(const struct strategy_rule *rule, enum strategy_policy policy)
{
        struct json_line line = {0};
        json_t *whole = NULL, *settings;
        size_t length;
        const char *text;

        if (!rule->on)
                return json_null();
        json_open(&line, NULL, '{');
        strategy_rule_write(rule, policy, &line);
        json_close(&line, '}');
        text = json_line_text(&line, &length);
        if (text != NULL)
                whole = json_loads(text, 0, NULL);
        json_line_free(&line);
        settings = json_incref(json_object_get(whole, strategy_policy_names[policy]));
        json_decref(whole);
        in_usual_units(settings);
        if (policy == STRATEGY_RETRY)
                json_object_set_new(settings, "kind", json_string("exponential"));
        return settings;
}

static json_t *policy_json(const struct strategy *strategy, enum strategy_policy policy)
{
        json_t *whole = json_object(), *edges = json_object();

        for (uint32_t i = 0; i < strategy->rule_count[policy]; i++) {
                const struct strategy_rule *rule = &strategy->rules[policy][i];
                json_t *settings = rule_json(rule, policy), *name;

                if (strcmp(rule->from, "*") == 0 && strcmp(rule->to, "*") == 0) {
                        json_object_set_new(whole, "default", settings);
                        continue;
                }
                name = json_sprintf("%s->%s", rule->from, rule->to);
                json_object_set_new(edges, json_string_value(name), settings);
                json_decref(name);
        }
        if (json_object_size(edges) > 0)
                json_object_set(whole, "edges", edges);
        json_decref(edges);
        return whole;
}

static void add_protections(json_t *root, const struct strategy *strategy)
{
        const struct strategy_store *store = &strategy->store;

        for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++)
                if (strategy->rule_count[policy] > 0)
                        json_object_set_new(root, strategy_policy_names[policy],
                                            policy_json(strategy, (enum strategy_policy)policy));
        if (store->path != NULL)
                json_object_set_new(root, "store",
                                    json_pack("{s:s, s:i, s:o, s:o}", "path", store->path,
                                              "batch_size", (int)store->batch_size,
                                              "flush_interval", duration(store->flush_interval_ns),
                                              "retention", duration(store->retention_ns)));
}

json_t *strategy_effective(const struct strategy *strategy)
{
        json_t *root = json_object(), *said;

        if (strategy->reference != NULL) {
                json_object_set_new(root, "reference", json_string(strategy->reference->name));
                return root;
        }
        json_object_set_new(root, "name", json_string(strategy->name));
        add_options(root, &strategy->healer);
        add_lists(root, strategy);
        add_protections(root, strategy);
        said = json_loads(strategy->json, 0, NULL);
        if (json_object_get(said, "initial_state") != NULL)
                json_object_set(root, "initial_state", json_object_get(said, "initial_state"));
        json_decref(said);
        return root;
}
