/* harness/fleet/effect.h - the fleet's public face for faults.
 *
 * A fault acts by effects. An effect is one change of one kind, attached to
 * any number of targets (edges or instances) and taken off again; what it does
 * to a request is worked out when the request passes, from all effects on that
 * target, in the order of their `rank`: delays add, shares combine as
 * 1 - prod(1 - p), factors multiply. So effects may be lifted in any order and
 * leave no trace, which fleet_overlay_digest() proves.
 *
 * Besides edges and instances a service as a whole can be the target (what lives
 * in its platform or outside of the fleet: a new instance has it as well), or a
 * zone.
 *
 * An effect on an instance lives in a layer of it; what resets that layer (a
 * restart, a replacement; fleet/action.h) takes it off that instance, and the
 * fault itself does not notice. State that an effect left behind (leaked memory,
 * a dead process) is the fleet's and stays when the effect is lifted.
 */
#ifndef CHAOS_FLEET_EFFECT_H
#define CHAOS_FLEET_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/dist.h"
#include "harness/fleet/action.h"
#include "harness/fleet/parameter.h"

struct fleet;

enum effect_kind {
        EFFECT_EDGE_DELAY,   /* messages of an edge take longer */
        EFFECT_HOST_DELAY,   /* answers of an instance are late */
        EFFECT_ERROR,        /* an instance's own work fails */
        EFFECT_LEAK,         /* an instance loses memory: bytes a second in a, a request in b */
        EFFECT_HELD_DOWN,    /* an instance cannot start; on a zone: nothing there can */
        EFFECT_REFUSE,       /* attempts over an edge, or to a service, fail at once: share a */
        EFFECT_REQUEST_LOSS, /* requests over an edge are lost: share a, in bursts of mean length b */
        EFFECT_ANSWER_LOSS,  /* answers over an edge, or of an instance, are lost: share a */
        EFFECT_ZONE_IN,      /* messages into a zone are lost */
        EFFECT_ZONE_OUT,     /* messages out of a zone are lost */
        EFFECT_HUNG,         /* a process stands still and looks dead */
        EFFECT_ZOMBIE,       /* a process is healthy by its checks and fails its work */
        EFFECT_STOP,         /* a process stands still for a (s) every b (s), looking alive */
        EFFECT_FLAP,         /* an instance is down for a (s), may run for b (s), and again */
        EFFECT_LOOP,         /* a process dies a (s) after it came up; its own exits keep this */
        EFFECT_SLOW_START,   /* a process needs a times as long to start; its own exits keep this */
        EFFECT_CPU,          /* others take a times the cores of an instance; b 1: unseen by it */
        EFFECT_MEMORY,       /* others take memory: a bytes and b times the limit */
        EFFECT_THREADS,      /* a share a of the workers is taken */
        EFFECT_IO_DELAY,     /* an instance's own work waits for its disk: `delay` */
        EFFECT_SURGE,        /* a load source makes a times its requests */
        EFFECT_DISK_FILL,    /* an instance's disk fills by a bytes a second */
        EFFECT_QUOTA,        /* a service's quota is cut by a share a, or (b) used up by others */
        EFFECT_BANDWIDTH,    /* a line carries a bytes a second */
        EFFECT_DUPLICATE,    /* requests over an edge arrive twice: share a */
        EFFECT_SLOW_CLOSE,   /* the callee's worker is kept after its answer: `delay` */
        EFFECT_GRAY,         /* to a share b of callers: late by `delay`, failing: share a */
        EFFECT_DEADLY,       /* a share a of a client's requests kills the process that works on it */
        EFFECT_COSTLY,       /* a share a of a client's requests costs b times the work */
        EFFECT_RETRIES,      /* clients of a load source try again a times, impatiently */
        /* On the healer's side: the channel to it, the actuators, its host; of one
         * service (`service`) or of all. */
        EFFECT_TELEMETRY_DROP,  /* samples and events are lost: share a */
        EFFECT_TELEMETRY_DELAY, /* samples and events are late by a (s) */
        EFFECT_TELEMETRY_NOISE, /* values are seen with a factor around 1, deviation a */
        EFFECT_TELEMETRY_LIE,   /* values of the metric c read b */
        EFFECT_DECOY,           /* values of the metric c seem to rise by a a second, up to b */
        EFFECT_ACTUATOR_FAIL,   /* actions of kind c fail: share a */
        EFFECT_ACTUATOR_SLOW,   /* the actuator of kind c takes a times as long */
        EFFECT_HEALER_DEAF,     /* nothing from the fleet reaches the healer */
        EFFECT_HEALER_MUTE,     /* nothing from the healer reaches the fleet */
        EFFECT_HEALER_DOWN,     /* the healer's host is down */
        EFFECT_PLACEMENT,    /* on a service: nothing starts */
        EFFECT_READINESS,    /* on a service: checks of well instances fail */
        EFFECT_LIVENESS,     /* on a service: well instances are killed by their checks */
        EFFECT_SCALER,       /* on a service: its autoscaler is stuck (a 0) or shrinks (a 1) */
        EFFECT_ACTOR,        /* on a service: somebody undoes what is mended there */
        EFFECT_CLOCK,        /* the clock of an instance is ahead by a (s) and gains b a second; c 1: at once */
        EFFECT_RELEASE,      /* on a service: a version with `release` is deployed */
        EFFECT_CONFIG,       /* on a service or an edge: `setting` is in force */
        EFFECT_CONNECTIONS,  /* a share a of the connections of pool `edge` is taken */
        EFFECT_DESCRIPTORS,  /* a share a of the file descriptors is taken */
        EFFECT_CACHE,        /* a cache cannot hold a share a of what it would */
        EFFECT_LAG,          /* followers of a database are a (s) more behind */
        EFFECT_SESSION,      /* a session holds what a share a of the writes needs */
        EFFECT_SPLIT,        /* a database has two leaders */
        EFFECT_POISON,       /* a share a of the messages kills its consumer */
        EFFECT_CORRUPT,      /* a share a of the answers fails the caller's validation */
        EFFECT_SLOW,         /* work takes a times as long */
        EFFECT_KIND_COUNT
};

/* Metrics of telemetry that a fault may tamper with: the ratios. */
enum channel_metric {
        CHANNEL_CPU,
        CHANNEL_MEMORY,
        CHANNEL_DISK,
        CHANNEL_FDS,
        CHANNEL_POOL,
        CHANNEL_TOKENS,
        CHANNEL_ERROR_RATE,
        CHANNEL_METRIC_COUNT
};
#define CHANNEL_ALL UINT32_MAX

/* What a bad version does, besides what it does by declaration. */
struct release {
        double error_rate;       /* of its requests fail */
        double slowdown;         /* factor on own time; 1: none */
        double leak_bytes_per_s;
        double peer_cost;        /* share of own time more for every other instance */
        double share;            /* of the instances that get it */
};

struct effect {
        enum effect_kind kind;
        enum fleet_layer layer;
        uint32_t rank;        /* order among effects; the fault's number */
        uint64_t stream;      /* identity of its chance: the fault's name, hashed */
        double probability;   /* that a request is touched */
        int64_t ramp_from_ns; /* its size grows linearly from 0 over ramp_for_ns */
        int64_t ramp_for_ns;
        int64_t ramp_down_from_ns; /* TIME_NEVER: not yet; falls to 0 over ramp_down_for_ns */
        int64_t ramp_down_for_ns;
        struct dist delay;    /* delays: what is added at full size */
        double jitter_ns;     /* delays: and evenly from [-jitter, jitter] */
        double normal_sd_ns;  /* delays: and normal with this standard deviation */
        double a, b;          /* as the kind says */
        uint32_t c;           /* which metric (enum channel_metric) or action; CHANNEL_ALL: all */
        uint32_t service;     /* on the healer's side: whose; FLEET_NO_INDEX: of all */
        uint32_t edge;        /* pools: of this edge, or FLEET_NO_INDEX: of all */
        bool retryable;       /* errors */
        int code;             /* errors: the status callers see */
        union {
                struct release release;
                struct setting setting;
        };
        double correlation;   /* delays: of the chance of two messages in one slot of 100 ms */
        int64_t slot;         /* the last one that was looked at, and its normal variate */
        double slot_z;
        int64_t busy_until_ns; /* a narrow line */
        uint32_t from_zone, to_zone; /* on a border */
        uint64_t messages;    /* bursts: so far */
        bool in_burst;
        /* what it did, kept by the fleet */
        uint64_t touched;     /* requests, or targets where no request is touched */
        double measured_sum;  /* of the added delay in s, of the failed calls, of leaked bytes */
        uint64_t measured_count;
};

/* Puts `effect` on a target, once. The effect is the caller's and must live
 * until it is taken off everything with fleet_effect_lift(). */
void fleet_effect_on_edge(struct fleet *fleet, uint32_t edge, struct effect *effect);
void fleet_effect_on_instance(struct fleet *fleet, uint32_t instance, struct effect *effect);
void fleet_effect_on_service(struct fleet *fleet, uint32_t service, struct effect *effect);
void fleet_effect_on_load(struct fleet *fleet, uint32_t load, struct effect *effect);
/* On all calls from instances of one zone to those of another (effect->from_zone,
 * to_zone). */
void fleet_effect_on_border(struct fleet *fleet, struct effect *effect);
/* On the healer's side of the fleet: its `service` says whose telemetry. */
void fleet_effect_on_healer(struct fleet *fleet, struct effect *effect);
/* HELD_DOWN also kills what runs there. */
void fleet_effect_on_zone(struct fleet *fleet, uint32_t zone, struct effect *effect);
/* Every load source of a service; false when it has none. */
bool fleet_effect_on_clients(struct fleet *fleet, uint32_t service, struct effect *effect);

/* Takes it off every target that still has it. */
void fleet_effect_lift(struct fleet *fleet, struct effect *effect);

/* How many targets still have it (cures may have removed some, or all). */
uint32_t fleet_effect_count(const struct fleet *fleet, const struct effect *effect);
/* Whether any has. */
bool fleet_effect_attached(const struct fleet *fleet, const struct effect *effect);

/* Kills the process of an instance: what it had in flight is lost. `text` is
 * static and becomes the cause in journal and events. */
void fleet_instance_kill(struct fleet *fleet, uint32_t instance, int code, const char *text);

/* The same for want of memory. */
void fleet_instance_oom(struct fleet *fleet, uint32_t instance);

/* On every instance that calls over an edge. */
void fleet_effect_on_callers(struct fleet *fleet, uint32_t edge, struct effect *effect);

/* Drops a share of the connections of an instance's pools, or (FLEET_NO_INDEX) of
 * the pool of one edge in every instance that calls over it: calls on them fail, and the pool goes on giving them out until
 * it is renewed. The number of them. */
uint64_t fleet_pool_drop(struct fleet *fleet, uint32_t instance, uint32_t edge, double share,
                         uint64_t stream);
/* The cache of an instance loses a share of what it holds; whether there is one. */
uint64_t fleet_cache_lose(struct fleet *fleet, uint32_t instance, double share);
/* The leader of a database dies, and nobody leads for a while; false: it is none. */
bool fleet_database_failover(struct fleet *fleet, uint32_t service, int64_t time_ns);

/* A crowd comes at once: as many requests as the share of what the source brings
 * in 10 s, or of its users; it has a stream of its own. The number of them. */
uint64_t fleet_load_burst(struct fleet *fleet, uint32_t load, double share, uint64_t stream);
uint32_t fleet_load_count(const struct fleet *fleet);
uint32_t fleet_load_service(const struct fleet *fleet, uint32_t load);

/* The n-th service that calls a service, by index; FLEET_NO_INDEX: no more. */
uint32_t fleet_service_caller(const struct fleet *fleet, uint32_t service, uint32_t n);
/* As fleet_schedule(): a fault that goes on by itself. */
void fleet_schedule_fault(struct fleet *fleet, int64_t at_ns, uint64_t ident,
                          void (*fn)(void *user, uint32_t index), void *user, uint32_t index);

/* A number that depends on every effect in force and on nothing else. */
uint64_t fleet_overlay_digest(const struct fleet *fleet);

/* Targets, for whoever resolves them: instances of a service that are part of
 * it now, in order of their number. */
uint32_t fleet_service_instances(const struct fleet *fleet, uint32_t service, uint32_t *out,
                                 uint32_t max);
uint32_t fleet_instance_zone(const struct fleet *fleet, uint32_t instance);
uint32_t fleet_instance_service(const struct fleet *fleet, uint32_t instance);

#endif
