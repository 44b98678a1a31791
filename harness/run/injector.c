/* injector.c - the plan becomes events in the fleet's own queue. */
#include "harness/run/injector.h"

#include <string.h>

#include "harness/base/rng.h"

static void fault_starts(void *user, uint32_t number);
static void fault_ends(void *user, uint32_t number);

static void resolve_instances(struct injector *injector, uint32_t number)
{
        struct injected *fault = injector->faults[number];
        const struct planned_fault *planned = fault->planned;
        uint32_t *members = injector->members;
        uint32_t count = 0;

        fault->run.instance_count = 0;
        for (uint32_t i = 0; i < planned->place_count; i++) {
                uint32_t service = planned_service(planned, i);

                /* Places come service by service. */
                if (i == 0 || service != planned_service(planned, i - 1)) {
                        count = fleet_service_instances(injector->fleet, service, members,
                                                        injector->member_count);
                        if (count > injector->member_count)
                                count = injector->member_count;
                }
                if (planned->places[i] < count)
                        fault->instances[fault->run.instance_count++] = members[planned->places[i]];
        }
        fault->run.instances = fault->instances;
}

/* The entry whose name is an argument of this one, or NULL. */
static const char *entry_named_by(const struct method_spec *entry)
{
        for (size_t i = 0; i < entry->fault->params_count; i++)
                if (entry->fault->params[i].unit == FAULT_ENTRY)
                        return entry->texts[i];
        return NULL;
}

static bool is_entry(const struct injector *injector, uint32_t number, const char *name)
{
        return strcmp(injector->faults[number]->planned->entry->name, name) == 0;
}

static void mark_services(struct injector *injector, uint32_t number);

/* All that the entries of a name are on. */
static void mark_of_entry(struct injector *injector, const char *name, bool *on)
{
        for (uint32_t i = 0; i < injector->fault_count; i++) {
                if (!is_entry(injector, i, name))
                        continue;
                mark_services(injector, i);
                for (uint32_t k = 0; k < injector->scenario->fleet.service_count; k++)
                        on[k] = on[k] || injector->faults[i]->on_service[k];
        }
}

static void mark_services(struct injector *injector, uint32_t number)
{
        const struct planned_fault *planned = injector->faults[number]->planned;
        const struct target_spec *target = &planned->entry->target;
        const struct fleet_spec *spec = &injector->scenario->fleet;
        bool *on = injector->faults[number]->on_service;

        switch (target->kind) {
        case TARGET_INSTANCES:
        case TARGET_SERVICE:
                on[target->service] = true;
                break;
        case TARGET_RANDOM:
                for (uint32_t i = 0; i < planned->place_count; i++)
                        on[planned_service(planned, i)] = true;
                break;
        case TARGET_EDGE:
                /* What is configured of a call is the caller's. */
                if (planned->entry->fault->lives_in_edge == LAYER_CONFIG)
                        on[spec->edges[target->edge].from] = true;
                else
                        on[spec->edges[target->edge].to] = true;
                break;
        case TARGET_LOAD:
                on[spec->loads[target->load].to] = true;
                break;
        case TARGET_NONE:
                if (entry_named_by(planned->entry) != NULL) {
                        mark_of_entry(injector, entry_named_by(planned->entry), on);
                        break;
                }
                __attribute__((fallthrough));
        case TARGET_ZONE:
        case TARGET_ZONES:
        case TARGET_HEALER:
                for (uint32_t i = 0; i < spec->service_count; i++)
                        on[i] = true;
                break;
        }
}

/* What goes on in all arms is no phase of the run, as benign life is none. */
static void begin_or_end(struct injector *injector, const struct method_spec *entry, uint32_t step)
{
        if (entry->fault->everywhere)
                return;
        injector->active += step;
        fleet_set_phase(injector->fleet, injector->active > 0 ? PHASE_DURING : PHASE_AFTER);
}

static uint32_t count_attached(const struct injector *injector, uint32_t number)
{
        const struct fault_run *run = &injector->faults[number]->run;
        uint32_t count = 0;

        for (uint32_t i = 0; i < run->effect_count; i++)
                count += fleet_effect_count(injector->fleet, &run->effects[i]);
        return count;
}

static void fault_starts(void *user, uint32_t number)
{
        struct injector *injector = user;
        struct injected *fault = injector->faults[number];
        const struct planned_fault *planned = fault->planned;
        const struct method_spec *entry = planned->entry;

        begin_or_end(injector, entry, 1);
        if (!injector->acts && !entry->fault->everywhere)
                return;
        fault->run = (struct fault_run){
                .ops = entry->fault,
                .fleet = injector->fleet,
                .host = &injector->host,
                .arguments = entry->arguments,
                .texts = entry->texts,
                .dist = &entry->argument_dist[0],
                .probability = entry->fault->chance == FAULT_CHANCE_PER_REQUEST ? entry->probability : 1.0,
                .rank = number,
                .stream = planned->stream,
                .now_ns = fleet_now(injector->fleet),
                .ramp_for_ns = entry->ramp_ns,
                .has_end = entry->has_duration,
                .edge = entry->target.kind == TARGET_EDGE ? entry->target.edge : FLEET_NO_INDEX,
                .load = entry->target.kind == TARGET_LOAD ? entry->target.load : FLEET_NO_INDEX,
                .service = entry->target.kind == TARGET_SERVICE ? entry->target.service : FLEET_NO_INDEX,
                .zone = entry->target.kind == TARGET_ZONE ? entry->target.zone : FLEET_NO_INDEX,
                .between_zones = entry->target.kind == TARGET_ZONES,
                .from_zone = entry->target.zone,
                .to_zone = entry->target.to_zone,
                .on_healer = entry->target.kind == TARGET_HEALER,
                .from_fleet = entry->target.from_fleet,
                .measured_what = "",
        };
        if (entry->target.kind == TARGET_INSTANCES || entry->target.kind == TARGET_RANDOM)
                resolve_instances(injector, number);
        mark_services(injector, number);
        if (!entry->coupled)
                injector->hash ^= plan_hash_step(1, planned, fault->run.now_ns);
        fault->active = true;
        fault->started_ns = fault->run.now_ns;
        injector->started(injector->user, number);
        if (!planned->spared)
                entry->fault->inject(&fault->run);
        fault->attached = count_attached(injector, number);
}

/* ---- for kinds that ask about other entries */

static bool is_on(void *user, const char *name, uint32_t service)
{
        struct injector *injector = user;

        for (uint32_t i = 0; i < injector->fault_count; i++) {
                if (!is_entry(injector, i, name))
                        continue;
                mark_services(injector, i);
                if (injector->faults[i]->on_service[service])
                        return true;
        }
        return false;
}

/* In again on the same places, with what it did so far kept. */
static void put_in_again(struct injector *injector, uint32_t number)
{
        struct injected *fault = injector->faults[number];
        struct fault_run *run = &fault->run;

        run->ops->lift(run);
        for (uint32_t i = 0; i < run->effect_count; i++) {
                run->touched += run->effects[i].touched;
                fault->kept_sum += run->effects[i].measured_sum;
                fault->kept_count += run->effects[i].measured_count;
        }
        run->effect_count = 0;
        run->now_ns = fleet_now(injector->fleet);
        run->ramp_for_ns = 0;
        if (fault->planned->entry->target.kind == TARGET_INSTANCES ||
            fault->planned->entry->target.kind == TARGET_RANDOM)
                resolve_instances(injector, number);
        run->ops->inject(run);
        fault->attached = count_attached(injector, number);
}

static bool reapply(void *user, const char *name)
{
        struct injector *injector = user;
        bool any = false;

        for (uint32_t i = 0; i < injector->fault_count; i++) {
                struct injected *fault = injector->faults[i];

                if (!is_entry(injector, i, name) || !fault->active || fault->planned->spared ||
                    (fault->attached > 0 && count_attached(injector, i) >= fault->attached))
                        continue;
                put_in_again(injector, i);
                any = true;
        }
        return any;
}

static void lift(struct injector *injector, uint32_t number)
{
        struct injected *fault = injector->faults[number];

        if (!fault->active)
                return;
        fault->active = false;
        fault->ended_ns = fleet_now(injector->fleet);
        if (!fault->planned->spared)
                fault->run.ops->lift(&fault->run);
        injector->ended(injector->user, number);
}

static void ramp_is_down(void *user, uint32_t number)
{
        lift(user, number);
}

static void fault_ends(void *user, uint32_t number)
{
        struct injector *injector = user;
        struct injected *fault = injector->faults[number];
        int64_t down_ns = fault->planned->entry->ramp_down_ns;

        begin_or_end(injector, fault->planned->entry, UINT32_MAX);
        if (!fault->active)
                return;
        if (down_ns <= 0) {
                lift(injector, number);
                return;
        }
        for (uint32_t i = 0; i < fault->run.effect_count; i++) {
                fault->run.effects[i].ramp_down_from_ns = fleet_now(injector->fleet);
                fault->run.effects[i].ramp_down_for_ns = down_ns;
        }
        fleet_schedule(injector->fleet, fleet_now(injector->fleet) + down_ns,
                       hash_mix(fault->planned->stream, 3), ramp_is_down, injector,
                       number);
}

/* Room to list as many instances of a service as any place needs. */
static bool reserve_members(struct injector *injector)
{
        const struct fleet_spec *fleet = &injector->scenario->fleet;
        uint32_t most = 0;

        for (uint32_t i = 0; i < fleet->service_count; i++)
                if (fleet->services[i].instance_count > most)
                        most = fleet->services[i].instance_count;
        injector->members = ARENA_ARRAY(injector->arena, uint32_t, most + 1);
        injector->member_count = most;
        return injector->members != NULL;
}

static bool reserve_fault(struct injector *injector)
{
        struct injected **bigger;
        uint32_t room = injector->fault_room * 2 + 8;

        if (injector->fault_count < injector->fault_room)
                return true;
        bigger = ARENA_ARRAY(injector->arena, struct injected *, room);
        if (bigger == NULL)
                return false;
        for (uint32_t i = 0; i < injector->fault_count; i++)
                bigger[i] = injector->faults[i];
        injector->faults = bigger;
        injector->fault_room = room;
        return true;
}

bool injector_add(struct injector *injector, const struct planned_fault *planned)
{
        struct arena *arena = injector->arena;
        struct injected *fault = ARENA_NEW(arena, struct injected);
        uint32_t number = injector->fault_count;
        int64_t now_ns = fleet_now(injector->fleet);

        if (fault == NULL || !reserve_fault(injector))
                return false;
        fault->planned = planned;
        fault->started_ns = TIME_NEVER;
        fault->ended_ns = TIME_NEVER;
        fault->instances = ARENA_ARRAY(arena, uint32_t, planned->place_count + 1);
        fault->on_service = ARENA_ARRAY(arena, bool, injector->scenario->fleet.service_count + 1);
        if (fault->instances == NULL || fault->on_service == NULL)
                return false;
        injector->faults[injector->fault_count++] = fault;
        fleet_schedule(injector->fleet, planned->start_ns > now_ns ? planned->start_ns : now_ns,
                       hash_mix(planned->stream, 1), fault_starts, injector, number);
        fleet_schedule(injector->fleet, planned->end_ns > now_ns ? planned->end_ns : now_ns,
                       hash_mix(planned->stream, 2), fault_ends, injector, number);
        return true;
}

bool injector_begin(struct injector *injector, struct arena *arena)
{
        const struct plan *plan = injector->plan;

        injector->arena = arena;
        injector->host = (struct fault_host){injector, injector->scenario->fleet.service_count, is_on, reapply};
        injector->overlay_before = fleet_overlay_digest(injector->fleet);
        if (!reserve_members(injector))
                return false;
        for (uint32_t i = 0; i < plan->fault_count; i++)
                if (!injector_add(injector, &plan->faults[i]))
                        return false;
        return true;
}

void injector_end(struct injector *injector)
{
        for (uint32_t i = 0; i < injector->fault_count; i++)
                lift(injector, i);
}
