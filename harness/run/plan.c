/* plan.c - draws a replication's timetable and targets. */
#include "harness/run/plan.h"

#include "harness/base/rng.h"
#include "harness/sim/time.h"

/* Places of the service that the target's zone and list allow. */
static uint32_t candidate_places(const struct scenario *scenario, const struct target_spec *target,
                                 uint32_t *out)
{
        const struct service_spec *service = &scenario->fleet.services[target->service];
        uint32_t count = 0;

        for (uint32_t place = 0; place < service->instance_count; place++) {
                bool listed = target->pick != PICK_LIST;

                for (uint32_t i = 0; !listed && i < target->list_count; i++)
                        listed = target->list[i] == place;
                if (listed && (target->zone == FLEET_NO_INDEX ||
                               service->zones[place % service->zone_count] == target->zone))
                        out[count++] = place;
        }
        return count;
}

static uint32_t wanted_places(const struct target_spec *target, uint32_t count)
{
        double share;

        switch (target->pick) {
        case PICK_COUNT:
                return target->count < count ? target->count : count;
        case PICK_SHARE:
                share = target->share * count;
                share = share - (double)(uint32_t)share > 1e-9 ? (double)((uint32_t)share + 1) : share;
                return share < 1 ? (count > 0) : (uint32_t)share;
        case PICK_ALL:
        case PICK_LIST:
        default:
                return count;
        }
}

static void sort_places(uint32_t *places, uint32_t count)
{
        for (uint32_t i = 1; i < count; i++)
                for (uint32_t k = i; k > 0 && places[k - 1] > places[k]; k--) {
                        uint32_t swap = places[k];

                        places[k] = places[k - 1];
                        places[k - 1] = swap;
                }
}

static bool plan_targets(const struct scenario *scenario, uint64_t key, struct arena *arena,
                         struct planned_fault *fault)
{
        const struct method_spec *entry = fault->entry;
        const struct target_spec *target = &entry->target;
        uint32_t count, wanted, kept = 0;

        if (target->kind != TARGET_INSTANCES)
                return true;
        fault->places = ARENA_ARRAY(arena, uint32_t,
                                    scenario->fleet.services[target->service].instance_count + 1);
        if (fault->places == NULL)
                return false;
        count = candidate_places(scenario, target, fault->places);
        wanted = wanted_places(target, count);
        for (uint32_t i = 0; i < wanted; i++) {
                struct rng_block block = rng_draw(key, fault->stream, RNG_FAULT_TARGET, i);
                uint32_t other = i + rng_below((uint32_t)block.word[0], count - i);
                uint32_t swap = fault->places[i];

                fault->places[i] = fault->places[other];
                fault->places[other] = swap;
                /* A kind whose chance is by target takes it or not. */
                if (entry->fault->chance == FAULT_CHANCE_PER_REQUEST ||
                    rng_u01(block.word[1]) < entry->probability)
                        fault->places[kept++] = fault->places[i];
        }
        fault->place_count = kept;
        sort_places(fault->places, kept);
        return true;
}

uint64_t plan_hash_step(uint64_t hash, const struct planned_fault *fault, int64_t started_ns)
{
        hash = hash_mix(hash, (uint64_t)started_ns ^ fault->stream);
        for (uint32_t i = 0; i < fault->place_count; i++)
                hash = hash_mix(hash, fault->places[i]);
        return hash;
}

/* Some kinds last as long as an argument says, unless the entry ends them sooner. */
static int64_t longest_ns(const struct method_spec *entry)
{
        const struct fault_ops *fault = entry->fault;

        return fault->lasts == NULL
                       ? TIME_NEVER
                       : (int64_t)entry->arguments[fault_param_index(fault, fault->lasts)];
}

bool plan_make(const struct scenario *scenario, uint64_t key, struct arena *arena, struct plan *out)
{
        *out = (struct plan){.first_ns = scenario->duration_ns};
        out->faults = ARENA_ARRAY(arena, struct planned_fault, scenario->method_count + 1);
        if (out->faults == NULL)
                return false;
        for (size_t i = 0; i < scenario->method_count; i++) {
                const struct method_spec *entry = &scenario->method[i];
                struct planned_fault *fault;
                struct rng_block block;

                if (entry->kind != METHOD_FAULT)
                        continue;
                fault = &out->faults[out->fault_count++];
                fault->entry = entry;
                fault->stream = hash_text(entry->name);
                fault->start_ns = entry->at_ns;
                fault->end_ns = entry->fault->instant ? entry->at_ns + 1 : scenario->duration_ns;
                if (entry->has_duration) {
                        block = rng_draw(key, fault->stream, RNG_FAULT_TIME, 0);
                        fault->end_ns = fault->start_ns +
                                        dist_sample_ns(&entry->duration, rng_u01(block.word[0]));
                }
                if (longest_ns(entry) < fault->end_ns - fault->start_ns)
                        fault->end_ns = fault->start_ns + longest_ns(entry);
                if (!plan_targets(scenario, key, arena, fault))
                        return false;
                if (fault->start_ns < out->first_ns && !entry->fault->everywhere)
                        out->first_ns = fault->start_ns;
        }
        for (uint32_t i = 0; i < out->fault_count; i++)
                out->hash ^= plan_hash_step(1, &out->faults[i], out->faults[i].start_ns);
        return true;
}
