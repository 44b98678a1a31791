/* setting_reader.c - keys of services and edges that are given as names.
 *
 * Versions and bad configurations say which key they change and to what. The
 * key's row (harness/fleet/parameter.h) says how its value is read and in which
 * range, so that it is checked as it would be in its own place.
 */
#include "harness/scenario/loader.h"

#include <string.h>

#include "harness/base/nearest.h"
#include "harness/sim/time.h"

static bool key_is_there(const char *key, bool of_edge, struct nearest *nearest,
                         enum parameter_kind *out)
{
        uint32_t from = of_edge ? PARAMETER_EDGE_FIRST : 0;
        uint32_t to = of_edge ? PARAMETER_KIND_COUNT : PARAMETER_EDGE_FIRST;

        nearest_begin(nearest, key);
        for (uint32_t i = from; i < to; i++) {
                if (strcmp(parameter_rows[i].key, key) == 0) {
                        *out = (enum parameter_kind)i;
                        return true;
                }
                nearest_offer(nearest, parameter_rows[i].key);
        }
        return false;
}

bool read_parameter(struct read_context *ctx, const char *path, const char *key, bool of_edge,
                    enum parameter_kind *out)
{
        char excerpt[DIAG_EXCERPT_SIZE], hint[96];
        struct nearest nearest;

        if (key_is_there(key, of_edge, &nearest, out))
                return true;
        read_error(ctx, path, "'%s' is no key of %s that can be changed under way%s",
                   diag_excerpt(excerpt, key), of_edge ? "a call" : "a service",
                   nearest_hint(hint, sizeof(hint), nearest.best));
        return false;
}

static bool read_places(struct read_context *ctx, const json_t *json, const char *path,
                        const struct parameter_row *row, double *out)
{
        const char *text = json_string_value(json);
        uint32_t count;

        if (text != NULL && strcmp(text, "unbounded") == 0) {
                *out = QUEUE_UNBOUNDED;
                return true;
        }
        if (text != NULL) {
                read_error(ctx, path, "a whole number or \"unbounded\" is wanted");
                return false;
        }
        if (!read_count_at(ctx, json, path, (uint32_t)row->min, (uint32_t)row->max, &count))
                return false;
        *out = count;
        return true;
}

static bool read_whole(struct read_context *ctx, const json_t *json, const char *path,
                       const struct parameter_row *row, double *out)
{
        int64_t whole;
        bool ok = row->unit == PARAMETER_TIME
                          ? read_duration_at(ctx, json, path, (int64_t)row->min, (int64_t)row->max,
                                             &whole)
                          : read_size_at(ctx, json, path, (int64_t)row->min, (int64_t)row->max,
                                         &whole);

        if (ok)
                *out = (double)whole;
        return ok;
}

bool read_setting(struct read_context *ctx, const json_t *json, const char *path,
                  enum parameter_kind parameter, struct setting *out)
{
        const struct parameter_row *row = &parameter_rows[parameter];
        uint32_t count;

        *out = (struct setting){.parameter = parameter};
        switch (row->unit) {
        case PARAMETER_DIST:
                return read_dist_at(ctx, json, path, (int64_t)row->max, &out->dist);
        case PARAMETER_TIME:
        case PARAMETER_BYTES:
                return read_whole(ctx, json, path, row, &out->number);
        case PARAMETER_RATIO:
                return read_ratio_at(ctx, json, path, row->min, row->max, &out->number);
        case PARAMETER_COUNT:
                if (!read_count_at(ctx, json, path, (uint32_t)row->min, (uint32_t)row->max, &count))
                        return false;
                out->number = count;
                return true;
        case PARAMETER_PLACES:
                return read_places(ctx, json, path, row, &out->number);
        case PARAMETER_NUMBER:
                return read_number_at(ctx, json, path, row->min, row->max, &out->number);
        case PARAMETER_BOOL:
                if (!json_is_boolean(json)) {
                        read_wrong_type(ctx, path, json, "true or false");
                        return false;
                }
                out->number = json_is_true(json);
                return true;
        }
        return false;
}

/* What cannot be changed where it was not declared. */
void check_setting(struct read_context *ctx, const char *path, const struct service_spec *service,
                   const struct setting *setting)
{
        if (setting->parameter != PARAMETER_MEMORY_LIMIT)
                return;
        if (service->memory_limit_bytes == 0)
                read_error(ctx, path, "the service has no memory limit that could be changed");
}

static void load_changes(struct read_object *version, const struct service_spec *service,
                         struct version_spec *out)
{
        struct arena *arena = version->ctx->session->arena;
        struct read_object o;
        struct setting *changes;
        const char *key;
        json_t *value;

        if (!read_child_begin(version, "changes", READ_OPTIONAL, &o))
                return;
        changes = ARENA_ARRAY(arena, struct setting, json_object_size(o.json));
        if (changes == NULL)
                return;
        json_object_foreach((json_t *)(uintptr_t)o.json, key, value)
        {
                struct setting *setting = &changes[out->change_count];
                const char *path = json_path_key(arena, o.path, key);
                enum parameter_kind parameter;

                if (strncmp(key, "x_", 2) == 0 || strcmp(key, "$schema") == 0)
                        continue;
                if (!read_parameter(o.ctx, path, key, false, &parameter) ||
                    !read_setting(o.ctx, value, path, parameter, setting))
                        continue;
                check_setting(o.ctx, path, service, setting);
                out->change_count++;
        }
        out->changes = changes;
}

void load_versions(struct read_object *service, struct service_spec *out)
{
        enum { VERSIONS_MAX = 1000 };
        const json_t *list = read_list(service, "versions", READ_OPTIONAL, VERSIONS_MAX);
        struct arena *arena = service->ctx->session->arena;
        uint32_t count = (uint32_t)json_array_size(list);
        struct version_spec *versions = ARENA_ARRAY(arena, struct version_spec, count);

        if (list == NULL || versions == NULL)
                return;
        if (count == 0)
                read_error(service->ctx, read_path(service, "versions"), "the list is empty");
        out->versions = versions;
        out->version_count = count;
        for (uint32_t i = 0; i < count; i++) {
                const char *path = json_path_index(arena, read_path(service, "versions"), i);
                struct read_object o;

                versions[i].name = "";
                if (!read_object_begin(service->ctx, json_array_get(list, i), path, &o))
                        continue;
                read_text(&o, "name", READ_REQUIRED, &versions[i].name);
                for (uint32_t k = 0; k < i && versions[i].name[0] != '\0'; k++)
                        if (strcmp(versions[k].name, versions[i].name) == 0)
                                read_error(o.ctx, read_path(&o, "name"),
                                           "a second version named '%s'", versions[i].name);
                load_changes(&o, out, &versions[i]);
                read_object_end(&o);
        }
}

/* Features ---------------------------------------------------------------------- */

static bool find_feature(const struct service_spec *service, const char *name, uint32_t *out)
{
        for (uint32_t i = 0; i < service->feature_count; i++)
                if (strcmp(service->features[i].name, name) == 0) {
                        *out = i;
                        return true;
                }
        return false;
}

bool read_feature(struct read_context *ctx, const char *path, const struct service_spec *service,
                  const char *name, uint32_t *out)
{
        struct nearest nearest;

        if (find_feature(service, name, out))
                return true;
        nearest_begin(&nearest, name);
        for (uint32_t i = 0; i < service->feature_count; i++)
                nearest_offer(&nearest, service->features[i].name);
        read_unknown_name(ctx, path, "feature", name, nearest.best);
        return false;
}

static void load_feature(struct read_context *ctx, const json_t *json, const char *path,
                         const struct service_spec *service, struct feature_spec *out)
{
        struct read_object o;
        uint32_t other;

        *out = (struct feature_spec){.name = "", .priority = PRIORITY_USUAL};
        if (!read_object_begin(ctx, json, path, &o))
                return;
        if (read_text(&o, "name", READ_REQUIRED, &out->name) &&
            find_feature(service, out->name, &other) && &service->features[other] != out)
                read_error(ctx, read_path(&o, "name"), "a second feature named '%s'", out->name);
        read_ratio(&o, "cost", READ_OPTIONAL, 0, 100, &out->cost);
        read_ratio(&o, "quality", READ_OPTIONAL, 0, 1, &out->quality);
        read_count(&o, "priority", READ_OPTIONAL, 0, PRIORITY_MAX, &out->priority);
        out->off_at = 1 + out->priority / 125; /* the least important go first */
        read_count(&o, "off_at", READ_OPTIONAL, 0, FEATURE_NEVER_OFF, &out->off_at);
        read_object_end(&o);
}

void load_features(struct read_object *service, struct service_spec *out)
{
        const json_t *list = read_list(service, "features", READ_OPTIONAL, FEATURES_MAX);
        struct arena *arena = service->ctx->session->arena;
        uint32_t count = (uint32_t)json_array_size(list);
        struct feature_spec *features = ARENA_ARRAY(arena, struct feature_spec, count);
        double cost = 0, quality = 0;

        if (list == NULL || features == NULL)
                return;
        out->features = features;
        for (uint32_t i = 0; i < count; i++) {
                out->feature_count = i;
                load_feature(service->ctx, json_array_get(list, i),
                             json_path_index(arena, read_path(service, "features"), i), out,
                             &features[i]);
                cost += features[i].off_at > 0 ? features[i].cost : 0;
                quality += features[i].off_at > 0 ? features[i].quality : 0;
        }
        out->feature_count = count;
        if (cost > 1 + 1e-9)
                read_error(service->ctx, read_path(service, "features"),
                           "those that are on cost %.3g of the service time, which is above all of it", cost);
        if (quality > 1 + 1e-9)
                read_error(service->ctx, read_path(service, "features"),
                           "those that are on make %.3g of the quality, which is above all of it", quality);
}
