/* method_reader.c - faults and probes in time.
 *
 * What a fault's kind takes is in its row (faults/fault.h): arguments with
 * unit and range, targets, whether anything of it ramps. Nothing about a kind
 * stands here.
 */
#include "harness/scenario/loader.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/sim/time.h"

enum { METHOD_MAX = 10000 };

static const char *const entry_later[] = {"repeat", "rate", "when", "after", NULL};
static const char *const group_later[] = {"parallel", "serial", "monkey", NULL};

/* Arguments ----------------------------------------------------------------- */

/* A key of the target, and the value that it is given. */
static void read_setting_argument(struct read_object *o, const struct fleet_spec *fleet,
                                  const struct fault_param *param, size_t at,
                                  struct method_spec *out)
{
        bool of_edge = out->target.kind == TARGET_EDGE;
        const json_t *json;
        const char *text;
        struct setting setting;
        enum parameter_kind parameter;

        if (param->unit == FAULT_PARAMETER) {
                out->arguments[at] = -1;
                if (read_text(o, param->name, READ_OPTIONAL, &out->texts[at]) &&
                    read_parameter(o->ctx, read_path(o, param->name), out->texts[at], of_edge,
                                   &parameter))
                        out->arguments[at] = parameter;
                return;
        }
        json = read_any(o, param->name, READ_OPTIONAL);
        if (json == NULL || out->arguments[at - 1] < 0 ||
            !read_setting(o->ctx, json, read_path(o, param->name),
                          (enum parameter_kind)out->arguments[at - 1], &setting))
                return;
        if (!of_edge && out->target.service < fleet->service_count)
                check_setting(o->ctx, read_path(o, param->name),
                              &fleet->services[out->target.service], &setting);
        out->arguments[at] = setting.number;
        out->argument_dist[0] = setting.dist;
        text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
        out->texts[at] = text != NULL ? arena_text(o->ctx->session->arena, text) : NULL;
        free((void *)(uintptr_t)text);
}

static void read_argument(struct read_object *o, const struct fault_param *param, double *out)
{
        int64_t whole;
        uint32_t count;
        bool truth;

        switch (param->unit) {
        case FAULT_DURATION:
                if (read_duration(o, param->name, READ_OPTIONAL, (int64_t)param->min,
                                  param->max < (double)LOADER_TIME_MAX_NS ? (int64_t)param->max
                                                                          : LOADER_TIME_MAX_NS,
                                  &whole))
                        *out = (double)whole;
                break;
        case FAULT_BYTES:
                if (read_size(o, param->name, READ_OPTIONAL, (int64_t)param->min,
                              param->max < 0x1p60 ? (int64_t)param->max : (int64_t)1 << 60, &whole))
                        *out = (double)whole;
                break;
        case FAULT_BYTES_PER_S:
                read_size_rate(o, param->name, READ_OPTIONAL, param->min, param->max, out);
                break;
        case FAULT_RATIO_PER_S:
                read_share_rate(o, param->name, READ_OPTIONAL, param->min, param->max, out);
                break;
        case FAULT_RATIO:
        case FAULT_SHARE:
                read_ratio(o, param->name, READ_OPTIONAL, param->min, param->max, out);
                break;
        case FAULT_COUNT:
                if (read_count(o, param->name, READ_OPTIONAL, (uint32_t)param->min,
                               param->max < UINT32_MAX ? (uint32_t)param->max : UINT32_MAX, &count))
                        *out = count;
                break;
        case FAULT_FACTOR:
                read_number(o, param->name, READ_OPTIONAL, param->min, param->max, out);
                break;
        case FAULT_BOOL:
                if (read_bool(o, param->name, READ_OPTIONAL, &truth))
                        *out = truth;
                break;
        case FAULT_CHOICE:
                if (read_choice(o, param->name, READ_OPTIONAL, param->choices, &count))
                        *out = count;
                break;
        case FAULT_PARAMETER:
        case FAULT_VALUE:
        case FAULT_FEATURE:
        case FAULT_ENTRY:
                break; /* names: read_name_argument() */
        }
}

/* Whether one of the names in `list` ("rate per_request") is a key of the object. */
static bool has_one_of(const struct read_object *o, const char *list)
{
        char name[64];

        while (*list != '\0') {
                size_t length = strcspn(list, " ");

                snprintf(name, sizeof(name), "%.*s", (int)length, list);
                if (o->json != NULL && read_has(o, name))
                        return true;
                list += length + (list[length] == ' ');
        }
        return false;
}

static bool is_name(const struct fault_param *param)
{
        return param->unit == FAULT_PARAMETER || param->unit == FAULT_VALUE ||
               param->unit == FAULT_FEATURE || param->unit == FAULT_ENTRY;
}

/* Those that name something of the fleet or of the method. */
static void read_name_argument(struct read_object *o, const struct fleet_spec *fleet,
                               const struct fault_param *param, size_t at, struct method_spec *out)
{
        uint32_t number;

        if (param->unit == FAULT_PARAMETER || param->unit == FAULT_VALUE)
                read_setting_argument(o, fleet, param, at, out);
        else if (read_text(o, param->name, READ_OPTIONAL, &out->texts[at]) &&
                 param->unit == FAULT_FEATURE && out->target.kind == TARGET_SERVICE &&
                 out->target.service < fleet->service_count &&
                 fleet->services[out->target.service].feature_count > 0 &&
                 read_feature(o->ctx, read_path(o, param->name),
                              &fleet->services[out->target.service], out->texts[at], &number))
                out->arguments[at] = number;
}

static void load_arguments(struct read_object *entry, const struct fleet_spec *fleet,
                           struct method_spec *out)
{
        const struct fault_ops *fault = out->fault;
        struct read_object o = {0};
        bool there;

        for (size_t i = 0; i < fault->params_count; i++)
                out->arguments[i] = fault->params[i].fallback;
        there = read_child_begin(entry, "arguments", READ_OPTIONAL, &o);
        if (!there && read_has(entry, "arguments"))
                return;
        for (size_t i = 0; i < fault->params_count; i++) {
                const struct fault_param *param = &fault->params[i];

                if (there && is_name(param))
                        read_name_argument(&o, fleet, param, i, out);
                else if (there)
                        read_argument(&o, param, &out->arguments[i]);
                if (param->required && (!there || !read_has(&o, param->name)))
                        read_error(entry->ctx, there ? o.path : entry->path,
                                   "missing key '%s%s' of the fault '%s'",
                                   there ? "" : "arguments.", param->name, fault->name);
        }
        if (fault->one_of != NULL && !has_one_of(&o, fault->one_of))
                read_error(entry->ctx, there ? o.path : entry->path,
                           "the fault '%s' wants at least one of the arguments: %s", fault->name,
                           fault->one_of);
        if (there)
                read_object_end(&o);
}

/* Time ------------------------------------------------------------------------ */

static bool ramps(const struct fault_ops *fault)
{
        for (size_t i = 0; i < fault->params_count; i++)
                if (fault->params[i].ramps)
                        return true;
        return false;
}

static void load_at(struct read_object *entry, const struct scenario *scenario,
                    struct method_spec *out)
{
        char at[QUANTITY_TEXT_SIZE], end[QUANTITY_TEXT_SIZE];

        if (read_duration(entry, "at", READ_REQUIRED, 0, LOADER_TIME_MAX_NS, &out->at_ns) &&
            scenario->duration_ns > 0 && out->at_ns > scenario->duration_ns)
                read_error(entry->ctx, read_path(entry, "at"),
                           "%s is after the end of the run (%s)",
                           quantity_format_duration(at, out->at_ns),
                           quantity_format_duration(end, scenario->duration_ns));
}

static void load_ramps(struct read_object *entry, struct method_spec *out)
{
        bool has =
                read_duration(entry, "ramp", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS, &out->ramp_ns);

        has = read_duration(entry, "ramp_down", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS,
                            &out->ramp_down_ns) ||
              has;
        if (has && !ramps(out->fault))
                read_error(entry->ctx, entry->path, "the fault '%s' has nothing that ramps",
                           out->fault->name);
}

static void load_duration(struct read_object *entry, struct method_spec *out)
{
        out->duration = dist_constant(TIME_NEVER);
        if (!read_dist(entry, "duration", READ_OPTIONAL, LOADER_TIME_MAX_NS, &out->duration))
                return;
        out->has_duration = true;
        if (out->duration.kind == DIST_CONSTANT && out->duration.a_ns <= 0)
                read_error(entry->ctx, read_path(entry, "duration"), "a fault of no duration");
}

/* Entries --------------------------------------------------------------------- */

static bool read_fault_name(struct read_object *entry, struct method_spec *out)
{
        struct nearest nearest;
        const char *name;

        if (!read_text(entry, "fault", READ_REQUIRED, &name))
                return false;
        out->fault = fault_find(name);
        if (out->fault != NULL)
                return true;
        nearest_begin(&nearest, name);
        for (size_t i = 0; i < fault_catalogue_count; i++)
                nearest_offer(&nearest, fault_catalogue[i]->name);
        read_unknown_name(entry->ctx, read_path(entry, "fault"), "fault", name, nearest.best);
        return false;
}

/* "latency checkout->payment": kind and target. */
static const char *default_name(struct arena *arena, const struct fleet_spec *fleet,
                                const struct method_spec *entry)
{
        const struct target_spec *target = &entry->target;
        const char *on = NULL;

        /* An index that nothing has: the fleet itself was refused. */
        if ((target->kind == TARGET_INSTANCES || target->kind == TARGET_SERVICE) &&
            target->service < fleet->service_count)
                on = fleet->services[target->service].name;
        else if (target->kind == TARGET_EDGE && target->edge < fleet->edge_count)
                on = fleet->edges[target->edge].name;
        else if (target->kind == TARGET_LOAD && target->load < fleet->load_count)
                on = fleet->loads[target->load].name;
        else if (target->kind == TARGET_HEALER)
                on = "healer";
        else if (target->kind == TARGET_ZONE && target->zone < fleet->zone_count)
                on = fleet->zones[target->zone].name;
        return on != NULL ? arena_printf(arena, "%s %s", entry->fault->name, on)
                          : arena_text(arena, entry->fault->name);
}

static void load_fault(struct read_object *entry, const struct scenario *scenario,
                       struct method_spec *out)
{
        const json_t *target;
        size_t before = diag_total(entry->ctx->session->diags);

        out->kind = METHOD_FAULT;
        if (!read_fault_name(entry, out))
                return; /* what else is allowed depends on the kind */
        target = read_any(entry, "target",
                          (out->fault->targets & FAULT_TARGET_NONE) != 0 ? READ_OPTIONAL
                                                                         : READ_REQUIRED);
        out->target.zone = FLEET_NO_INDEX;
        if (target != NULL)
                load_target(entry->ctx, target, read_path(entry, "target"), out->fault,
                            &scenario->fleet, &out->target);
        load_at(entry, scenario, out);
        load_duration(entry, out);
        load_ramps(entry, out);
        out->probability = 1;
        read_ratio(entry, "probability", READ_OPTIONAL, 0, 1, &out->probability);
        load_arguments(entry, &scenario->fleet, out);
        if (out->name == NULL && diag_total(entry->ctx->session->diags) == before)
                out->name = default_name(entry->ctx->session->arena, &scenario->fleet, out);
        read_refuse_keys(entry, entry_later);
        read_object_end(entry);
}

static void load_method_probe(struct read_object *entry, const struct scenario *scenario,
                              struct method_spec *out)
{
        out->kind = METHOD_PROBE;
        load_probe(entry->ctx, read_any(entry, "probe", READ_REQUIRED), read_path(entry, "probe"),
                   &scenario->fleet, &out->probe);
        load_at(entry, scenario, out);
        if (out->name == NULL)
                out->name = out->probe.name;
        read_refuse_keys(entry, entry_later);
        read_object_end(entry);
}

static void load_entry(struct read_context *ctx, const json_t *json, const char *path,
                       const struct scenario *scenario, struct method_spec *out)
{
        struct read_object entry;

        if (!read_object_begin(ctx, json, path, &entry))
                return;
        if (ctx->doc != NULL)
                json_doc_locate(ctx->doc, path, JSON_DOC_VALUE, &out->line, &out->column);
        read_refuse_keys(&entry, group_later);
        if (entry.known_count == 3 && (read_has(&entry, "parallel") || read_has(&entry, "serial") ||
                                       read_has(&entry, "monkey")))
                return;
        read_text(&entry, "name", READ_OPTIONAL, &out->name);
        if (read_has(&entry, "probe"))
                load_method_probe(&entry, scenario, out);
        else if (read_has(&entry, "fault"))
                load_fault(&entry, scenario, out);
        else
                read_error(ctx, path, "missing key 'fault' or 'probe'");
}

static bool name_is_taken(const struct method_spec *entries, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (entries[i].name != NULL && strcmp(entries[i].name, name) == 0)
                        return true;
        return false;
}

/* How many entries were already given this name of ours, numbered or not. */
static unsigned count_equals(const struct method_spec *entries, size_t count, const char *base)
{
        size_t length = strlen(base);
        unsigned equals = 0;

        for (size_t i = 0; i < count; i++)
                equals += entries[i].name != NULL && strncmp(entries[i].name, base, length) == 0 &&
                          (entries[i].name[length] == '\0' || entries[i].name[length] == ' ');
        return equals;
}

/* Names that the file gives are kept apart by it; names that we give by us. */
static void settle_name(struct read_context *ctx, const char *path, const json_t *json,
                        struct method_spec *entries, size_t index)
{
        struct arena *arena = ctx->session->arena;
        const char *base = entries[index].name;

        if (base == NULL || !name_is_taken(entries, index, base))
                return;
        if (json_object_get(json, "name") != NULL) {
                read_error(ctx, json_path_key(arena, path, "name"), "a second entry named '%s'",
                           base);
                return;
        }
        for (unsigned number = count_equals(entries, index, base) + 1;
             name_is_taken(entries, index, entries[index].name); number++) {
                const char *name = arena_printf(arena, "%s %u", base, number);

                if (name == NULL)
                        return;
                entries[index].name = name;
        }
}

/* Names of other entries, which may stand further down. */
static void check_named_entries(struct read_context *ctx, const char *path,
                                const struct scenario *scenario, size_t index)
{
        const struct method_spec *entry = &scenario->method[index];
        size_t params = entry->fault != NULL ? entry->fault->params_count : 0;

        for (size_t p = 0; p < params; p++) {
                const char *name = entry->texts[p];
                struct nearest nearest;
                bool found = false;

                if (entry->fault->params[p].unit != FAULT_ENTRY || name == NULL)
                        continue;
                nearest_begin(&nearest, name);
                for (size_t i = 0; i < scenario->method_count; i++) {
                        if (i == index || scenario->method[i].name == NULL ||
                            scenario->method[i].fault == NULL ||
                            scenario->method[i].fault == entry->fault)
                                continue;
                        found = found || strcmp(scenario->method[i].name, name) == 0;
                        nearest_offer(&nearest, scenario->method[i].name);
                }
                if (!found)
                        read_unknown_name(
                                ctx,
                                json_path_key(ctx->session->arena,
                                              json_path_key(ctx->session->arena, path, "arguments"),
                                              entry->fault->params[p].name),
                                "other entry", name, nearest.best);
        }
}

void load_method(struct read_object *scenario, struct scenario *out)
{
        const json_t *list = read_list(scenario, "method", READ_REQUIRED, METHOD_MAX);
        struct read_context *ctx = scenario->ctx;
        struct arena *arena = ctx->session->arena;
        struct method_spec *entries = ARENA_ARRAY(arena, struct method_spec, json_array_size(list));

        if (list == NULL || entries == NULL)
                return;
        out->method = entries;
        out->method_count = json_array_size(list);
        for (size_t i = 0; i < out->method_count; i++) {
                const char *path = json_path_index(arena, read_path(scenario, "method"), i);
                const json_t *json = json_array_get(list, i);

                load_entry(ctx, json, path, out, &entries[i]);
                settle_name(ctx, path, json, entries, i);
        }
        for (size_t i = 0; i < out->method_count; i++)
                check_named_entries(ctx, json_path_index(arena, read_path(scenario, "method"), i),
                                    out, i);
}
