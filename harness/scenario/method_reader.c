/* method_reader.c - faults and probes in time.
 *
 * What a fault's kind takes is in its row (faults/fault.h): arguments with
 * unit and range, targets, whether anything of it ramps. Nothing about a kind
 * stands here.
 *
 * Groups leave entries whose times count from the ends of others; names are
 * looked up when all are read, so that an entry may wait for a later one. All
 * times are put together by run/plan.c, a replication at a time.
 */
#include "harness/scenario/loader.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/sim/time.h"

enum { METHOD_MAX = 10000 };

/* How long a monkey's fault lasts that would go on to the end. */
#define MONKEY_DURATION_NS NS_PER_MIN

const char *const scenario_when_events[] = {
        "alarm",           "prediction",     "diagnosis",           "action_started",
        "action_finished", "breaker_opened", "breaker_half_opened", "breaker_closed",
        "incident_opened", "incident_closed", "degradation_changed", "instance_state",
        "deployment",      "escalation",     "fault_started",       "fault_ended",
        NULL,
};

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

/* Names of kinds that go on instances as they are. */
static void read_kinds(struct read_object *o, const struct fault_param *param, double *out)
{
        const char *const *names;
        size_t count;

        if (!read_texts(o, param->name, READ_OPTIONAL, FAULT_KINDS_MAX, &names, &count))
                return;
        *out = 0;
        if (count == 0)
                read_error(o->ctx, read_path(o, param->name), "the list is empty");
        for (size_t i = 0; i < count; i++) {
                const struct fault_ops *kind = fault_find(names[i]);
                const char *path = json_path_index(o->ctx->session->arena,
                                                   read_path(o, param->name), i);
                struct nearest nearest;

                nearest_begin(&nearest, names[i]);
                for (size_t k = 0; k < fault_catalogue_count; k++)
                        nearest_offer(&nearest, fault_catalogue[k]->name);
                if (kind == NULL)
                        read_unknown_name(o->ctx, path, "fault", names[i], nearest.best);
                else if (!fault_can_be_part(kind) || kind->lift == NULL)
                        read_error(o->ctx, path, "'%s' wants arguments or another target than instances",
                                   names[i]);
                else
                        *out = fault_kinds_add(*out, (uint32_t)i, kind);
        }
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
        case FAULT_KINDS:
                read_kinds(o, param, out);
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

/* What a time counts from: 0, the end of entries that were read before, or that
 * of a name that is looked up when all are read. */
struct base {
        const char *after_name, *after_path; /* as written, and where; NULL: no name */
        const char *path;                    /* of a monkey: where it stands itself */
        uint32_t first, count;               /* else these entries; of a serial group */
        int64_t at_ns;
        bool in_group;
};

struct reader {
        struct read_context *ctx;
        struct scenario *scenario;
        struct method_spec *entries;
        struct base *bases; /* of each entry, until the names are known */
        uint32_t count, room;
        struct monkey_spec *monkeys;
        struct base *monkey_bases;
        uint32_t monkey_count, monkey_room;
        struct named_group *groups;
        uint32_t group_count, group_room;
};

/* A group's name stands for its entries. */
struct named_group {
        const struct method_group *group;
        const char *path; /* of its name */
        uint32_t first, count;
};

static const char *const timing_keys[] = {"at", "repeat", "rate", "when", "after", NULL};

/* The one key of `timing_keys` that the entry has, or NULL; more are reported. */
static const char *timing_key(struct read_object *entry, const struct base *base)
{
        const char *found = NULL;
        size_t before = diag_total(entry->ctx->session->diags);

        for (size_t i = 0; timing_keys[i] != NULL; i++) {
                if (!read_has(entry, timing_keys[i]))
                        continue;
                if (found != NULL)
                        read_key_error(entry->ctx, read_path(entry, timing_keys[i]),
                                       "an entry has one of 'at', 'repeat', 'rate', 'when' and "
                                       "'after', and '%s' is there already",
                                       found);
                else if (base->in_group &&
                         (strcmp(timing_keys[i], "when") == 0 || strcmp(timing_keys[i], "after") == 0))
                        read_key_error(entry->ctx, read_path(entry, timing_keys[i]),
                                       "inside a group it is the group that says after what");
                found = found == NULL ? timing_keys[i] : found;
        }
        if (found == NULL && !base->in_group)
                read_error(entry->ctx, entry->path,
                           "missing key 'at' (or 'repeat', 'rate', 'when' or 'after')");
        return diag_total(entry->ctx->session->diags) > before ? NULL : found;
}

static void load_at(struct read_object *entry, const struct scenario *scenario, struct base *base)
{
        char at[QUANTITY_TEXT_SIZE], end[QUANTITY_TEXT_SIZE];
        int64_t at_ns = 0;

        if (!read_duration(entry, "at", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS, &at_ns))
                return;
        base->at_ns += at_ns;
        if (base->after_name == NULL && base->count == 0 && scenario->duration_ns > 0 &&
            base->at_ns > scenario->duration_ns)
                read_error(entry->ctx, read_path(entry, "at"),
                           "%s is after the end of the run (%s)",
                           quantity_format_duration(at, base->at_ns),
                           quantity_format_duration(end, scenario->duration_ns));
}

static void load_after(struct read_object *entry, struct base *base)
{
        if (read_text(entry, "after", READ_OPTIONAL, &base->after_name))
                base->after_path = read_path(entry, "after");
}

static void load_repeat(struct read_object *entry, const struct scenario *scenario,
                        struct method_spec *out)
{
        struct read_object o;

        if (!read_child_begin(entry, "repeat", READ_REQUIRED, &o))
                return;
        out->timing = TIMING_REPEAT;
        out->every_ns = NS_PER_MIN;
        read_duration(&o, "every", READ_REQUIRED, NS_PER_MS, LOADER_TIME_MAX_NS, &out->every_ns);
        read_count(&o, "count", READ_OPTIONAL, 1, METHOD_PLAYS_MAX, &out->repeat_count);
        if (read_duration(&o, "jitter", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS, &out->jitter_ns) &&
            out->jitter_ns > out->every_ns)
                read_error(o.ctx, read_path(&o, "jitter"), "the jitter is above 'every'");
        if (out->repeat_count == 0 && scenario->duration_ns / out->every_ns > METHOD_PLAYS_MAX)
                read_error(o.ctx, read_path(&o, "every"),
                           "more than %d times in one run: give a 'count' or a longer time",
                           METHOD_PLAYS_MAX);
        read_object_end(&o);
}

/* A mean number of arrivals that a replication can hold. */
static void load_rate(struct read_object *entry, const struct scenario *scenario, double *out)
{
        double most = METHOD_PLAYS_MAX / ((double)(scenario->duration_ns + 1) * 1e-9);

        if (!read_rate(entry, "rate", READ_REQUIRED, 0, 1e6, out))
                return;
        if (*out <= 0)
                read_error(entry->ctx, read_path(entry, "rate"), "a rate of 0 never happens");
        else if (scenario->duration_ns > 0 && *out > most)
                read_error(entry->ctx, read_path(entry, "rate"),
                           "more than %d times in one run, on average", METHOD_PLAYS_MAX);
}

static uint32_t find_action(struct read_object *o)
{
        struct nearest nearest;
        const char *name;

        if (!read_text(o, "action", READ_OPTIONAL, &name))
                return FLEET_NO_INDEX;
        if (fleet_action_kind_of(name) < ACTION_KIND_COUNT)
                return (uint32_t)fleet_action_kind_of(name);
        nearest_begin(&nearest, name);
        for (int i = 0; i < ACTION_KIND_COUNT; i++)
                nearest_offer(&nearest, fleet_action_rows[i].name);
        read_unknown_name(o->ctx, read_path(o, "action"), "action", name, nearest.best);
        return FLEET_NO_INDEX;
}

static void load_when(struct read_object *entry, const struct scenario *scenario,
                      struct method_spec *out)
{
        struct read_object o;
        uint32_t event = 0;

        if (!read_child_begin(entry, "when", READ_REQUIRED, &o))
                return;
        out->timing = TIMING_WHEN;
        out->coupled = true;
        out->when = (struct method_when){.event = scenario_when_events[0],
                                         .service = FLEET_NO_INDEX,
                                         .action = FLEET_NO_INDEX};
        if (read_choice(&o, "event", READ_REQUIRED, scenario_when_events, &event)) {
                out->when.event = scenario_when_events[event];
                if (read_has(&o, "action") && strncmp(out->when.event, "action_", 7) != 0)
                        read_key_error(o.ctx, read_path(&o, "action"),
                                       "the event '%s' has no action", out->when.event);
        }
        out->when.action = find_action(&o);
        read_service(&o, "service", READ_OPTIONAL, &scenario->fleet, &out->when.service);
        read_duration(&o, "delay", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS, &out->when.delay_ns);
        read_object_end(&o);
}

static void load_timing(struct read_object *entry, const struct scenario *scenario,
                        struct base *base, struct method_spec *out)
{
        const char *key = timing_key(entry, base);

        out->timing = TIMING_AT;
        for (size_t i = 0; timing_keys[i] != NULL; i++)
                read_any(entry, timing_keys[i], READ_OPTIONAL);
        if (key == NULL)
                return;
        if (strcmp(key, "at") == 0) {
                load_at(entry, scenario, base);
        } else if (strcmp(key, "after") == 0) {
                load_after(entry, base);
        } else if (strcmp(key, "repeat") == 0) {
                load_repeat(entry, scenario, out);
        } else if (strcmp(key, "rate") == 0) {
                out->timing = TIMING_RATE;
                load_rate(entry, scenario, &out->rate_per_s);
        } else {
                load_when(entry, scenario, out);
        }
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
        else if (target->kind == TARGET_ZONES && target->zone < fleet->zone_count &&
                 target->to_zone < fleet->zone_count)
                return arena_printf(arena, "%s %s->%s", entry->fault->name,
                                    fleet->zones[target->zone].name,
                                    fleet->zones[target->to_zone].name);
        else if (target->kind == TARGET_HEALER)
                on = "healer";
        else if (target->kind == TARGET_ZONE && target->zone < fleet->zone_count)
                on = fleet->zones[target->zone].name;
        return on != NULL ? arena_printf(arena, "%s %s", entry->fault->name, on)
                          : arena_text(arena, entry->fault->name);
}

/* What an entry has besides its time: also a kind of a monkey's. */
static void load_fault_body(struct read_object *entry, const struct fleet_spec *fleet,
                            struct method_spec *out)
{
        load_duration(entry, out);
        load_ramps(entry, out);
        out->probability = 1;
        read_ratio(entry, "probability", READ_OPTIONAL, 0, 1, &out->probability);
        load_arguments(entry, fleet, out);
}

static void load_fault(struct read_object *entry, const struct scenario *scenario,
                       struct base *base, struct method_spec *out)
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
        load_timing(entry, scenario, base, out);
        load_fault_body(entry, &scenario->fleet, out);
        if (out->name == NULL && diag_total(entry->ctx->session->diags) == before)
                out->name = default_name(entry->ctx->session->arena, &scenario->fleet, out);
        read_object_end(entry);
}

static void load_method_probe(struct read_object *entry, const struct scenario *scenario,
                              struct base *base, struct method_spec *out)
{
        out->kind = METHOD_PROBE;
        load_probe(entry->ctx, read_any(entry, "probe", READ_REQUIRED), read_path(entry, "probe"),
                   &scenario->fleet, &out->probe);
        if (!read_has(entry, "at") && !read_has(entry, "after") && !base->in_group)
                read_error(entry->ctx, entry->path, "missing key 'at' (or 'after')");
        else if (read_has(entry, "at") && read_has(entry, "after"))
                read_key_error(entry->ctx, read_path(entry, "after"), "an entry has one of 'at' and 'after'");
        else if (read_has(entry, "after") && base->in_group)
                read_key_error(entry->ctx, read_path(entry, "after"),
                               "inside a group it is the group that says after what");
        load_at(entry, scenario, base);
        load_after(entry, base);
        if (out->name == NULL)
                out->name = out->probe.name;
        read_object_end(entry);
}

/* Names ----------------------------------------------------------------------- */

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
        if (json != NULL && json_object_get(json, "name") != NULL) {
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

/* Entries, groups and monkeys ------------------------------------------------- */

/* The next entry, where it stands and what its time counts from. */
static struct method_spec *add_entry(struct reader *reader, const char *path,
                                     const struct method_group *group)
{
        struct method_spec *entry;

        if (reader->count == reader->room)
                return NULL;
        entry = &reader->entries[reader->count];
        entry->ordinal = reader->count;
        entry->group = group;
        entry->path = path;
        if (reader->ctx->doc != NULL)
                json_doc_locate(reader->ctx->doc, path, JSON_DOC_VALUE, &entry->line, &entry->column);
        return entry;
}

static void finish_entry(struct reader *reader, const json_t *json, const struct base *base)
{
        struct method_spec *entry = &reader->entries[reader->count];

        entry->at_ns = base->at_ns;
        reader->bases[reader->count] = *base;
        settle_name(reader->ctx, entry->path, json, reader->entries, reader->count);
        reader->count++;
}

static void load_entry(struct reader *reader, const json_t *json, const char *path,
                       const struct method_group *group, struct base base);

/* Its members get at the base of the group; in series each at the end of the one
 * before. */
static void load_members(struct reader *reader, struct read_object *group_object, const char *key,
                         const struct method_group *group, const struct base *base)
{
        const json_t *list = read_list(group_object, key, READ_REQUIRED, METHOD_MAX);
        struct arena *arena = reader->ctx->session->arena;
        bool serial = strcmp(key, "serial") == 0;
        struct base turn = *base;

        turn.in_group = true;
        if (list != NULL && json_array_size(list) == 0)
                read_error(reader->ctx, read_path(group_object, key), "the group is empty");
        for (size_t i = 0; i < json_array_size(list); i++) {
                uint32_t first = reader->count;

                load_entry(reader, json_array_get(list, i),
                           json_path_index(arena, read_path(group_object, key), i), group, turn);
                if (serial && reader->count > first)
                        turn = (struct base){.first = first,
                                             .count = reader->count - first,
                                             .in_group = true};
        }
}

static void load_group(struct reader *reader, struct read_object *o, const char *key,
                       const struct method_group *parent, struct base base)
{
        struct arena *arena = reader->ctx->session->arena;
        struct method_group *group = ARENA_NEW(arena, struct method_group);
        uint32_t first = reader->count;

        if (group == NULL)
                return;
        group->parent = parent;
        read_text(o, "name", READ_OPTIONAL, &group->name);
        if (read_has(o, "at") && read_has(o, "after"))
                read_key_error(o->ctx, read_path(o, "after"), "a group has one of 'at' and 'after'");
        else if (read_has(o, "after") && base.in_group)
                read_key_error(o->ctx, read_path(o, "after"),
                               "inside a group it is the group that says after what");
        load_at(o, reader->scenario, &base);
        load_after(o, &base);
        load_members(reader, o, key, group, &base);
        if (group->name != NULL && reader->group_count < reader->group_room)
                reader->groups[reader->group_count++] =
                        (struct named_group){group, read_path(o, "name"), first,
                                             reader->count - first};
        read_object_end(o);
}

/* One kind of a monkey's: its name, or an object with what it takes. */
static bool load_monkey_kind(struct reader *reader, const json_t *json, const char *path,
                             struct method_spec *out)
{
        struct read_context *ctx = reader->ctx;
        struct read_object o;
        json_t *wrapped = NULL;
        size_t before = diag_total(ctx->session->diags);

        if (json_is_string(json))
                json = wrapped = json_pack("{s:s}", "fault", json_string_value(json));
        if (read_object_begin(ctx, json, path, &o)) {
                out->kind = METHOD_FAULT;
                out->target.zone = FLEET_NO_INDEX;
                if (read_fault_name(&o, out)) {
                        load_fault_body(&o, &reader->scenario->fleet, out);
                        read_object_end(&o);
                }
        }
        json_decref(wrapped);
        if (out->fault != NULL && !out->has_duration && !out->fault->instant) {
                out->duration = dist_constant(MONKEY_DURATION_NS);
                out->has_duration = true;
        }
        return diag_total(ctx->session->diags) == before;
}

/* A service's name stands for one of its instances, or for the service as a whole
 * where the kind takes no instances. */
static json_t *one_of_service(const json_t *name, const struct fault_ops *fault)
{
        return (fault->targets & FAULT_TARGET_INSTANCES) != 0
                       ? json_pack("{s:s, s:s}", "service", json_string_value(name), "instances", "one")
                       : json_pack("{s:s}", "service", json_string_value(name));
}

/* An entry for each target that the kind takes. */
static uint32_t add_options(struct reader *reader, struct monkey_spec *monkey,
                            const struct method_spec *kind, const json_t *targets,
                            const char *targets_path, const char *path)
{
        struct read_context *ctx = reader->ctx;
        struct arena *arena = ctx->session->arena;
        size_t count = json_array_size(targets);
        uint32_t first = reader->count;

        for (size_t i = 0; i < count || (i == 0 && targets == NULL); i++) {
                const json_t *target = json_array_get(targets, i);
                json_t *named = NULL;
                struct method_spec *entry, place;

                if (!target_fits(target, kind->fault))
                        continue;
                if ((entry = add_entry(reader, path, &monkey->group)) == NULL)
                        return 0;
                place = *entry;
                *entry = *kind;
                entry->timing = TIMING_MONKEY;
                entry->ordinal = place.ordinal;
                entry->group = place.group;
                entry->path = place.path;
                entry->line = place.line;
                entry->column = place.column;
                entry->target.zone = FLEET_NO_INDEX;
                if (json_is_string(target))
                        target = named = one_of_service(target, kind->fault);
                if (target != NULL)
                        load_target(ctx, target, json_path_index(arena, targets_path, i),
                                    kind->fault, &reader->scenario->fleet, &entry->target);
                else
                        load_any_instance(ctx, path, &reader->scenario->fleet, kind->fault,
                                          &entry->target);
                json_decref(named);
                entry->name = arena_printf(arena, "%s: %s", monkey->name,
                                           default_name(arena, &reader->scenario->fleet, entry));
                finish_entry(reader, NULL, &(struct base){0});
        }
        if (reader->count == first)
                read_error(ctx, path, "none of the targets is one that '%s' takes",
                           kind->fault->name);
        return reader->count - first;
}

static void load_budget(struct read_object *monkey, struct monkey_spec *out)
{
        const json_t *json = read_any(monkey, "budget", READ_OPTIONAL);
        struct read_object o;

        out->fault_max = out->concurrent_max = UINT32_MAX;
        out->time_max_ns = TIME_NEVER;
        if (json == NULL)
                return;
        if (json_is_integer(json)) {
                read_count_at(monkey->ctx, json, read_path(monkey, "budget"), 1, METHOD_PLAYS_MAX,
                              &out->fault_max);
                return;
        }
        if (!json_is_object(json)) {
                read_wrong_type(monkey->ctx, read_path(monkey, "budget"), json,
                                "a number of faults or {faults, concurrent, time}");
                return;
        }
        if (!read_object_begin(monkey->ctx, json, read_path(monkey, "budget"), &o))
                return;
        read_count(&o, "faults", READ_OPTIONAL, 1, METHOD_PLAYS_MAX, &out->fault_max);
        read_count(&o, "concurrent", READ_OPTIONAL, 1, METHOD_PLAYS_MAX, &out->concurrent_max);
        read_duration(&o, "time", READ_OPTIONAL, 1, LOADER_TIME_MAX_NS, &out->time_max_ns);
        read_object_end(&o);
}

static void load_monkey_body(struct reader *reader, struct read_object *o, struct monkey_spec *out)
{
        struct arena *arena = o->ctx->session->arena;
        const json_t *faults, *targets;
        uint32_t *counts;

        load_rate(o, reader->scenario, &out->rate_per_s);
        load_budget(o, out);
        faults = read_list(o, "faults", READ_REQUIRED, METHOD_MAX);
        targets = read_list(o, "targets", READ_OPTIONAL, METHOD_MAX);
        counts = ARENA_ARRAY(arena, uint32_t, json_array_size(faults) + 1);
        if (faults != NULL && json_array_size(faults) == 0)
                read_error(o->ctx, read_path(o, "faults"), "the list is empty");
        if (targets != NULL && json_array_size(targets) == 0)
                read_error(o->ctx, read_path(o, "targets"), "the list is empty");
        out->options = &reader->entries[reader->count];
        for (size_t i = 0; counts != NULL && i < json_array_size(faults); i++) {
                const char *path = json_path_index(arena, read_path(o, "faults"), i);
                struct method_spec kind = {0};

                if (load_monkey_kind(reader, json_array_get(faults, i), path, &kind) &&
                    (targets == NULL || json_array_size(targets) > 0))
                        counts[out->kind_count] = add_options(reader, out, &kind, targets,
                                                              read_path(o, "targets"), path);
                out->kind_count++;
        }
        out->option_count = counts;
}

static void load_monkey(struct reader *reader, struct read_object *entry,
                        const struct method_group *parent, struct base base)
{
        struct arena *arena = entry->ctx->session->arena;
        struct monkey_spec *monkey;
        struct read_object o;

        if (reader->monkey_count == reader->monkey_room)
                return;
        monkey = &reader->monkeys[reader->monkey_count];
        if (!read_text(entry, "name", READ_OPTIONAL, &monkey->name))
                monkey->name = reader->monkey_count == 0
                                       ? "monkey"
                                       : arena_printf(arena, "monkey %u", reader->monkey_count + 1);
        monkey->group = (struct method_group){monkey->name, parent};
        if (read_has(entry, "at") && read_has(entry, "after"))
                read_key_error(entry->ctx, read_path(entry, "after"),
                               "a monkey has one of 'at' and 'after'");
        load_at(entry, reader->scenario, &base);
        load_after(entry, &base);
        if (read_child_begin(entry, "monkey", READ_REQUIRED, &o)) {
                load_monkey_body(reader, &o, monkey);
                read_object_end(&o);
        }
        read_object_end(entry);
        monkey->at_ns = base.at_ns;
        base.path = entry->path;
        reader->monkey_bases[reader->monkey_count++] = base;
}

static void load_entry(struct reader *reader, const json_t *json, const char *path,
                       const struct method_group *group, struct base base)
{
        static const char *const what[] = {"fault", "probe", "parallel", "serial", "monkey"};
        enum { WHAT_COUNT = sizeof(what) / sizeof(what[0]) };
        struct read_object entry;
        struct method_spec *out;
        size_t is = WHAT_COUNT;

        if (!read_object_begin(reader->ctx, json, path, &entry))
                return;
        for (size_t i = 0; i < WHAT_COUNT; i++) {
                if (!read_has(&entry, what[i]))
                        continue;
                if (is < WHAT_COUNT) {
                        read_key_error(reader->ctx, read_path(&entry, what[i]),
                                       "an entry has one of 'fault', 'probe', 'parallel', 'serial' "
                                       "and 'monkey', and '%s' is there already",
                                       what[is]);
                        return;
                }
                is = i;
        }
        if (is == WHAT_COUNT) {
                read_error(reader->ctx, path,
                           "missing key 'fault' (or 'probe', 'parallel', 'serial' or 'monkey')");
                return;
        }
        if (is == 4) {
                load_monkey(reader, &entry, group, base);
                return;
        }
        if (is >= 2) {
                load_group(reader, &entry, what[is], group, base);
                return;
        }
        if ((out = add_entry(reader, path, group)) == NULL)
                return;
        read_text(&entry, "name", READ_OPTIONAL, &out->name);
        if (is == 1)
                load_method_probe(&entry, reader->scenario, &base, out);
        else
                load_fault(&entry, reader->scenario, &base, out);
        finish_entry(reader, json, &base);
}

/* What comes after what ------------------------------------------------------- */

static void offer_names(const struct reader *reader, struct nearest *nearest)
{
        for (uint32_t i = 0; i < reader->count && !read_is_full(reader->ctx); i++)
                if (reader->entries[i].name != NULL)
                        nearest_offer(nearest, reader->entries[i].name);
        for (uint32_t i = 0; i < reader->group_count && !read_is_full(reader->ctx); i++)
                nearest_offer(nearest, reader->groups[i].group->name);
}

/* Turns a name into the entries that it stands for; false (reported) for none. */
static bool find_named(const struct reader *reader, struct base *base)
{
        struct nearest nearest;

        for (uint32_t i = 0; i < reader->count; i++)
                if (reader->entries[i].name != NULL &&
                    strcmp(reader->entries[i].name, base->after_name) == 0) {
                        base->first = i;
                        base->count = 1;
                        return true;
                }
        for (uint32_t i = 0; i < reader->group_count; i++)
                if (strcmp(reader->groups[i].group->name, base->after_name) == 0) {
                        base->first = reader->groups[i].first;
                        base->count = reader->groups[i].count;
                        return true;
                }
        for (uint32_t i = 0; i < reader->monkey_count; i++)
                if (strcmp(reader->monkeys[i].name, base->after_name) == 0) {
                        read_error(reader->ctx, base->after_path,
                                   "'%s' goes on until the end of the run: nothing comes after it",
                                   base->after_name);
                        return false;
                }
        nearest_begin(&nearest, base->after_name);
        offer_names(reader, &nearest);
        read_unknown_name(reader->ctx, base->after_path, "entry", base->after_name, nearest.best);
        return false;
}

static bool never_ends(const struct method_spec *entry)
{
        if (entry->kind != METHOD_FAULT || entry->fault == NULL)
                return false;
        return entry->timing == TIMING_RATE || entry->timing == TIMING_MONKEY ||
               (entry->timing == TIMING_REPEAT && entry->repeat_count == 0) ||
               (!entry->has_duration && !entry->fault->instant);
}

/* The entries that `base` waits for, as pointers; reports those that never end. */
static const struct method_spec *const *waited_for(struct reader *reader, struct base *base,
                                                   const char *path)
{
        const struct method_spec **list;

        if (base->after_name != NULL && !find_named(reader, base))
                return NULL;
        list = ARENA_ARRAY(reader->ctx->session->arena, const struct method_spec *, base->count + 1u);
        for (uint32_t i = 0; list != NULL && i < base->count; i++) {
                list[i] = &reader->entries[base->first + i];
                if (never_ends(list[i]) && list[i]->name != NULL)
                        read_error(reader->ctx, base->after_path != NULL ? base->after_path : path,
                                   "'%s' goes on until the end of the run: nothing comes after it",
                                   list[i]->name);
        }
        return list;
}

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

/* Depth first; an entry that is met while it is open waits for itself. */
static bool is_cycle(const struct reader *reader, struct method_spec *entry, unsigned char *marks)
{
        bool cycle = false;

        if (marks[entry->ordinal] != MARK_NEW)
                return marks[entry->ordinal] == MARK_OPEN;
        marks[entry->ordinal] = MARK_OPEN;
        for (uint32_t i = 0; i < entry->after_count && !cycle; i++) {
                struct method_spec *before = &reader->entries[entry->after[i]->ordinal];

                cycle = is_cycle(reader, before, marks);
                entry->coupled = entry->coupled || before->coupled;
        }
        marks[entry->ordinal] = MARK_DONE;
        return cycle;
}

static void check_order(struct reader *reader)
{
        unsigned char *marks =
                ARENA_ARRAY(reader->ctx->session->arena, unsigned char, reader->count + 1u);

        for (uint32_t i = 0; marks != NULL && i < reader->count; i++) {
                struct method_spec *entry = &reader->entries[i];

                if (is_cycle(reader, entry, marks)) {
                        read_error(reader->ctx, entry->path, "it waits for itself to end");
                        return;
                }
                if (entry->kind == METHOD_PROBE && entry->coupled)
                        read_error(reader->ctx, entry->path,
                                   "a probe cannot come after an entry with 'when': it may never be");
        }
}

static void settle_order(struct reader *reader)
{
        for (uint32_t i = 0; i < reader->count; i++) {
                struct method_spec *entry = &reader->entries[i];

                if ((entry->after = waited_for(reader, &reader->bases[i], entry->path)) != NULL)
                        entry->after_count = reader->bases[i].count;
        }
        for (uint32_t i = 0; i < reader->monkey_count; i++) {
                struct monkey_spec *monkey = &reader->monkeys[i];

                if ((monkey->after = waited_for(reader, &reader->monkey_bases[i],
                                                reader->monkey_bases[i].path)) != NULL)
                        monkey->after_count = reader->monkey_bases[i].count;
        }
        check_order(reader);
        for (uint32_t i = 0; i < reader->monkey_count; i++) {
                const struct base *base = &reader->monkey_bases[i];

                for (uint32_t k = 0; k < reader->monkeys[i].after_count; k++)
                        if (reader->monkeys[i].after[k]->coupled)
                                read_error(reader->ctx, base->after_path != NULL ? base->after_path : base->path,
                                           "a monkey cannot come after an entry with 'when'");
        }
}

/* All of it --------------------------------------------------------------------- */

/* Most entries that the values can become. */
static size_t count_entries(const json_t *json)
{
        const json_t *members = json_object_get(json, "parallel");
        const json_t *monkey = json_object_get(json, "monkey");
        size_t count = 0, targets;

        if (json_is_object(monkey)) {
                targets = json_array_size(json_object_get(monkey, "targets"));
                return json_array_size(json_object_get(monkey, "faults")) * (targets > 0 ? targets : 1);
        }
        if (!json_is_array(members))
                members = json_object_get(json, "serial");
        if (!json_is_array(members))
                return 1;
        for (size_t i = 0; i < json_array_size(members); i++)
                count += count_entries(json_array_get(members, i));
        return count;
}

/* Groups and monkeys in it. */
static size_t count_knots(const json_t *json)
{
        const json_t *members = json_object_get(json, "parallel");
        size_t count = 1;

        if (!json_is_array(members))
                members = json_object_get(json, "serial");
        for (size_t i = 0; i < json_array_size(members); i++)
                count += count_knots(json_array_get(members, i));
        return count;
}

static bool reader_begin(struct reader *reader, const json_t *list)
{
        struct arena *arena = reader->ctx->session->arena;
        size_t entries = 0, knots = 0;

        for (size_t i = 0; i < json_array_size(list); i++) {
                entries += count_entries(json_array_get(list, i));
                knots += count_knots(json_array_get(list, i));
        }
        if (entries > METHOD_MAX) {
                read_error(reader->ctx, "method", "more than %d entries, all groups and choices of "
                           "monkeys counted", METHOD_MAX);
                return false;
        }
        reader->room = (uint32_t)entries;
        reader->group_room = reader->monkey_room = (uint32_t)knots;
        reader->entries = ARENA_ARRAY(arena, struct method_spec, entries + 1);
        reader->bases = ARENA_ARRAY(arena, struct base, entries + 1);
        reader->groups = ARENA_ARRAY(arena, struct named_group, knots + 1);
        reader->monkeys = ARENA_ARRAY(arena, struct monkey_spec, knots + 1);
        reader->monkey_bases = ARENA_ARRAY(arena, struct base, knots + 1);
        return reader->entries != NULL && reader->bases != NULL && reader->groups != NULL &&
               reader->monkeys != NULL && reader->monkey_bases != NULL;
}

/* Groups and monkeys bear names as entries do. */
static void check_group_names(const struct reader *reader)
{
        for (uint32_t i = 0; i < reader->group_count; i++) {
                const char *name = reader->groups[i].group->name;
                bool taken = name_is_taken(reader->entries, reader->count, name);

                for (uint32_t k = 0; k < i; k++)
                        taken = taken || strcmp(reader->groups[k].group->name, name) == 0;
                for (uint32_t k = 0; k < reader->monkey_count; k++)
                        taken = taken || strcmp(reader->monkeys[k].name, name) == 0;
                if (taken)
                        read_error(reader->ctx, reader->groups[i].path,
                                   "a second entry or group named '%s'", name);
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
        struct reader reader = {.ctx = scenario->ctx, .scenario = out};
        struct arena *arena = scenario->ctx->session->arena;

        if (list == NULL || !reader_begin(&reader, list))
                return;
        for (size_t i = 0; i < json_array_size(list); i++)
                load_entry(&reader, json_array_get(list, i),
                           json_path_index(arena, read_path(scenario, "method"), i), NULL,
                           (struct base){0});
        settle_order(&reader);
        check_group_names(&reader);
        out->method = out->all = reader.entries;
        out->method_count = out->all_count = reader.count;
        for (size_t i = 0; i < out->method_count; i++)
                check_named_entries(reader.ctx, reader.entries[i].path, out, i);
        out->monkeys = reader.monkeys;
        out->monkey_count = reader.monkey_count;
}
