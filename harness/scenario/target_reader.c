/* target_reader.c - what a fault is aimed at.
 *
 * The keys that are there tell the kind of target; the fault's row tells which
 * kinds it takes. A target that would be empty is refused here, when the fleet
 * as declared already shows it.
 */
#include "harness/scenario/loader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"

enum { SETS_MAX = 1000 };

/* Instances of the service in the zone (or in all). */
static uint32_t instances_there(const struct fleet_spec *fleet, const struct target_spec *target)
{
        const struct service_spec *service = &fleet->services[target->service];
        uint32_t count = 0;

        if (target->zone == FLEET_NO_INDEX || service->zone_count == 0)
                return service->instance_count;
        for (uint32_t i = 0; i < service->instance_count; i++)
                count += service->zones[i % service->zone_count] == target->zone;
        return count;
}

static int compare_index(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static void read_index_list(struct read_object *o, const json_t *json, const char *path,
                            uint32_t there, struct target_spec *out)
{
        struct arena *arena = o->ctx->session->arena;
        size_t count = json_array_size(json);
        uint32_t *list = ARENA_ARRAY(arena, uint32_t, count);

        if (count == 0 || count > there) {
                read_error(o->ctx, path,
                           count == 0 ? "the list is empty" : "more instances than there are");
                return;
        }
        if (out->zone != FLEET_NO_INDEX) {
                read_error(o->ctx, path, "a list of instances goes without 'zone'");
                return;
        }
        for (size_t i = 0; list != NULL && i < count; i++)
                if (!read_count_at(o->ctx, json_array_get(json, i), json_path_index(arena, path, i),
                                   0, there - 1, &list[i]))
                        return;
        if (list == NULL)
                return;
        qsort(list, count, sizeof(*list), compare_index);
        for (size_t i = 1; i < count; i++)
                if (list[i] == list[i - 1]) {
                        read_error(o->ctx, path, "instance %u is there twice", list[i]);
                        return;
                }
        out->pick = PICK_LIST;
        out->list = list;
        out->list_count = (uint32_t)count;
}

/* A count, "30%", "one", "all" or a list of indices. */
static void read_instances(struct read_object *o, uint32_t there, struct target_spec *out)
{
        const json_t *json = read_any(o, "instances", READ_OPTIONAL);
        const char *path = read_path(o, "instances"), *text = json_string_value(json);

        out->pick = PICK_ALL;
        if (json == NULL || (text != NULL && strcmp(text, "all") == 0))
                return;
        if (json_is_array(json)) {
                read_index_list(o, json, path, there, out);
        } else if (text != NULL && strcmp(text, "one") == 0) {
                out->pick = PICK_COUNT;
                out->count = 1;
        } else if (text != NULL && strchr(text, '%') == NULL) {
                char excerpt[DIAG_EXCERPT_SIZE], hint[64];
                const char *best = nearest_of(text, (const char *const[]){"one", "all", NULL});

                read_error(o->ctx, path,
                           "'%s' is no count, percentage, \"one\", \"all\" or list of indices%s",
                           diag_excerpt(excerpt, text), nearest_hint(hint, sizeof(hint), best));
        } else if (text != NULL) {
                out->pick = PICK_SHARE;
                if (read_ratio_at(o->ctx, json, path, 0, 1, &out->share) && out->share == 0)
                        read_error(o->ctx, path, "an empty target");
        } else if (json_is_integer(json) && json_integer_value(json) == 0) {
                read_error(o->ctx, path, "an empty target");
        } else if (read_count_at(o->ctx, json, path, 1, there, &out->count)) {
                out->pick = PICK_COUNT;
        }
}

static void read_instance_target(struct read_object *o, const struct fleet_spec *fleet,
                                 struct target_spec *out)
{
        bool has_service = read_service(o, "service", READ_REQUIRED, fleet, &out->service);
        bool zone_is_right = !read_has(o, "zone");
        uint32_t there = UINT32_MAX;

        out->kind = TARGET_INSTANCES;
        if (!zone_is_right)
                zone_is_right = read_zone(o, "zone", READ_OPTIONAL, fleet, &out->zone);
        if (has_service && zone_is_right)
                there = instances_there(fleet, out);
        if (there == 0)
                read_error(o->ctx, read_path(o, "zone"),
                           "service '%s' has no instance in zone '%s'",
                           fleet->services[out->service].name, fleet->zones[out->zone].name);
        else
                read_instances(o, there, out);
}

static bool has_load(const struct fleet_spec *fleet, uint32_t service)
{
        for (uint32_t i = 0; i < fleet->load_count; i++)
                if (fleet->loads[i].to == service)
                        return true;
        return false;
}

static void read_whole_service(struct read_object *o, const struct fault_ops *fault,
                               const struct fleet_spec *fleet, struct target_spec *out)
{
        out->kind = TARGET_SERVICE;
        if (!read_service(o, "service", READ_REQUIRED, fleet, &out->service))
                return;
        if (fault->lives_in == LAYER_CLIENT && fleet->load_count > 0 &&
            !has_load(fleet, out->service))
                read_error(o->ctx, read_path(o, "service"), "no load source calls '%s'",
                           fleet->services[out->service].name);
}

static void read_edge_target(struct read_object *o, const struct fleet_spec *fleet,
                             struct target_spec *out)
{
        struct nearest nearest;
        uint32_t from = 0, to = 0;
        bool has_from = read_service(o, "from", READ_REQUIRED, fleet, &from);
        bool has_to = read_service(o, "to", READ_REQUIRED, fleet, &to);
        char name[160], hint[192];

        out->kind = TARGET_EDGE;
        if (!has_from || !has_to)
                return;
        snprintf(name, sizeof(name), "%s->%s", fleet->services[from].name,
                 fleet->services[to].name);
        for (uint32_t i = 0; i < fleet->edge_count; i++)
                if (fleet->edges[i].from == from && fleet->edges[i].to == to) {
                        out->edge = i;
                        return;
                }
        nearest_begin(&nearest, name);
        for (uint32_t i = 0; i < fleet->edge_count && !read_is_full(o->ctx); i++)
                if (fleet->edges[i].name != NULL)
                        nearest_offer(&nearest, fleet->edges[i].name);
        read_error(o->ctx, o->path, "'%s' does not call '%s'%s", fleet->services[from].name,
                   fleet->services[to].name, nearest_hint(hint, sizeof(hint), nearest.best));
}

/* {from: healer, to: fleet} or the other way round. */
static bool is_healer_line(const json_t *json)
{
        const char *from = json_string_value(json_object_get(json, "from"));
        const char *to = json_string_value(json_object_get(json, "to"));

        return (from != NULL && strcmp(from, "healer") == 0) ||
               (to != NULL && strcmp(to, "healer") == 0);
}

/* {from, to} where both are zones and not both services. */
static bool is_zone_line(const json_t *json, const struct fleet_spec *fleet)
{
        const char *from = json_string_value(json_object_get(json, "from"));
        const char *to = json_string_value(json_object_get(json, "to"));

        return fleet != NULL && from != NULL && to != NULL && find_zone(fleet, from) != FLEET_NO_INDEX &&
               find_zone(fleet, to) != FLEET_NO_INDEX &&
               (find_service(fleet, from) == FLEET_NO_INDEX ||
                find_service(fleet, to) == FLEET_NO_INDEX);
}

static void read_zones_target(struct read_object *o, const struct fleet_spec *fleet,
                              struct target_spec *out)
{
        out->kind = TARGET_ZONES;
        if (read_zone(o, "from", READ_REQUIRED, fleet, &out->zone) &&
            read_zone(o, "to", READ_REQUIRED, fleet, &out->to_zone) && out->zone == out->to_zone)
                read_error(o->ctx, read_path(o, "to"), "a zone has no line to itself");
}

static void read_healer_target(struct read_object *o, struct target_spec *out)
{
        const char *from = "", *to = "";

        out->kind = TARGET_HEALER;
        if (!read_text(o, "from", READ_REQUIRED, &from) || !read_text(o, "to", READ_REQUIRED, &to))
                return;
        out->from_fleet = strcmp(to, "healer") == 0;
        if (strcmp(out->from_fleet ? from : to, "fleet") != 0)
                read_error(o->ctx, read_path(o, out->from_fleet ? "from" : "to"),
                           "the other end of a line to the healer is \"fleet\"");
}

static void read_load_target(struct read_object *o, const struct fleet_spec *fleet,
                             struct target_spec *out)
{
        struct nearest nearest;
        const char *name;

        out->kind = TARGET_LOAD;
        if (!read_text(o, "load", READ_REQUIRED, &name))
                return;
        nearest_begin(&nearest, name);
        for (uint32_t i = 0; i < fleet->load_count && !read_is_full(o->ctx); i++) {
                if (fleet->loads[i].name != NULL && strcmp(fleet->loads[i].name, name) == 0) {
                        out->load = i;
                        return;
                }
                if (fleet->loads[i].name != NULL)
                        nearest_offer(&nearest, fleet->loads[i].name);
        }
        read_unknown_name(o->ctx, read_path(o, "load"), "load", name, nearest.best);
}

/* Random instances ------------------------------------------------------------- */

/* All instances of the fleet, which of them are meant. */
struct place_set {
        const struct fleet_spec *fleet;
        bool *on;            /* by service, then place */
        const uint32_t *first; /* of each service */
        uint32_t count;
};

static bool set_begin(struct read_context *ctx, const char *path, const struct fleet_spec *fleet,
                      struct place_set *set)
{
        struct arena *arena = ctx->session->arena;
        uint32_t *first = ARENA_ARRAY(arena, uint32_t, fleet->service_count + 1);

        *set = (struct place_set){.fleet = fleet, .first = first};
        for (uint32_t i = 0; first != NULL && i < fleet->service_count; i++) {
                first[i] = set->count;
                set->count += fleet->services[i].instance_count;
        }
        /* Each such target lists its instances, so all of them together are bounded. */
        if (set->count > ctx->session->elements_left) {
                read_error(ctx, path, "more random targets than can be held for this fleet");
                return false;
        }
        ctx->session->elements_left -= set->count;
        set->on = ARENA_ARRAY(arena, bool, set->count + 1);
        return first != NULL && set->on != NULL;
}

static void set_service(struct place_set *set, const struct target_spec *target, bool on)
{
        const struct service_spec *service = &set->fleet->services[target->service];

        for (uint32_t place = 0; place < service->instance_count; place++) {
                bool meant = target->pick != PICK_LIST;

                for (uint32_t i = 0; !meant && i < target->list_count; i++)
                        meant = target->list[i] == place;
                if (meant && (target->zone == FLEET_NO_INDEX || service->zone_count == 0 ||
                              service->zones[place % service->zone_count] == target->zone))
                        set->on[set->first[target->service] + place] = on;
        }
}

static void set_fill(struct place_set *set, uint32_t zone, bool on)
{
        for (uint32_t i = 0; i < set->fleet->service_count; i++)
                set_service(set, &(struct target_spec){.service = i, .zone = zone, .pick = PICK_ALL},
                            on);
}

/* The name of a service, or {service, zone, instances: [..]}; {} is everything. */
static void read_set(struct read_context *ctx, const json_t *json, const char *path,
                     struct place_set *set, bool on)
{
        struct target_spec target = {.zone = FLEET_NO_INDEX, .service = FLEET_NO_INDEX};
        struct read_object o;
        json_t *wrapped = NULL;

        if (json_is_string(json))
                json = wrapped = json_pack("{s:s}", "service", json_string_value(json));
        if (read_object_begin(ctx, json, path, &o)) {
                bool known = !read_has(&o, "service") ||
                             read_service(&o, "service", READ_OPTIONAL, set->fleet, &target.service);
                bool in_zone = !read_has(&o, "zone") ||
                               read_zone(&o, "zone", READ_OPTIONAL, set->fleet, &target.zone);

                if (known && in_zone && target.service == FLEET_NO_INDEX) {
                        set_fill(set, target.zone, on);
                } else if (known && in_zone) {
                        const json_t *list = read_any(&o, "instances", READ_OPTIONAL);

                        target.pick = PICK_ALL;
                        if (json_is_array(list))
                                read_index_list(&o, list, read_path(&o, "instances"),
                                                set->fleet->services[target.service].instance_count,
                                                &target);
                        else if (list != NULL)
                                read_wrong_type(ctx, read_path(&o, "instances"), list,
                                                "a list of indices");
                        set_service(set, &target, on);
                }
                read_any(&o, "service", READ_OPTIONAL);
                read_any(&o, "instances", READ_OPTIONAL);
                read_object_end(&o);
        }
        json_decref(wrapped);
}

/* One of them, or a list. */
static void read_sets(struct read_object *o, const char *key, struct place_set *set, bool on)
{
        const json_t *json = read_any(o, key, READ_OPTIONAL);
        const char *path = read_path(o, key);

        if (json == NULL) {
                if (on)
                        set_fill(set, FLEET_NO_INDEX, true);
                return;
        }
        if (!json_is_array(json)) {
                read_set(o->ctx, json, path, set, on);
                return;
        }
        if (json_array_size(json) > SETS_MAX)
                read_error(o->ctx, path, "more than %d of them", SETS_MAX);
        for (size_t i = 0; i < json_array_size(json) && i < SETS_MAX; i++)
                read_set(o->ctx, json_array_get(json, i),
                         json_path_index(o->ctx->session->arena, path, i), set, on);
}

static bool set_take(struct arena *arena, const struct place_set *set, struct target_spec *out)
{
        struct target_place *places = ARENA_ARRAY(arena, struct target_place, set->count + 1);

        if (places == NULL)
                return false;
        out->drawn_from_count = 0;
        for (uint32_t i = 0; i < set->fleet->service_count; i++)
                for (uint32_t k = 0; k < set->fleet->services[i].instance_count; k++)
                        if (set->on[set->first[i] + k])
                                places[out->drawn_from_count++] = (struct target_place){i, k};
        out->drawn_from = places;
        return true;
}

/* {"random": N, "of": {...}, "exclude": [...]} */
static void read_random_target(struct read_object *o, const struct fleet_spec *fleet,
                               struct target_spec *out)
{
        struct arena *arena = o->ctx->session->arena;
        size_t before = diag_total(o->ctx->session->diags);
        struct place_set set;
        bool counted;

        out->kind = TARGET_RANDOM;
        out->pick = PICK_COUNT;
        counted = read_count(o, "random", READ_REQUIRED, 1, UINT32_MAX, &out->count);
        if (!set_begin(o->ctx, o->path, fleet, &set))
                return;
        read_sets(o, "of", &set, true);
        read_sets(o, "exclude", &set, false);
        if (!set_take(arena, &set, out) || diag_total(o->ctx->session->diags) > before ||
            fleet->service_count == 0)
                return;
        if (out->drawn_from_count == 0)
                read_error(o->ctx, o->path, "an empty target: no instance is left to draw from");
        else if (counted && out->count > out->drawn_from_count)
                read_error(o->ctx, read_path(o, "random"), "%u of %u instances cannot be drawn",
                           out->count, out->drawn_from_count);
}

void load_any_instance(struct read_context *ctx, const char *path, const struct fleet_spec *fleet,
                       const struct fault_ops *fault, struct target_spec *out)
{
        struct place_set set;

        if ((fault->targets & FAULT_TARGET_INSTANCES) == 0)
                return;
        out->kind = TARGET_RANDOM;
        out->pick = PICK_COUNT;
        out->count = 1;
        if (!set_begin(ctx, "method", fleet, &set))
                return;
        for (uint32_t i = 0; i < fleet->service_count; i++)
                if (service_has_what_it_needs(fault, fleet, i))
                        set_service(&set, &(struct target_spec){.service = i, .zone = FLEET_NO_INDEX, .pick = PICK_ALL},
                                    true);
        if (set_take(ctx->session->arena, &set, out) && out->drawn_from_count == 0 && fleet->service_count > 0)
                read_error(ctx, path, "no service has what '%s' acts on", fault->name);
}

/* "instances ({service, ...}), an edge ({from, to})": what the kind takes. */
static void describe_targets(const struct fault_ops *fault, char *buffer, size_t size)
{
        static const struct {
                uint32_t kind;
                const char *text;
        } rows[] = {
                {FAULT_TARGET_INSTANCES, "instances {service, zone, instances}"},
                {FAULT_TARGET_EDGE, "an edge {from, to}"},
                {FAULT_TARGET_ZONES, "two zones {from, to}"},
                {FAULT_TARGET_HEALER, "the line {from: healer, to: fleet}"},
                {FAULT_TARGET_LOAD, "a load source {load}"},
                {FAULT_TARGET_ZONE, "a zone {zone}"},
                {FAULT_TARGET_SERVICE, "a service {service}"},
                {FAULT_TARGET_NONE, "no target"},
        };
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && used < size; i++)
                if ((fault->targets & rows[i].kind) != 0)
                        used += (size_t)snprintf(buffer + used, size - used, "%s%s",
                                                 used > 0 ? " or " : "", rows[i].text);
}

/* The kind that the keys show; when they show none, the instances of a service,
 * or the service where the fault takes it as a whole. */
static uint32_t kind_of_keys(const json_t *json, const struct fault_ops *fault,
                             const struct fleet_spec *fleet)
{
        if (json_object_get(json, "random") != NULL)
                return FAULT_TARGET_INSTANCES;
        if (is_healer_line(json) &&
            ((fault->targets & FAULT_TARGET_HEALER) || !(fault->targets & FAULT_TARGET_EDGE)))
                return FAULT_TARGET_HEALER;
        if (is_zone_line(json, fleet))
                return FAULT_TARGET_ZONES;
        if ((json_object_get(json, "from") != NULL) || (json_object_get(json, "to") != NULL))
                return FAULT_TARGET_EDGE;
        if ((json_object_get(json, "load") != NULL))
                return FAULT_TARGET_LOAD;
        if ((json_object_get(json, "zone") != NULL) && !(json_object_get(json, "service") != NULL))
                return FAULT_TARGET_ZONE;
        return (fault->targets & FAULT_TARGET_SERVICE) != 0 ? FAULT_TARGET_SERVICE
                                                            : FAULT_TARGET_INSTANCES;
}

bool target_fits(const json_t *json, const struct fault_ops *fault)
{
        json_t *service = json_is_string(json) ? json_object() : NULL;
        bool fits;

        if (service != NULL)
                json_object_set_new(service, "service", json_string(json_string_value(json)));
        if (json == NULL)
                fits = (fault->targets & (FAULT_TARGET_NONE | FAULT_TARGET_INSTANCES)) != 0;
        else
                fits = (fault->targets & kind_of_keys(service != NULL ? service : json, fault, NULL)) != 0;
        json_decref(service);
        return fits;
}

/* What the kind acts on has to be there. */
static void check_needs(struct read_object *o, const struct fault_ops *fault,
                        const struct fleet_spec *fleet, const struct target_spec *target)
{
        const struct service_spec *service;
        const char *key = NULL;

        if (fault->needs == FAULT_NEEDS_NOTHING || target->service >= fleet->service_count ||
            (target->kind != TARGET_INSTANCES && target->kind != TARGET_SERVICE))
                return;
        service = &fleet->services[target->service];
        if (fault->needs == FAULT_NEEDS_DISK && service->disk.size_bytes == 0)
                key = "disk";
        else if (fault->needs == FAULT_NEEDS_QUOTA && service->quota.limit == 0)
                key = "quota";
        else if (fault->needs == FAULT_NEEDS_AUTOSCALER && !service->autoscaler.present)
                key = "autoscaler";
        else if (fault->needs == FAULT_NEEDS_FEATURES && service->feature_count == 0)
                key = "features";
        else if (fault->needs == FAULT_NEEDS_HEALTH_CHECK && service->health_check.period_ns == 0)
                key = "health_check";
        if (key != NULL && service->name != NULL)
                read_error(o->ctx, read_path(o, "service"), "'%s' needs a service with a '%s', and '%s' has none",
                           fault->name, key, service->name);
}

void load_target(struct read_context *ctx, const json_t *json, const char *path,
                 const struct fault_ops *fault, const struct fleet_spec *fleet,
                 struct target_spec *out)
{
        struct read_object o;
        char takes[200];
        uint32_t kind;

        *out = (struct target_spec){.kind = TARGET_NONE, .zone = FLEET_NO_INDEX};
        if (!read_object_begin(ctx, json, path, &o))
                return;
        kind = kind_of_keys(json, fault, fleet);
        if ((fault->targets & kind) == 0) {
                describe_targets(fault, takes, sizeof(takes));
                read_error(ctx, path, "'%s' takes %s", fault->name, takes);
                return;
        }
        if (read_has(&o, "random")) {
                read_random_target(&o, fleet, out);
                check_fault_needs(ctx, path, fault, fleet, out);
                read_object_end(&o);
                return;
        }
        switch (kind) {
        case FAULT_TARGET_EDGE:
                read_edge_target(&o, fleet, out);
                break;
        case FAULT_TARGET_ZONES:
                read_zones_target(&o, fleet, out);
                break;
        case FAULT_TARGET_HEALER:
                read_healer_target(&o, out);
                break;
        case FAULT_TARGET_LOAD:
                read_load_target(&o, fleet, out);
                break;
        case FAULT_TARGET_SERVICE:
                read_whole_service(&o, fault, fleet, out);
                break;
        case FAULT_TARGET_ZONE:
                out->kind = TARGET_ZONE;
                read_zone(&o, "zone", READ_REQUIRED, fleet, &out->zone);
                break;
        default:
                read_instance_target(&o, fleet, out);
        }
        if (!read_failed(ctx->session))
                check_needs(&o, fault, fleet, out);
        check_fault_needs(ctx, path, fault, fleet, out);
        read_object_end(&o);
}
