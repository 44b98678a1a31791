/* harness/fleet/telemetry.h - what a real monitor could see of the fleet.
 *
 * Every telemetry interval the fleet closes a batch: one sample an instance
 * that was alive, one an edge that was used. Batches and events reach a healer
 * `delay` later, some lost, all with the channel's noise. Nothing else is
 * visible to it. A value nobody measured is NaN; a dead instance has no sample.
 */
#ifndef CHAOS_FLEET_TELEMETRY_H
#define CHAOS_FLEET_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct instance_sample {
        uint32_t instance;     /* index in the fleet */
        uint32_t service;
        double cpu_ratio;      /* busy share of its cores, 0..1 */
        double memory_ratio;   /* of its limit; NaN without one */
        double disk_ratio, fd_ratio, pool_ratio, token_ratio; /* NaN where not modelled */
        double queue_depth;    /* waiting, at the end of the interval */
        double throughput_per_s; /* answers given */
        double error_ratio;    /* of those; NaN without traffic */
        double latency_p50_s, latency_p95_s, latency_p99_s; /* queue to answer; NaN without traffic */
        double connection_failures; /* refused or unreachable, in the interval */
        uint64_t requests;     /* since the process began; a restart resets it */
};

struct edge_sample {
        uint32_t edge;         /* index in the fleet, client edges after the declared ones */
        uint64_t calls;        /* attempts ended in the interval */
        double error_ratio;    /* errors, timeouts, drops and losses of those */
        double timeout_ratio;
        double latency_p50_s, latency_p95_s, latency_p99_s; /* as the caller sees it */
};

enum fleet_event_kind {
        FLEET_EVENT_HEARTBEAT_MISSED,    /* no heartbeat for 3 s */
        FLEET_EVENT_HEARTBEAT_BACK,
        FLEET_EVENT_PROCESS_EXITED,      /* code: 0 orderly, 137 killed, 139 crash; oom */
        FLEET_EVENT_PROCESS_STARTED,
        FLEET_EVENT_DEPLOYMENT_STARTED,  /* text: version */
        FLEET_EVENT_DEPLOYMENT_FINISHED,
        FLEET_EVENT_CONFIG_CHANGED,      /* text: what */
        FLEET_EVENT_HEALTH_CHECK,        /* code: 1 passing again, 0 failing */
        FLEET_EVENT_ERROR_MESSAGE,       /* sampled; text; edge when a caller saw it */
        FLEET_EVENT_INSTANCE_ADDED,
        FLEET_EVENT_INSTANCE_REMOVED,
        FLEET_EVENT_KIND_COUNT
};

extern const char *const fleet_event_names[FLEET_EVENT_KIND_COUNT];

struct fleet_event {
        int64_t at_ns;         /* when it happened, not when it is seen */
        enum fleet_event_kind kind;
        uint32_t service;      /* or FLEET_NO_INDEX */
        uint32_t instance;
        uint32_t edge;
        int code;
        bool oom;
        const char *text;      /* static or the fleet's, never NULL */
};

struct telemetry_batch {
        int64_t from_ns, to_ns; /* the interval, [from, to) */
        const struct instance_sample *instances;
        size_t instance_count;
        const struct edge_sample *edges;
        size_t edge_count;
};

#endif
