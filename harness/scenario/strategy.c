/* strategy.c - reading a strategy: layers, sections, and what is refused.
 *
 * `extends` is followed first, so that each file is read with its own
 * positions, and what it says is laid over what its base said. The sections of
 * the supervisor are not written out here: they are read by walking the table
 * of healer/config.h, so that an option exists in files as soon as it exists.
 *
 * Not here: the protections on edges (strategy_policies.c).
 */
#include "harness/scenario/strategy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/scenario/embedded.h"
#include "harness/scenario/strategy_learned.h"
#include "harness/scenario/strategy_read.h"
#include "harness/sim/time.h"
#include "healer/heal_rules.h"

enum { EXTENDS_MAX = 8, OPTION_PATH_MAX = 128 };

const char *const strategy_preset_names[] = {"none",         "reactive",   "default",
                                             "conservative", "aggressive", NULL};

const char *strategy_preset(const char *name, size_t *size)
{
        const struct embedded_text *row;

        for (row = embedded_strategies; row->name != NULL; row++) {
                if (strcmp(row->name, name) == 0) {
                        *size = row->size;
                        return row->text;
                }
        }
        return NULL;
}

/* ---- what belongs elsewhere */

struct misplaced {
        const char *section; /* "" for the top */
        const char *key;
        const char *place;
};

static const struct misplaced misplaced[] = {
        {"", "telemetry", "a fact of the world: it stands in the fleet"},
        {"", "actuators", "a fact of the world: it stands in the fleet"},
        {"", "operations", "a fact of the world: it stands in the fleet"},
        {"", "zones", "part of the fleet"},
        {"", "services", "part of the fleet"},
        {"", "fleet", "part of the scenario"},
        {"", "load", "part of the scenario"},
        {"", "method", "part of the scenario"},
        {"", "background", "part of the scenario"},
        {"", "thresholds", "of the verdict, part of the scenario; the healer's own are "
                           "detection.thresholds"},
        {"", "evaluation", "what decides truth: it stands in the scenario"},
        {"", "slo", "what decides truth: it stands with its service in the fleet"},
        {"", "seed", "part of the scenario"},
        {"detection", "telemetry", "a fact of the world: fleet telemetry.interval"},
        {"detection", "delay", "a fact of the world: fleet telemetry.delay"},
        {"detection", "noise", "a fact of the world: fleet telemetry.noise"},
        {"recovery", "actuators", "a fact of the world: fleet actuators"},
        {"recovery", "restart_time", "a fact of the world: it stands with its service"},
        {"recovery", "boot_time", "a fact of the world: it stands with its service"},
        {"prediction", "prediction_window", "what decides truth: evaluation.prediction_window"},
        {"prediction", "minimum_lead", "what decides truth: evaluation.minimum_lead"},
        {"escalation", "human_response", "a fact of the world: fleet operations.human_response"},
        {"escalation", "human_fix", "a fact of the world: fleet operations.human_fix"},
        {"escalation", "page_on", "a fact of the world: fleet operations.page_on"},
};

void strategy_refuse_misplaced(struct read_object *object, const char *section)
{
        size_t i;

        for (i = 0; i < sizeof(misplaced) / sizeof(misplaced[0]); i++) {
                if (strcmp(misplaced[i].section, section) != 0 ||
                    !read_has(object, misplaced[i].key))
                        continue;
                (void)read_any(object, misplaced[i].key, READ_OPTIONAL);
                read_key_error(object->ctx, read_path(object, misplaced[i].key),
                               "no strategy may set this (%s)", misplaced[i].place);
        }
}

/* ---- options of the supervisor */

static int64_t bound_ns(double seconds)
{
        return (int64_t)(seconds * 1e9);
}

static void read_option(struct read_object *object, const char *key,
                        const struct healer_option *option, struct healer_config *config)
{
        double number = healer_option_get(config, option);
        uint32_t count = (uint32_t)number;
        bool flag = number != 0;
        int64_t ns;

        switch (option->kind) {
        case HEALER_OPTION_BOOL:
                if (read_bool(object, key, READ_OPTIONAL, &flag))
                        healer_option_set(config, option, flag);
                break;
        case HEALER_OPTION_DURATION:
                (void)read_duration(object, key, READ_OPTIONAL, bound_ns(option->min),
                                    bound_ns(option->max),
                                    (int64_t *)(void *)((char *)config + option->offset));
                break;
        case HEALER_OPTION_SECONDS:
                if (read_duration(object, key, READ_OPTIONAL, bound_ns(option->min),
                                  bound_ns(option->max), &ns))
                        healer_option_set(config, option, (double)ns / 1e9);
                break;
        case HEALER_OPTION_RATIO:
                if (read_ratio(object, key, READ_OPTIONAL, option->min, option->max, &number))
                        healer_option_set(config, option, number);
                break;
        case HEALER_OPTION_NUMBER:
                if (read_number(object, key, READ_OPTIONAL, option->min, option->max, &number))
                        healer_option_set(config, option, number);
                break;
        case HEALER_OPTION_COUNT:
                if (read_count(object, key, READ_OPTIONAL, (uint32_t)option->min,
                               (uint32_t)option->max, &count))
                        healer_option_set(config, option, count);
                break;
        case HEALER_OPTION_CHOICE:
                if (read_choice(object, key, READ_OPTIONAL, option->choices, &count))
                        healer_option_set(config, option, count);
                break;
        }
}

static void read_ladder(struct read_context *ctx, const json_t *list, const char *path,
                        struct healer_ladder *out)
{
        struct arena *arena = ctx->session->arena;
        struct healer_ladder ladder;
        struct nearest nearest;
        enum healer_action_kind kind;
        const char *name;
        size_t i;
        int row;

        memset(&ladder, 0, sizeof(ladder));
        if (!json_is_array(list)) {
                read_wrong_type(ctx, path, list, "a list of actions");
                return;
        }
        if (json_array_size(list) > HEALER_RUNGS_MAX) {
                read_error(ctx, path, "more than the %d actions allowed", HEALER_RUNGS_MAX);
                return;
        }
        for (i = 0; i < json_array_size(list); i++) {
                if (!read_text_at(ctx, json_array_get(list, i), json_path_index(arena, path, i),
                                  &name))
                        continue;
                kind = healer_action_of(name);
                if (kind != HEALER_ACTION_COUNT) {
                        ladder.rungs[ladder.count++] = kind;
                        continue;
                }
                nearest_begin(&nearest, name);
                for (row = 0; row < HEALER_ACTION_COUNT; row++)
                        nearest_offer(&nearest, healer_actions[row].name);
                read_unknown_name(ctx, json_path_index(arena, path, i), "action", name,
                                  nearest.best);
        }
        *out = ladder;
}

static void read_ladders(struct read_object *recovery, struct healer_config *config)
{
        struct read_object object;
        const json_t *list;
        int failure;

        if (!read_child_begin(recovery, "strategies", READ_OPTIONAL, &object))
                return;
        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                list = read_any(&object, healer_failures[failure].name, READ_OPTIONAL);
                if (list != NULL)
                        read_ladder(object.ctx, list,
                                    read_path(&object, healer_failures[failure].name),
                                    &config->recovery.strategies[failure]);
        }
        read_object_end(&object);
}

static void copy_text(struct read_object *object, const char *key, char *out, size_t room)
{
        const char *text;

        if (!read_text(object, key, READ_REQUIRED, &text))
                return;
        if (text[0] == '\0' || strlen(text) >= room)
                read_error(object->ctx, read_path(object, key), "1 to %zu bytes", room - 1);
        else
                memcpy(out, text, strlen(text) + 1);
}

/* A layer's list replaces the one before it. */
static void read_written(struct read_object *recovery, struct healer_config *config)
{
        struct read_context *ctx = recovery->ctx;
        const json_t *list = read_list(recovery, "rules", READ_OPTIONAL, HEALER_WRITTEN_RULES_MAX);
        const char *path = read_path(recovery, "rules"), *wrong;
        struct healer_heal_rule rule;
        struct read_object object;
        size_t i;

        if (list == NULL)
                return;
        config->recovery.rule_count = 0;
        for (i = 0; i < json_array_size(list) && i < HEALER_WRITTEN_RULES_MAX; i++) {
                struct healer_written_rule *out =
                        &config->recovery.rules[config->recovery.rule_count];
                double priority = HEALER_HEAL_RULE_PRIORITY;
                size_t errors = ctx->session->diags->count;

                if (!read_object_begin(ctx, json_array_get(list, i),
                                       json_path_index(ctx->session->arena, path, i), &object))
                        continue;
                memset(out, 0, sizeof(*out));
                out->enabled = true;
                copy_text(&object, "name", out->name, sizeof(out->name));
                copy_text(&object, "when", out->condition, sizeof(out->condition));
                copy_text(&object, "do", out->action, sizeof(out->action));
                (void)read_number(&object, "priority", READ_OPTIONAL, -1000000, 1000000, &priority);
                (void)read_bool(&object, "enabled", READ_OPTIONAL, &out->enabled);
                out->priority = (int32_t)priority;
                rule = (struct healer_heal_rule){.name = out->name,
                                                 .condition = out->condition,
                                                 .action = out->action,
                                                 .priority = out->priority};
                wrong = healer_heal_rule_check(&rule);
                if (wrong != NULL && ctx->session->diags->count == errors)
                        read_error(ctx, object.path, "%s", wrong);
                read_object_end(&object);
                config->recovery.rule_count++;
        }
}

/* Whether `path` lies below `section`; then its next part is in `part`. */
static bool next_part(const char *path, const char *section, char part[OPTION_PATH_MAX])
{
        size_t skip = strlen(section);
        size_t length;

        if (skip > 0) {
                if (strncmp(path, section, skip) != 0 || path[skip] != '.')
                        return false;
                skip++;
        }
        length = strcspn(path + skip, ".");
        if (length >= OPTION_PATH_MAX)
                return false;
        memcpy(part, path + skip, length);
        part[length] = '\0';
        return true;
}

static void read_section(struct read_object *object, const char *section,
                         struct strategy *strategy)
{
        struct healer_config *config = &strategy->healer;
        struct arena *arena = object->ctx->session->arena;
        struct read_object child;
        char part[OPTION_PATH_MAX], last[OPTION_PATH_MAX] = "", path[2 * OPTION_PATH_MAX];
        const char *key;
        size_t i;

        for (i = 0; i < healer_option_count; i++) {
                if (!next_part(healer_options[i].path, section, part) || strcmp(part, last) == 0)
                        continue;
                memcpy(last, part, sizeof(last));
                key = arena_text(arena, part);
                if (key == NULL)
                        return;
                snprintf(path, sizeof(path), "%s%s%s", section, *section != '\0' ? "." : "", part);
                if (strcmp(path, healer_options[i].path) == 0) {
                        read_option(object, key, &healer_options[i], config);
                        continue;
                }
                if (!read_child_begin(object, key, READ_OPTIONAL, &child))
                        continue;
                read_section(&child, arena_text(arena, path), strategy);
                read_object_end(&child);
        }
        if (strcmp(section, "recovery") == 0) {
                read_ladders(object, config);
                read_written(object, config);
        }
        if (strcmp(section, "escalation") == 0)
                strategy_read_channels(object, strategy);
        if (strcmp(section, "degradation") == 0)
                strategy_read_degradation(object, strategy);
        strategy_refuse_misplaced(object, section);
}

/* ---- layers */

struct layering {
        struct strategy *strategy;
        json_t *merged;
        uint32_t depth;
};

static bool read_layer(struct layering *layering, struct read_context *ctx, const json_t *json,
                       const char *path);

/* A preset's name, or a path. */
static bool read_named(struct layering *layering, struct read_context *from, const char *json_path,
                       const char *name)
{
        struct read_context *ctx = ARENA_NEW(from->session->arena, struct read_context);
        struct nearest nearest;
        const json_t *root;
        const char *text;
        size_t size, i;
        size_t length = strlen(name);

        if (ctx == NULL)
                return false;
        if (strchr(name, '/') != NULL || (length > 5 && strcmp(name + length - 5, ".json") == 0)) {
                if (!read_file_begin(from, json_path, name, ctx, &root))
                        return false;
                return read_layer(layering, ctx, root, JSON_PATH_ROOT);
        }
        text = strategy_preset(name, &size);
        if (text == NULL) {
                nearest_begin(&nearest, name);
                for (i = 0; strategy_preset_names[i] != NULL; i++)
                        nearest_offer(&nearest, strategy_preset_names[i]);
                read_unknown_name(from, json_path, "preset", name, nearest.best);
                return false;
        }
        if (!read_text_begin(from->session,
                             arena_printf(from->session->arena, "(preset %s)", name), text, size,
                             json_path, ctx, &root))
                return false;
        return read_layer(layering, ctx, root, JSON_PATH_ROOT);
}

static void merge(struct layering *layering, const json_t *json)
{
        json_t *copy = json_deep_copy(json);
        const char *key;
        json_t *value;
        void *next;

        if (copy == NULL || layering->merged == NULL)
                return;
        json_object_foreach_safe(copy, next, key, value)
        {
                if (strncmp(key, "x_", 2) == 0 || strcmp(key, "$schema") == 0 ||
                    strcmp(key, "extends") == 0)
                        (void)json_object_del(copy, key);
        }
        (void)json_object_update_recursive(layering->merged, copy);
        json_decref(copy);
}

/* The file that a healer starts from. Its digest goes into the strategy's: another
 * file under the same name is another strategy. */
static void read_initial_state(struct layering *layering, struct read_object *object)
{
        struct read_context *from = object->ctx;
        struct strategy *strategy = layering->strategy;
        struct read_context *ctx;
        const json_t *root;
        struct sha256 sha;
        const char *name;
        char *text;

        if (!read_text(object, "initial_state", READ_OPTIONAL, &name))
                return;
        ctx = ARENA_NEW(from->session->arena, struct read_context);
        strategy->learned = ARENA_NEW(from->session->arena, struct healer_learned);
        if (ctx == NULL || strategy->learned == NULL ||
            !read_file_begin(from, read_path(object, "initial_state"), name, ctx, &root) ||
            !learned_state_read(ctx, root, JSON_PATH_ROOT, strategy->learned))
                return;
        text = json_dumps(root, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
        if (text == NULL)
                return;
        sha256_init(&sha);
        sha256_add_text(&sha, text);
        sha256_hex(&sha, strategy->learned_digest);
        free(text);
}

/* A file to write to: below the file that names it, as all that it names. */
static void read_store(struct read_object *object, struct strategy_store *out)
{
        struct read_object store;
        const char *name;

        if (!read_child_begin(object, "store", READ_OPTIONAL, &store))
                return;
        if (read_text(&store, "path", READ_OPTIONAL, &name))
                out->path = read_resolve_path(store.ctx, read_path(&store, "path"), name);
        (void)read_count(&store, "batch_size", READ_OPTIONAL, 1, 10000, &out->batch_size);
        (void)read_duration(&store, "flush_interval", READ_OPTIONAL, NS_PER_MS, 3600 * NS_PER_S,
                            &out->flush_interval_ns);
        (void)read_duration(&store, "retention", READ_OPTIONAL, NS_PER_S, 3650 * 86400 * NS_PER_S,
                            &out->retention_ns);
        if (out->path == NULL && !read_has(&store, "path"))
                read_error(store.ctx, store.path, "store: without a path nothing is kept");
        read_object_end(&store);
}

static bool read_layer(struct layering *layering, struct read_context *ctx, const json_t *json,
                       const char *path)
{
        struct strategy *strategy = layering->strategy;
        struct read_object object;
        const char *base;

        if (!read_object_begin(ctx, json, path, &object))
                return false;
        if (read_text(&object, "extends", READ_OPTIONAL, &base)) {
                if (++layering->depth > EXTENDS_MAX) {
                        read_error(ctx, read_path(&object, "extends"),
                                   "more than %d files extend one another", EXTENDS_MAX);
                        return false;
                }
                if (!read_named(layering, ctx, read_path(&object, "extends"), base))
                        return false;
        }
        (void)read_text(&object, "name", READ_OPTIONAL, &strategy->name);
        read_initial_state(layering, &object);
        read_store(&object, &strategy->store);
        read_section(&object, "", strategy);
        strategy_read_policies(&object, strategy);
        read_object_end(&object);
        merge(layering, json);
        return true;
}

bool strategy_acts(const struct strategy *strategy)
{
        uint32_t i;
        int policy;

        if (strategy->reference != NULL)
                return strategy->reference->kind != REFERENCE_NONE;
        if (strategy->healer.enabled)
                return true;
        for (policy = 0; policy < STRATEGY_POLICY_COUNT; policy++) {
                for (i = 0; i < strategy->rule_count[policy]; i++) {
                        if (strategy->rules[policy][i].on)
                                return true;
                }
        }
        return false;
}

const char *strategy_digest(const struct strategy *strategy)
{
        return strategy->digest;
}

/* What no single value shows: the options against one another. */
static void check_whole(struct read_context *ctx, const char *path, const struct strategy *strategy)
{
        char reason[256];

        if (healer_config_check(&strategy->healer, reason, sizeof(reason)) != NULL)
                read_error(ctx, path, "%s", reason);
        if (strategy->healer.prediction.rule == HEALER_RULE_LEARNED &&
            (strategy->learned == NULL || strategy->learned->model.count == 0))
                read_error(ctx, path, "prediction.rule: 'learned' needs an initial_state with a "
                                      "model (chaos-run train makes one)");
}

static void digest_of(struct strategy *strategy)
{
        struct sha256 sha;

        sha256_init(&sha);
        sha256_add_text(&sha, strategy->json);
        sha256_add_text(&sha, strategy->learned_digest);
        sha256_hex(&sha, strategy->digest);
}

static const char *effective(struct arena *arena, const struct layering *layering)
{
        char *text = json_dumps(layering->merged,
                                JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(12));
        const char *kept = text != NULL ? arena_text(arena, text) : NULL;

        free(text);
        return kept != NULL ? kept : "{}";
}

/* "reference:NAME": nothing is configured, the name says all. */
static bool read_reference(struct layering *layering, struct read_context *ctx,
                           const char *json_path, const char *title)
{
        const struct reference_row *row = reference_find(title);
        struct nearest nearest;

        if (row == NULL) {
                nearest_begin(&nearest, title);
                for (size_t i = 0; i < REFERENCE_COUNT; i++)
                        nearest_offer(&nearest, reference_rows[i].title);
                read_unknown_name(ctx, json_path, "reference healer", title, nearest.best);
                return false;
        }
        layering->strategy->reference = row;
        (void)json_object_set_new(layering->merged, "reference", json_string(row->name));
        return true;
}

bool strategy_load(struct arena *arena, struct read_context *ctx, const json_t *value_or_name,
                   const char *json_path, struct strategy **out)
{
        struct strategy *strategy = ARENA_NEW(arena, struct strategy);
        struct layering layering = {strategy, json_object(), 0};
        size_t errors_before = ctx->session->diags->count;
        bool ok = false;

        *out = NULL;
        if (strategy == NULL || layering.merged == NULL) {
                arena->failed = true;
                goto done;
        }
        healer_config_defaults(&strategy->healer);
        strategy->store.batch_size = 100;
        strategy->store.flush_interval_ns = 5 * NS_PER_S;
        strategy->store.retention_ns = 30 * 86400 * NS_PER_S;
        strategy_policies_init(strategy);
        if (json_is_string(value_or_name)) {
                strategy->name = arena_text(arena, json_string_value(value_or_name));
                if (strategy->name == NULL)
                        goto done;
                ok = strncmp(strategy->name, REFERENCE_PREFIX, strlen(REFERENCE_PREFIX)) == 0
                             ? read_reference(&layering, ctx, json_path, strategy->name)
                             : read_named(&layering, ctx, json_path,
                                          json_string_value(value_or_name));
        } else {
                strategy->name = "inline";
                ok = read_layer(&layering, ctx, value_or_name, json_path);
        }
        if (ctx->session->diags->count != errors_before)
                ok = false;
        if (ok)
                check_whole(ctx, json_path, strategy);
        if (ctx->session->diags->count != errors_before || arena_failed(arena))
                ok = false;
        if (!ok)
                goto done;
        strategy->json = effective(arena, &layering);
        digest_of(strategy);
        *out = strategy;
done:
        json_decref(layering.merged);
        return ok;
}
