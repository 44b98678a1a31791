/* catalogue.c - the table of kinds, and what kinds have in common. */
#include <string.h>

#include "faults/fault.h"
#include "harness/sim/time.h"

#define FAULT(kind) extern const struct fault_ops fault_##kind;
#include "faults/fault_list.h"
#undef FAULT

const struct fault_ops *const fault_catalogue[] = {
#define FAULT(kind) &fault_##kind,
#include "faults/fault_list.h"
#undef FAULT
};

const size_t fault_catalogue_count = sizeof(fault_catalogue) / sizeof(fault_catalogue[0]);

const struct fault_ops *fault_find(const char *name)
{
        for (size_t i = 0; i < fault_catalogue_count; i++)
                if (strcmp(fault_catalogue[i]->name, name) == 0)
                        return fault_catalogue[i];
        return NULL;
}

const struct fault_ops *fault_kinds_at(double kinds, uint32_t n)
{
        uint64_t digit = n < FAULT_KINDS_MAX ? (uint64_t)kinds >> 8 * n & 0xff : 0;

        return digit > 0 && digit <= fault_catalogue_count ? fault_catalogue[digit - 1] : NULL;
}

double fault_kinds_add(double kinds, uint32_t n, const struct fault_ops *kind)
{
        for (size_t i = 0; i < fault_catalogue_count && n < FAULT_KINDS_MAX; i++)
                if (fault_catalogue[i] == kind)
                        return (double)((uint64_t)kinds | (uint64_t)(i + 1) << 8 * n);
        return kinds;
}

bool fault_can_be_part(const struct fault_ops *kind)
{
        if ((kind->targets & FAULT_TARGET_INSTANCES) == 0 || kind->needs != FAULT_NEEDS_NOTHING ||
            kind->one_of != NULL)
                return false;
        for (size_t i = 0; i < kind->params_count; i++)
                if (kind->params[i].required)
                        return false;
        return true;
}

int fault_param_index(const struct fault_ops *ops, const char *name)
{
        for (size_t i = 0; i < ops->params_count; i++)
                if (strcmp(ops->params[i].name, name) == 0)
                        return (int)i;
        return -1;
}

bool fault_is_neutral(const struct fault_ops *ops, const double *arguments)
{
        bool any = false;

        for (size_t i = 0; i < ops->params_count; i++) {
                if (!ops->params[i].ramps)
                        continue;
                if (arguments[i] != ops->params[i].neutral)
                        return false;
                any = true;
        }
        return any;
}

struct effect *fault_effect(struct fault_run *run, enum effect_kind kind, enum fleet_layer layer)
{
        struct effect *effect = &run->effects[run->effect_count++];

        *effect = (struct effect){
                .kind = kind,
                .layer = layer,
                .rank = run->rank,
                .stream = run->stream,
                .probability = run->probability,
                .ramp_from_ns = run->now_ns,
                .ramp_for_ns = run->ramp_for_ns,
                .ramp_down_from_ns = TIME_NEVER,
                .edge = FLEET_NO_INDEX,
        };
        return effect;
}

static void on_service(struct fault_run *run, struct effect *effect)
{
        if (effect->layer == LAYER_CLIENT)
                fleet_effect_on_clients(run->fleet, run->service, effect);
        else
                fleet_effect_on_service(run->fleet, run->service, effect);
}

void fault_effect_on_targets(struct fault_run *run, struct effect *effect)
{
        uint32_t takes = run->ops->targets;

        if (effect->layer == LAYER_HEALER) {
                effect->service = run->service;
                fleet_effect_on_healer(run->fleet, effect);
                return;
        }

        if (run->between_zones) {
                effect->layer = LAYER_ZONE;
                effect->from_zone = run->from_zone;
                effect->to_zone = run->to_zone;
                fleet_effect_on_border(run->fleet, effect);
                return;
        }
        if ((takes & FAULT_TARGET_EDGE) && run->edge != FLEET_NO_INDEX)
                fleet_effect_on_edge(run->fleet, run->edge, effect);
        else if ((takes & FAULT_TARGET_LOAD) && run->load != FLEET_NO_INDEX)
                fleet_effect_on_load(run->fleet, run->load, effect);
        else if ((takes & FAULT_TARGET_SERVICE) && run->service != FLEET_NO_INDEX)
                on_service(run, effect);
        else if ((takes & FAULT_TARGET_ZONE) && run->zone != FLEET_NO_INDEX)
                fleet_effect_on_zone(run->fleet, run->zone, effect);
        for (uint32_t i = 0; i < run->instance_count; i++)
                fleet_effect_on_instance(run->fleet, run->instances[i], effect);
}

void fault_lift_effects(struct fault_run *run)
{
        for (uint32_t i = 0; i < run->effect_count; i++)
                fleet_effect_lift(run->fleet, &run->effects[i]);
}
