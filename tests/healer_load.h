/* tests/healer_load.h - much telemetry for a healer, and an allocator that counts.
 *
 * The shop of healer_rig.h, in which something or other is always wrong: instances
 * are slow or fail, exit and come back, are removed and added, alarms come and go,
 * orders are answered or not. By draws of its own, so that it is the same each time.
 */
#ifndef TESTS_HEALER_LOAD_H
#define TESTS_HEALER_LOAD_H

#include "tests/healer_rig.h"

struct counted {
        uint64_t allocations, bytes, most_bytes;
};

static inline void *counted_alloc(void *ctx, size_t size)
{
        struct counted *counted = ctx;
        size_t *memory = malloc(size + 16);

        if (memory == NULL)
                return NULL;
        memory[0] = size;
        counted->allocations++;
        counted->bytes += size;
        if (counted->bytes > counted->most_bytes)
                counted->most_bytes = counted->bytes;
        return memory + 2;
}

static inline void counted_release(void *ctx, void *memory)
{
        struct counted *counted = ctx;
        size_t *begin = (size_t *)memory - 2;

        counted->bytes -= begin[0];
        free(begin);
}

/* What healer.h says for a topology of that many, at most. */
static inline uint64_t stated_bytes(const struct rig *rig, uint64_t instances_followed)
{
        uint64_t services = rig->topology.service_count;
        uint64_t odd = services < 64 ? services : 64;

        return HEALER_BYTES_BASE + HEALER_BYTES_INSTANCE * (instances_followed + 8) +
               HEALER_BYTES_EDGE * rig->topology.edge_count + HEALER_BYTES_SERVICE * services +
               HEALER_BYTES_PATTERNS * services + HEALER_BYTES_ANOMALY * odd;
}

static inline void load_start(struct rig *rig, const struct healer_allocator *allocator)
{
        const struct healer_callbacks callbacks = {rig, rig_act, rig_note};

        if (healer_create(&rig->config, &rig->topology, &callbacks, allocator, 0, &rig->healer) !=
            HEALER_OK)
                abort();
}

static inline uint32_t load_draw(uint64_t *state)
{
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(*state >> 33);
}

/* Everything is well again. */
static inline uint64_t load_mend(struct rig *rig)
{
        uint64_t events = 0;
        uint32_t i;

        for (i = 0; i < RIG_INSTANCES; i++) {
                if (!rig->alive[i]) {
                        rig_comes_back(rig, i);
                        events++;
                }
                rig->instance[i] = rig_well(i);
        }
        for (i = 0; i < RIG_EDGES; i++)
                rig->edge[i] = (struct healer_edge_sample){i, 150, 0, 0, 0.011, 0.032, 0.043};
        return events;
}

/* One interval; how many samples, events and results it was told. */
static inline uint64_t load_step(struct rig *rig, uint64_t *state, uint32_t *added)
{
        uint32_t draw = load_draw(state), instance = draw % RIG_INSTANCES;
        uint64_t events = RIG_INSTANCES + RIG_EDGES;
        bool mends = rig->now_ns / (300 * RIG_SECOND) % 2 == 0;

        if (mends && (draw >> 8 & 14) != 8)
                events += load_mend(rig);
        switch (mends && (draw >> 8 & 14) != 8 ? 15 : draw >> 8 & 15) {
        case 0:
                rig_slow_instance(rig, instance, 5);
                rig_slow_edge(rig, instance % RIG_EDGES, 2, 9);
                break;
        case 1:
                rig->instance[instance].error_ratio = 0.6;
                rig->edge[instance % RIG_EDGES].error_ratio = 0.6;
                break;
        case 2:
                rig->instance[instance].memory_ratio = 0.97;
                break;
        case 3:
                rig_crash(rig, instance);
                events++;
                break;
        case 4:
        case 5:
                rig_comes_back(rig, instance);
                events++;
                break;
        case 6:
                rig->edge[instance % RIG_EDGES] = (struct healer_edge_sample){
                        instance % RIG_EDGES, 150, 0, 0, 0.011, 0.032, 0.043};
                break;
        case 7:
                rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, draw >> 16 & 3, HEALER_NONE, 0);
                events++;
                break;
        case 8:
        case 9:
                /* new ones for ever: at most 4 x the start + 256 are followed */
                rig_event(rig, HEALER_OCCURRED_INSTANCE_ADDED, draw >> 16 & 3,
                          RIG_INSTANCES + *added, 0);
                rig_event(rig, HEALER_OCCURRED_INSTANCE_REMOVED, draw >> 16 & 3,
                          RIG_INSTANCES + (*added)++, 0);
                events += 2;
                break;
        default:
                break;
        }
        rig_step(rig);
        for (; rig->answered < rig->order_count; rig->answered++, events++) {
                const struct healer_result result = {rig->orders[rig->answered].id,
                                                     (load_draw(state) & 3) != 0, "no"};

                if ((load_draw(state) & 7) != 0) /* some never come */
                        (void)healer_observe_result(rig->healer, rig->now_ns, &result);
        }
        rig->answered = rig->order_count = rig->notice_count = 0;
        return events;
}

#endif
