/* safety_reader.c - what ends a run early, and what a scenario may not do.
 *
 * A violation of `safety` is reported at the entry that does it, before anything
 * runs. What depends on chance (how many faults of a rate are in force at once)
 * is not known here: run/plan_safety.c looks at the plans of all replications.
 */
#include "harness/scenario/loader.h"

#include <math.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/sim/time.h"

enum { STOPS_MAX = 100, NAMES_MAX = 1000 };

/* Stop conditions ------------------------------------------------------------- */

static void load_stop(struct read_context *ctx, const json_t *json, const char *path,
                      const struct fleet_spec *fleet, struct stop_spec *out)
{
        struct read_object o;

        if (!read_object_begin(ctx, json, path, &o))
                return;
        load_probe_keys(&o, fleet, &out->probe);
        read_duration(&o, "for", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS, &out->for_ns);
        read_object_end(&o);
}

void load_stop_conditions(struct read_object *scenario, struct scenario *out)
{
        const json_t *list = read_list(scenario, "stop_conditions", READ_OPTIONAL, STOPS_MAX);
        struct arena *arena = scenario->ctx->session->arena;
        struct stop_spec *stops = ARENA_ARRAY(arena, struct stop_spec, json_array_size(list) + 1);

        if (list == NULL || stops == NULL)
                return;
        out->stops = stops;
        out->stop_count = json_array_size(list);
        for (size_t i = 0; i < out->stop_count; i++) {
                const char *path =
                        json_path_index(arena, read_path(scenario, "stop_conditions"), i);

                load_stop(scenario->ctx, json_array_get(list, i), path, &out->fleet, &stops[i]);
                for (size_t k = 0; k < i && stops[i].probe.name != NULL; k++)
                        if (stops[k].probe.name != NULL &&
                            strcmp(stops[k].probe.name, stops[i].probe.name) == 0)
                                read_error(scenario->ctx, path,
                                           "a second stop condition named '%s'",
                                           stops[i].probe.name);
        }
}

/* Safety ------------------------------------------------------------------------ */

const char *const safety_profiles[] = {"development", "production", NULL};

struct guard {
        struct read_context *ctx;
        const struct scenario *scenario;
        bool *shielded; /* by service */
        struct safety_spec *spec;
};

static void read_allowed(struct read_object *o, struct guard *guard)
{
        struct safety_spec *spec = guard->spec;

        spec->has_allowed_faults = read_texts(o, "allowed_faults", READ_OPTIONAL, NAMES_MAX,
                                              &spec->allowed_faults, &spec->allowed_fault_count);
        for (size_t i = 0; i < spec->allowed_fault_count; i++) {
                struct nearest nearest;

                if (fault_find(spec->allowed_faults[i]) != NULL)
                        continue;
                nearest_begin(&nearest, spec->allowed_faults[i]);
                for (size_t k = 0; k < fault_catalogue_count; k++)
                        nearest_offer(&nearest, fault_catalogue[k]->name);
                read_unknown_name(
                        o->ctx,
                        json_path_index(o->ctx->session->arena, read_path(o, "allowed_faults"), i),
                        "fault", spec->allowed_faults[i], nearest.best);
        }
}

static void read_protected(struct read_object *o, struct guard *guard)
{
        const struct fleet_spec *fleet = &guard->scenario->fleet;
        const char *const *names;
        size_t count;

        if (!read_texts(o, "protected", READ_OPTIONAL, NAMES_MAX, &names, &count) ||
            fleet->service_count == 0)
                return;
        guard->spec->protected_services = names;
        guard->spec->protected_count = count;
        for (size_t i = 0; i < count; i++) {
                uint32_t service = find_service(fleet, names[i]);
                struct nearest nearest;

                if (service != FLEET_NO_INDEX) {
                        guard->shielded[service] = true;
                        continue;
                }
                nearest_begin(&nearest, names[i]);
                for (uint32_t k = 0; k < fleet->service_count; k++)
                        if (fleet->services[k].name != NULL)
                                nearest_offer(&nearest, fleet->services[k].name);
                read_unknown_name(
                        o->ctx,
                        json_path_index(o->ctx->session->arena, read_path(o, "protected"), i),
                        "service", names[i], nearest.best);
        }
}

static bool is_allowed(const struct guard *guard, const struct fault_ops *fault)
{
        for (size_t i = 0; i < guard->spec->allowed_fault_count; i++)
                if (strcmp(guard->spec->allowed_faults[i], fault->name) == 0)
                        return true;
        return !guard->spec->has_allowed_faults;
}

static bool in_zone(const struct service_spec *service, uint32_t place, uint32_t zone)
{
        return zone == FLEET_NO_INDEX || service->zone_count == 0 ||
               service->zones[place % service->zone_count] == zone;
}

static uint32_t count_in_zone(const struct service_spec *service, uint32_t zone)
{
        uint32_t count = 0;

        for (uint32_t place = 0; place < service->instance_count; place++)
                count += in_zone(service, place, zone);
        return count;
}

/* A protected service that the target touches, or FLEET_NO_INDEX. */
static uint32_t shielded_by(const struct guard *guard, const struct target_spec *target)
{
        const struct fleet_spec *fleet = &guard->scenario->fleet;

        for (uint32_t i = 0; i < fleet->service_count; i++) {
                bool touched = false;

                if (!guard->shielded[i])
                        continue;
                switch (target->kind) {
                case TARGET_INSTANCES:
                case TARGET_SERVICE:
                        touched = target->service == i;
                        break;
                case TARGET_EDGE:
                        touched = fleet->edges[target->edge].from == i ||
                                  fleet->edges[target->edge].to == i;
                        break;
                case TARGET_LOAD:
                        touched = fleet->loads[target->load].to == i;
                        break;
                case TARGET_ZONE:
                        touched = count_in_zone(&fleet->services[i], target->zone) > 0;
                        break;
                case TARGET_RANDOM:
                        for (uint32_t k = 0; k < target->drawn_from_count; k++)
                                touched = touched || target->drawn_from[k].service == i;
                        break;
                default:
                        break;
                }
                if (touched)
                        return i;
        }
        return FLEET_NO_INDEX;
}

/* Instances that the entry takes; an edge, a load source or the like is one. */
static uint32_t instances_taken(const struct fleet_spec *fleet, const struct target_spec *target)
{
        uint32_t there = 0;

        switch (target->kind) {
        case TARGET_RANDOM:
                return target->count;
        case TARGET_SERVICE:
                return fleet->services[target->service].instance_count;
        case TARGET_ZONE:
                for (uint32_t i = 0; i < fleet->service_count; i++)
                        there += count_in_zone(&fleet->services[i], target->zone);
                return there;
        case TARGET_INSTANCES:
                there = count_in_zone(&fleet->services[target->service], target->zone);
                if (target->pick == PICK_COUNT)
                        return target->count < there ? target->count : there;
                if (target->pick == PICK_LIST)
                        return target->list_count;
                if (target->pick == PICK_SHARE) {
                        double wanted = ceil(target->share * there - 1e-9);

                        return wanted < 1 ? 1 : (uint32_t)wanted;
                }
                return there;
        case TARGET_EDGE:
        case TARGET_LOAD:
                return 1;
        default:
                return 0;
        }
}

static void check_entry(const struct guard *guard, const struct method_spec *entry)
{
        const struct fault_ops *fault = entry->fault;
        uint32_t shielded, taken;

        if (entry->kind != METHOD_FAULT || fault == NULL)
                return;
        if (guard->spec->safe_mode && (fault->destructive || fault->lives_in == LAYER_HEALER))
                read_error(guard->ctx, entry->path, "safety: safe_mode refuses '%s'", fault->name);
        if (!is_allowed(guard, fault))
                read_error(guard->ctx, entry->path, "safety: '%s' is not one of allowed_faults",
                           fault->name);
        shielded = shielded_by(guard, &entry->target);
        if (shielded != FLEET_NO_INDEX)
                read_error(guard->ctx, entry->path, "safety: '%s' is protected",
                           guard->scenario->fleet.services[shielded].name);
        taken = instances_taken(&guard->scenario->fleet, &entry->target);
        if (taken > guard->spec->max_targets)
                read_error(guard->ctx, entry->path,
                           "safety: it takes %u targets, and max_targets is %u", taken,
                           guard->spec->max_targets);
}

void load_safety(struct read_object *scenario, struct scenario *out)
{
        struct arena *arena = scenario->ctx->session->arena;
        struct guard guard = {.ctx = scenario->ctx, .scenario = out, .spec = &out->safety};
        struct read_object o;
        size_t before = diag_total(scenario->ctx->session->diags);

        out->safety.max_targets = out->safety.max_concurrent_faults = UINT32_MAX;
        guard.shielded = ARENA_ARRAY(arena, bool, out->fleet.service_count + 1);
        if (guard.shielded == NULL || !read_child_begin(scenario, "safety", READ_OPTIONAL, &o))
                return;
        if (o.ctx->doc != NULL)
                json_doc_locate(o.ctx->doc, o.path, JSON_DOC_VALUE, &out->safety.line,
                                &out->safety.column);
        read_bool(&o, "safe_mode", READ_OPTIONAL, &out->safety.safe_mode);
        read_choice(&o, "profile", READ_OPTIONAL, safety_profiles, &out->safety.profile);
        read_bool(&o, "require_approval", READ_OPTIONAL, &out->safety.require_approval);
        read_count(&o, "max_targets", READ_OPTIONAL, 1, UINT32_MAX, &out->safety.max_targets);
        read_count(&o, "max_concurrent_faults", READ_OPTIONAL, 1, UINT32_MAX,
                   &out->safety.max_concurrent_faults);
        read_allowed(&o, &guard);
        read_protected(&o, &guard);
        read_object_end(&o);
        /* Indices of a fleet or a method that was refused lead nowhere. */
        if (diag_total(scenario->ctx->session->diags) > before ||
            diag_total(scenario->ctx->session->diags) > scenario->ctx->session->diags_before)
                return;
        for (size_t i = 0; i < out->all_count; i++)
                check_entry(&guard, &out->all[i]);
}
