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

static const char *const target_later[] = {"random", "of", "exclude", NULL};

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
static bool is_healer_line(const struct read_object *o)
{
        const char *from = json_string_value(json_object_get(o->json, "from"));
        const char *to = json_string_value(json_object_get(o->json, "to"));

        return (from != NULL && strcmp(from, "healer") == 0) ||
               (to != NULL && strcmp(to, "healer") == 0);
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

/* "instances ({service, ...}), an edge ({from, to})": what the kind takes. */
static void describe_targets(const struct fault_ops *fault, char *buffer, size_t size)
{
        static const struct {
                uint32_t kind;
                const char *text;
        } rows[] = {
                {FAULT_TARGET_INSTANCES, "instances {service, zone, instances}"},
                {FAULT_TARGET_EDGE, "an edge {from, to}"},
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
static uint32_t kind_of_keys(const struct read_object *o, const struct fault_ops *fault)
{
        if (is_healer_line(o) && ((fault->targets & FAULT_TARGET_HEALER) || !(fault->targets & FAULT_TARGET_EDGE)))
                return FAULT_TARGET_HEALER;
        if (read_has(o, "from") || read_has(o, "to"))
                return FAULT_TARGET_EDGE;
        if (read_has(o, "load"))
                return FAULT_TARGET_LOAD;
        if (read_has(o, "zone") && !read_has(o, "service"))
                return FAULT_TARGET_ZONE;
        return (fault->targets & FAULT_TARGET_SERVICE) != 0 ? FAULT_TARGET_SERVICE
                                                            : FAULT_TARGET_INSTANCES;
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
        read_refuse_keys(&o, target_later);
        if (read_has(&o, "random"))
                return;
        kind = kind_of_keys(&o, fault);
        if ((fault->targets & kind) == 0) {
                describe_targets(fault, takes, sizeof(takes));
                read_error(ctx, path, "'%s' takes %s", fault->name, takes);
                return;
        }
        switch (kind) {
        case FAULT_TARGET_EDGE:
                read_edge_target(&o, fleet, out);
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
