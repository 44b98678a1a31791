/* strategy_learned.c - healer_learned to JSON and back; see strategy_learned.h.
 *
 * Rows that say nothing (never tried, never predicted) are left out. Numbers are
 * written with 17 digits: what is read is what was written, bit for bit.
 */
#include "harness/scenario/strategy_learned.h"

#include <string.h>

#include "harness/scenario/json_path.h"

enum { ROWS_MAX = 100000 };

static const char *const source_names[] = {"patterns", "trends", "history",
                                           "health", "queue", NULL};
_Static_assert(sizeof(source_names) / sizeof(source_names[0]) == HEALER_SOURCE_COUNT + 1,
               "a name a source");

/* ---- names */

static const char *name_of_failure(size_t i)
{
        return i < HEALER_FAILURE_COUNT ? healer_failures[i].name : NULL;
}

static const char *name_of_action(size_t i)
{
        return i < HEALER_ACTION_COUNT ? healer_actions[i].name : NULL;
}

static const char *name_of_metric(size_t i)
{
        return i < HEALER_METRIC_COUNT ? healer_metrics[i].name : NULL;
}

static const char *name_of_feature(size_t i)
{
        return i < HEALER_FEATURE_COUNT ? healer_feature_names[i] : NULL;
}

static const char *name_of_context(size_t i)
{
        return i < HEALER_CONTEXT_COUNT ? healer_context_names[i] : NULL;
}

static const char *name_of_source(size_t i)
{
        return i < HEALER_SOURCE_COUNT ? source_names[i] : NULL;
}

/* ---- reading */

static bool read_name(struct read_object *object, const char *key, const char *what,
                      const char *(*name_of)(size_t), uint32_t *out)
{
        const char *name;
        size_t i;

        if (!read_text(object, key, READ_REQUIRED, &name))
                return false;
        for (i = 0; name_of(i) != NULL; i++) {
                if (strcmp(name, name_of(i)) == 0) {
                        *out = (uint32_t)i;
                        return true;
                }
        }
        read_unknown_name(object->ctx, read_path(object, key), what, name, NULL);
        return false;
}

static bool read_times(struct read_object *object, const char *key, uint64_t *out)
{
        uint32_t count;

        if (!read_count(object, key, READ_REQUIRED, 0, UINT32_MAX, &count))
                return false;
        *out = count;
        return true;
}

/* Goes through the list under `key`, an object each. */
static void each(struct read_object *object, const char *key, size_t max,
                 void (*take)(struct read_object *row, struct healer_learned *out),
                 struct healer_learned *out)
{
        const json_t *list = read_list(object, key, READ_OPTIONAL, max);
        struct read_object row;
        size_t i;

        for (i = 0; list != NULL && i < json_array_size(list); i++) {
                if (!read_object_begin(object->ctx, json_array_get(list, i),
                                       json_path_index(object->ctx->session->arena,
                                                       read_path(object, key), i),
                                       &row))
                        continue;
                take(&row, out);
                read_object_end(&row);
        }
}

static void take_tally(struct read_object *row, struct healer_learned *out)
{
        struct healer_tally tally = {0, 0, 0};
        uint32_t source, failure;
        bool named = read_name(row, "source", "source", name_of_source, &source);

        named = read_name(row, "failure", "failure type", name_of_failure, &failure) && named;
        if (read_times(row, "right", &tally.right) && read_times(row, "wrong", &tally.wrong) &&
            read_times(row, "acted", &tally.acted) && named)
                out->tallies[source][failure] = tally;
}

static void take_pattern(struct read_object *row, struct healer_learned *out)
{
        struct healer_pattern pattern;
        const json_t *signs;
        size_t i;

        memset(&pattern, 0, sizeof(pattern));
        signs = read_list(row, "signs", READ_REQUIRED, HEALER_PATTERN_SIGNS_MAX);
        for (i = 0; signs != NULL && i < json_array_size(signs); i++) {
                const char *path = json_path_index(row->ctx->session->arena,
                                                   read_path(row, "signs"), i);
                const char *name;

                if (!read_text_at(row->ctx, json_array_get(signs, i), path, &name))
                        continue;
                pattern.signs[i] = healer_sign_of(name);
                if (pattern.signs[i] == HEALER_SIGNS_MAX)
                        read_unknown_name(row->ctx, path, "sign", name, NULL);
        }
        pattern.length = signs != NULL ? (uint32_t)json_array_size(signs) : 0;
        if (read_name(row, "failure", "failure type", name_of_failure, &pattern.failure) &&
            read_times(row, "seen", &pattern.seen) &&
            read_times(row, "followed", &pattern.followed) &&
            read_number(row, "lead_s", READ_REQUIRED, 0, 1e9, &pattern.lead_mean_s) &&
            read_number(row, "lead_squares", READ_REQUIRED, 0, 1e18, &pattern.lead_m2) &&
            read_times(row, "right", &pattern.right) && read_times(row, "wrong", &pattern.wrong))
                out->patterns[out->pattern_count++] = pattern;
}

static void take_stump(struct read_object *row, struct healer_learned *out)
{
        struct healer_stump stump;

        if (read_name(row, "feature", "feature", name_of_feature, &stump.feature) &&
            read_number(row, "limit", READ_REQUIRED, -1e9, 1e9, &stump.limit) &&
            read_number(row, "low", READ_REQUIRED, -1e3, 1e3, &stump.low) &&
            read_number(row, "high", READ_REQUIRED, -1e3, 1e3, &stump.high))
                out->model.stumps[out->model.count++] = stump;
}

static void take_case(struct read_object *row, struct healer_learned *out)
{
        struct healer_case one;
        struct read_object features;
        uint32_t f;

        memset(&one, 0, sizeof(one));
        if (!read_bool(row, "failed", READ_REQUIRED, &one.failed) ||
            !read_name(row, "failure", "failure type", name_of_failure, &one.failure) ||
            !read_child_begin(row, "features", READ_REQUIRED, &features))
                return;
        for (f = 0; f < HEALER_FEATURE_COUNT; f++)
                (void)read_number(&features, healer_feature_names[f], READ_OPTIONAL, -1e9, 1e9,
                                  &one.features[f]);
        read_object_end(&features);
        if (out->cases.count[one.failed] < HEALER_CASES_MAX)
                out->cases.kept[one.failed][out->cases.count[one.failed]++] = one;
}

static void take_effect(struct read_object *row, struct healer_learned *out)
{
        struct healer_effect effect;
        uint32_t failure = 0, action = 0, context = HEALER_CONTEXT_COUNT;
        bool named = read_name(row, "failure", "failure type", name_of_failure, &failure);

        named = read_name(row, "action", "action", name_of_action, &action) && named;
        if (read_has(row, "context"))
                named = read_name(row, "context", "context", name_of_context, &context) && named;
        if (!read_times(row, "tried", &effect.tried) ||
            !read_times(row, "helped", &effect.helped) ||
            !read_number(row, "preference", READ_REQUIRED, 0, 1, &effect.preference) || !named)
                return;
        if (context < HEALER_CONTEXT_COUNT)
                out->by_context[context][failure][action] = effect;
        else
                out->effects[failure][action] = effect;
}

static void take_tuning(struct read_object *row, struct healer_learned *out)
{
        struct healer_tuning tuning;
        uint32_t metric;

        if (read_name(row, "metric", "metric", name_of_metric, &metric) &&
            read_number(row, "factor", READ_REQUIRED, HEALER_TUNING_MIN, HEALER_TUNING_MAX,
                        &tuning.factor) &&
            read_number(row, "usual_high", READ_REQUIRED, 0, 1e9, &tuning.usual_high) &&
            read_times(row, "outcomes", &tuning.outcomes))
                out->tuning[metric] = tuning;
}

static void read_model(struct read_object *object, struct healer_learned *out)
{
        struct read_object model;

        if (!read_child_begin(object, "model", READ_OPTIONAL, &model))
                return;
        (void)read_number(&model, "bias", READ_REQUIRED, -1e3, 1e3, &out->model.bias);
        (void)read_times(&model, "rows", &out->model.rows);
        (void)read_times(&model, "failures", &out->model.failures);
        each(&model, "stumps", HEALER_STUMPS_MAX, take_stump, out);
        read_object_end(&model);
}

bool learned_state_read(struct read_context *ctx, const json_t *root, const char *path,
                        struct healer_learned *out)
{
        size_t errors_before = ctx->session->diags->count;
        struct read_object object;
        const char *reason;
        uint32_t version;

        healer_learned_init(out);
        if (!read_object_begin(ctx, root, path, &object))
                return false;
        (void)read_count(&object, "learned_state", READ_REQUIRED, 1, 1, &version);
        each(&object, "tallies", ROWS_MAX, take_tally, out);
        each(&object, "patterns", HEALER_PATTERNS_MAX, take_pattern, out);
        read_model(&object, out);
        each(&object, "cases", 2 * HEALER_CASES_MAX, take_case, out);
        each(&object, "effects", ROWS_MAX, take_effect, out);
        each(&object, "tuning", ROWS_MAX, take_tuning, out);
        read_object_end(&object);
        if (ctx->session->diags->count != errors_before)
                return false;
        reason = healer_learned_check(out);
        if (reason != NULL)
                read_error(ctx, path, "%s", reason);
        return reason == NULL;
}

/* ---- writing */

static json_t *times(uint64_t count)
{
        return json_integer((json_int_t)(count < UINT32_MAX ? count : UINT32_MAX));
}

static json_t *tallies_json(const struct healer_learned *learned)
{
        json_t *list = json_array();
        uint32_t s, f;

        for (s = 0; s < HEALER_SOURCE_COUNT; s++) {
                for (f = 0; f < HEALER_FAILURE_COUNT; f++) {
                        const struct healer_tally *tally = &learned->tallies[s][f];

                        if (tally->right + tally->wrong + tally->acted == 0)
                                continue;
                        json_array_append_new(
                                list, json_pack("{s:s, s:s, s:o, s:o, s:o}", "source",
                                                source_names[s], "failure", name_of_failure(f),
                                                "right", times(tally->right), "wrong",
                                                times(tally->wrong), "acted", times(tally->acted)));
                }
        }
        return list;
}

static json_t *patterns_json(const struct healer_learned *learned)
{
        json_t *list = json_array(), *signs;
        uint32_t i, s;

        for (i = 0; i < learned->pattern_count; i++) {
                const struct healer_pattern *row = &learned->patterns[i];

                signs = json_array();
                for (s = 0; s < row->length; s++)
                        json_array_append_new(signs, json_string(healer_sign_name(row->signs[s])));
                json_array_append_new(
                        list,
                        json_pack("{s:o, s:s, s:o, s:o, s:f, s:f, s:o, s:o}", "signs", signs,
                                  "failure", name_of_failure(row->failure), "seen",
                                  times(row->seen), "followed", times(row->followed), "lead_s",
                                  row->lead_mean_s, "lead_squares", row->lead_m2, "right",
                                  times(row->right), "wrong", times(row->wrong)));
        }
        return list;
}

static json_t *model_json(const struct healer_model *model)
{
        json_t *stumps = json_array();
        uint32_t i;

        for (i = 0; i < model->count; i++)
                json_array_append_new(
                        stumps, json_pack("{s:s, s:f, s:f, s:f}", "feature",
                                          healer_feature_names[model->stumps[i].feature], "limit",
                                          model->stumps[i].limit, "low", model->stumps[i].low,
                                          "high", model->stumps[i].high));
        return json_pack("{s:f, s:o, s:o, s:o}", "bias", model->bias, "rows", times(model->rows),
                         "failures", times(model->failures), "stumps", stumps);
}

static json_t *cases_json(const struct healer_cases *cases)
{
        json_t *list = json_array(), *features;
        uint32_t kind, i, f;

        for (kind = 0; kind < 2; kind++) {
                for (i = 0; i < cases->count[kind] && i < HEALER_CASES_MAX; i++) {
                        const struct healer_case *one = &cases->kept[kind][i];

                        features = json_object();
                        for (f = 0; f < HEALER_FEATURE_COUNT; f++) {
                                if (one->features[f] != 0)
                                        json_object_set_new(features, healer_feature_names[f],
                                                            json_real(one->features[f]));
                        }
                        json_array_append_new(list, json_pack("{s:b, s:s, s:o}", "failed",
                                                              (int)one->failed, "failure",
                                                              name_of_failure(one->failure),
                                                              "features", features));
                }
        }
        return list;
}

static void add_effect(json_t *list, const struct healer_effect *effect, uint32_t failure,
                       uint32_t action, const char *context)
{
        json_t *row;

        if (effect->tried == 0)
                return;
        row = json_pack("{s:s, s:s, s:o, s:o, s:f}", "failure", name_of_failure(failure),
                        "action", name_of_action(action), "tried", times(effect->tried), "helped",
                        times(effect->helped), "preference", effect->preference);
        if (context != NULL)
                json_object_set_new(row, "context", json_string(context));
        json_array_append_new(list, row);
}

static json_t *effects_json(const struct healer_learned *learned)
{
        json_t *list = json_array();
        uint32_t f, a, c;

        for (f = 0; f < HEALER_FAILURE_COUNT; f++) {
                for (a = 0; a < HEALER_ACTION_COUNT; a++) {
                        add_effect(list, &learned->effects[f][a], f, a, NULL);
                        for (c = 0; c < HEALER_CONTEXT_COUNT; c++)
                                add_effect(list, &learned->by_context[c][f][a], f, a,
                                           healer_context_names[c]);
                }
        }
        return list;
}

static json_t *tuning_json(const struct healer_learned *learned)
{
        json_t *list = json_array();
        uint32_t m;

        for (m = 0; m < HEALER_METRIC_COUNT; m++) {
                const struct healer_tuning *tuning = &learned->tuning[m];

                if (tuning->outcomes == 0 && !(tuning->usual_high > 0))
                        continue;
                json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:o}", "metric",
                                                      name_of_metric(m), "factor", tuning->factor,
                                                      "usual_high", tuning->usual_high,
                                                      "outcomes", times(tuning->outcomes)));
        }
        return list;
}

json_t *learned_state_json(const struct healer_learned *learned)
{
        return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "learned_state", 1, "tallies",
                         tallies_json(learned), "patterns", patterns_json(learned), "model",
                         model_json(&learned->model), "cases", cases_json(&learned->cases),
                         "effects", effects_json(learned), "tuning", tuning_json(learned));
}
