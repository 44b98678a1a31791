/* read_value.c - the typed readers: one JSON value to one checked number or text.
 *
 * Every reader comes twice: by path, for list elements, and by key. Ranges are
 * checked after conversion, and a message gives value and bound as a user
 * would write them.
 */
#include "harness/scenario/read.h"

#include <string.h>

#include "harness/base/nearest.h"

enum { VALUE_TEXT_SIZE = 96 };

/* "is above the largest value allowed (60s)" and the like. */
static void report_range(struct read_context *ctx, const char *path, const char *value, bool above,
                         const char *bound)
{
        read_error(ctx, path, "%s is %s value allowed (%s)", value,
                   above ? "above the largest" : "below the smallest", bound);
}

/* The text of a quantity. A bare number is told which unit it lacks. */
static const char *quantity_text(struct read_context *ctx, const json_t *json, const char *path,
                                 const char *wants)
{
        if (json_is_string(json))
                return json_string_value(json);
        if (json_is_integer(json))
                read_error(ctx, path, "%lld has no unit: %s is wanted, as a text",
                           (long long)json_integer_value(json), wants);
        else if (json_is_real(json))
                read_error(ctx, path, "%.15g has no unit: %s is wanted, as a text",
                           json_real_value(json), wants);
        else
                read_wrong_type(ctx, path, json, wants);
        return NULL;
}

bool read_text_at(struct read_context *ctx, const json_t *json, const char *path, const char **out)
{
        const char *text = json_string_value(json);

        if (text == NULL) {
                read_wrong_type(ctx, path, json, "a text");
                return false;
        }
        if (*text == '\0') {
                read_error(ctx, path, "the text is empty");
                return false;
        }
        text = arena_text(ctx->session->arena, text);
        if (text == NULL)
                return false;
        *out = text;
        return true;
}

bool read_count_at(struct read_context *ctx, const json_t *json, const char *path, uint32_t min,
                   uint32_t max, uint32_t *out)
{
        char value_text[VALUE_TEXT_SIZE], bound[VALUE_TEXT_SIZE];
        json_int_t value = json_integer_value(json);

        if (!json_is_integer(json)) {
                if (json_is_real(json))
                        read_error(ctx, path, "%.15g is not a whole number", json_real_value(json));
                else
                        read_wrong_type(ctx, path, json, "a whole number");
                return false;
        }
        if (value < (json_int_t)min || value > (json_int_t)max) {
                snprintf(value_text, sizeof(value_text), "%lld", (long long)value);
                snprintf(bound, sizeof(bound), "%u", value > (json_int_t)max ? max : min);
                report_range(ctx, path, value_text, value > (json_int_t)max, bound);
                return false;
        }
        *out = (uint32_t)value;
        return true;
}

bool read_number_at(struct read_context *ctx, const json_t *json, const char *path, double min,
                    double max, double *out)
{
        char value_text[VALUE_TEXT_SIZE], bound[VALUE_TEXT_SIZE];
        double value = json_number_value(json);

        if (!json_is_number(json)) {
                read_wrong_type(ctx, path, json, "a number");
                return false;
        }
        if (!(value >= min && value <= max)) {
                snprintf(value_text, sizeof(value_text), "%.15g", value);
                snprintf(bound, sizeof(bound), "%.15g", value > max ? max : min);
                report_range(ctx, path, value_text, value > max, bound);
                return false;
        }
        *out = value + 0.0; /* nought has no minus, which its text would lose */
        return true;
}

bool read_duration_at(struct read_context *ctx, const json_t *json, const char *path,
                      int64_t min_ns, int64_t max_ns, int64_t *out_ns)
{
        const char *text = quantity_text(ctx, json, path, quantity_duration_wants);
        struct quantity_error error;
        char value[QUANTITY_TEXT_SIZE], bound[QUANTITY_TEXT_SIZE];
        int64_t ns;

        if (text == NULL)
                return false;
        if (!quantity_duration(text, &ns, &error)) {
                read_error(ctx, path, "%s", error.text);
                return false;
        }
        if (ns < min_ns || ns > max_ns) {
                report_range(ctx, path, quantity_format_duration(value, ns), ns > max_ns,
                             quantity_format_duration(bound, ns > max_ns ? max_ns : min_ns));
                return false;
        }
        *out_ns = ns;
        return true;
}

bool read_size_at(struct read_context *ctx, const json_t *json, const char *path, int64_t min_bytes,
                  int64_t max_bytes, int64_t *out_bytes)
{
        const char *text = quantity_text(ctx, json, path, quantity_size_wants);
        struct quantity_error error;
        char value[QUANTITY_TEXT_SIZE], bound[QUANTITY_TEXT_SIZE];
        int64_t bytes;

        if (text == NULL)
                return false;
        if (!quantity_size(text, &bytes, &error)) {
                read_error(ctx, path, "%s", error.text);
                return false;
        }
        if (bytes < min_bytes || bytes > max_bytes) {
                bool above = bytes > max_bytes;

                report_range(ctx, path, quantity_format_size(value, (double)bytes), above,
                             quantity_format_size(bound, (double)(above ? max_bytes : min_bytes)));
                return false;
        }
        *out_bytes = bytes;
        return true;
}

bool read_rate_at(struct read_context *ctx, const json_t *json, const char *path, double min_per_s,
                  double max_per_s, double *out_per_s)
{
        const char *text = quantity_text(ctx, json, path, quantity_rate_wants);
        struct quantity_error error;
        char value[VALUE_TEXT_SIZE], bound[VALUE_TEXT_SIZE];
        double per_s;

        if (text == NULL)
                return false;
        if (!quantity_rate(text, &per_s, &error)) {
                read_error(ctx, path, "%s", error.text);
                return false;
        }
        if (!(per_s >= min_per_s && per_s <= max_per_s)) {
                bool above = per_s > max_per_s;

                snprintf(value, sizeof(value), "%.6g/s", per_s);
                snprintf(bound, sizeof(bound), "%.6g/s", above ? max_per_s : min_per_s);
                report_range(ctx, path, value, above, bound);
                return false;
        }
        *out_per_s = per_s;
        return true;
}

bool read_size_rate_at(struct read_context *ctx, const json_t *json, const char *path,
                       double min_per_s, double max_per_s, double *out_bytes_per_s)
{
        const char *text = quantity_text(ctx, json, path, quantity_size_rate_wants);
        struct quantity_error error;
        char value[QUANTITY_TEXT_SIZE], bound[QUANTITY_TEXT_SIZE];
        double per_s;

        if (text == NULL)
                return false;
        if (!quantity_size_rate(text, &per_s, &error)) {
                read_error(ctx, path, "%s", error.text);
                return false;
        }
        if (!(per_s >= min_per_s && per_s <= max_per_s)) {
                bool above = per_s > max_per_s;

                quantity_format_size(value, per_s);
                quantity_format_size(bound, above ? max_per_s : min_per_s);
                read_error(ctx, path, "%s/s is %s value allowed (%s/s)", value,
                           above ? "above the largest" : "below the smallest", bound);
                return false;
        }
        *out_bytes_per_s = per_s;
        return true;
}

bool read_ratio_at(struct read_context *ctx, const json_t *json, const char *path, double min,
                   double max, double *out)
{
        struct quantity_error error;
        double ratio = json_number_value(json);

        if (json_is_string(json)) {
                if (!quantity_percent(json_string_value(json), &ratio, &error)) {
                        read_error(ctx, path, "%s", error.text);
                        return false;
                }
        } else if (!json_is_number(json)) {
                read_wrong_type(ctx, path, json, "a share (0.05 or \"5%\")");
                return false;
        }
        if (!(ratio >= min && ratio <= max)) {
                read_error(ctx, path, "%.6g is outside %.6g..%.6g (a share: 0.05 or \"5%%\")",
                           ratio, min, max);
                return false;
        }
        *out = ratio;
        return true;
}

bool read_choice_at(struct read_context *ctx, const json_t *json, const char *path,
                    const char *const *names, uint32_t *out)
{
        const char *text = json_string_value(json), *best;
        char excerpt[DIAG_EXCERPT_SIZE], hint[96], list[320];
        size_t used = 0;

        if (text == NULL) {
                read_wrong_type(ctx, path, json, "a text");
                return false;
        }
        for (uint32_t i = 0; names[i] != NULL; i++) {
                if (strcmp(names[i], text) == 0) {
                        *out = i;
                        return true;
                }
                if (used < sizeof(list))
                        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                                 i > 0 ? ", " : "", names[i]);
        }
        best = nearest_of(text, names);
        if (used >= sizeof(list))
                snprintf(list, sizeof(list), "the names that are known");
        read_error(ctx, path, "'%s' is none of %s%s", diag_excerpt(excerpt, text), list,
                   nearest_hint(hint, sizeof(hint), best));
        return false;
}

/* By key ------------------------------------------------------------------ */

bool read_text(struct read_object *object, const char *key, enum read_need need, const char **out)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL && read_text_at(object->ctx, json, read_path(object, key), out);
}

bool read_bool(struct read_object *object, const char *key, enum read_need need, bool *out)
{
        const json_t *json = read_any(object, key, need);

        if (json == NULL)
                return false;
        if (!json_is_boolean(json)) {
                read_wrong_type(object->ctx, read_path(object, key), json, "true or false");
                return false;
        }
        *out = json_is_true(json);
        return true;
}

bool read_count(struct read_object *object, const char *key, enum read_need need, uint32_t min,
                uint32_t max, uint32_t *out)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL &&
               read_count_at(object->ctx, json, read_path(object, key), min, max, out);
}

bool read_number(struct read_object *object, const char *key, enum read_need need, double min,
                 double max, double *out)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL &&
               read_number_at(object->ctx, json, read_path(object, key), min, max, out);
}

bool read_duration(struct read_object *object, const char *key, enum read_need need, int64_t min_ns,
                   int64_t max_ns, int64_t *out_ns)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL &&
               read_duration_at(object->ctx, json, read_path(object, key), min_ns, max_ns, out_ns);
}

bool read_size(struct read_object *object, const char *key, enum read_need need, int64_t min_bytes,
               int64_t max_bytes, int64_t *out_bytes)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL && read_size_at(object->ctx, json, read_path(object, key), min_bytes,
                                            max_bytes, out_bytes);
}

bool read_rate(struct read_object *object, const char *key, enum read_need need, double min_per_s,
               double max_per_s, double *out_per_s)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL && read_rate_at(object->ctx, json, read_path(object, key), min_per_s,
                                            max_per_s, out_per_s);
}

bool read_size_rate(struct read_object *object, const char *key, enum read_need need,
                    double min_per_s, double max_per_s, double *out_bytes_per_s)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL && read_size_rate_at(object->ctx, json, read_path(object, key),
                                                 min_per_s, max_per_s, out_bytes_per_s);
}

bool read_share_rate(struct read_object *object, const char *key, enum read_need need,
                     double min_per_s, double max_per_s, double *out_per_s)
{
        const json_t *json = read_any(object, key, need);
        const char *path = read_path(object, key), *text;
        struct quantity_error error;
        double per_s;

        text = json == NULL ? NULL
                            : quantity_text(object->ctx, json, path, quantity_share_rate_wants);
        if (text == NULL)
                return false;
        if (!quantity_share_rate(text, &per_s, &error)) {
                read_error(object->ctx, path, "%s", error.text);
                return false;
        }
        if (!(per_s >= min_per_s && per_s <= max_per_s)) {
                bool above = per_s > max_per_s;

                read_error(object->ctx, path, "%g%%/s is %s value allowed (%g%%/s)", per_s * 100,
                           above ? "above the largest" : "below the smallest",
                           (above ? max_per_s : min_per_s) * 100);
                return false;
        }
        *out_per_s = per_s;
        return true;
}

bool read_ratio(struct read_object *object, const char *key, enum read_need need, double min,
                double max, double *out)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL &&
               read_ratio_at(object->ctx, json, read_path(object, key), min, max, out);
}

bool read_choice(struct read_object *object, const char *key, enum read_need need,
                 const char *const *names, uint32_t *out)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL &&
               read_choice_at(object->ctx, json, read_path(object, key), names, out);
}

bool read_texts(struct read_object *object, const char *key, enum read_need need, size_t max,
                const char *const **out, size_t *out_count)
{
        const json_t *json = read_list(object, key, need, max);
        struct arena *arena = object->ctx->session->arena;
        const char **texts;
        bool ok = true;

        if (json == NULL)
                return false;
        texts = ARENA_ARRAY(arena, const char *, json_array_size(json) + 1);
        for (size_t i = 0; texts != NULL && i < json_array_size(json); i++)
                ok = read_text_at(object->ctx, json_array_get(json, i),
                                  json_path_index(arena, read_path(object, key), i), &texts[i]) &&
                     ok;
        if (texts == NULL || !ok)
                return false;
        *out = texts;
        *out_count = json_array_size(json);
        return true;
}

bool read_dist(struct read_object *object, const char *key, enum read_need need, int64_t max_ns,
               struct dist *out)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL && read_dist_at(object->ctx, json, read_path(object, key), max_ns, out);
}
