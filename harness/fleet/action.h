/* harness/fleet/action.h - what a healer can ask the fleet to do.
 *
 * A kind is a row: its name in files, and what it resets by mechanism. With
 * where a fault lives (fleet/effect.h) that alone decides whether an action
 * cures it; there is no table of pairs.
 */
#ifndef CHAOS_FLEET_ACTION_H
#define CHAOS_FLEET_ACTION_H

#include <stdbool.h>
#include <stdint.h>

/* Where a fault lives, and so what has to be reset to be rid of it. */
enum fleet_layer {
        LAYER_NONE = 0,
        LAYER_PROCESS,
        LAYER_HOST,
        LAYER_DISK,
        LAYER_POOL,
        LAYER_CACHE,
        LAYER_QUEUE,
        LAYER_LOCK,
        LAYER_VERSION,
        LAYER_CONFIG,
        LAYER_DATA,
        LAYER_EDGE,
        LAYER_ZONE,
        LAYER_LEADER,
        LAYER_PLATFORM,
        LAYER_CONTROLLER,
        LAYER_OUTSIDE,
        LAYER_CLIENT,
        LAYER_HEALER,
        LAYER_COUNT
};
#define LAYER_BIT(layer) (UINT32_C(1) << (layer))

enum fleet_action_kind {
        ACTION_RESTART_INSTANCE,
        ACTION_RESTART_SERVICE,
        ACTION_REPLACE_INSTANCE,
        ACTION_FAILOVER,
        ACTION_ROLLBACK_DEPLOYMENT,
        ACTION_ROLLBACK_CONFIG,
        ACTION_RESTORE_STATE,
        ACTION_RECONNECT,
        ACTION_CLEAR_CACHE,
        ACTION_CLEAN_MEMORY,
        ACTION_SCALE_RESOURCES,
        ACTION_INCREASE_RESOURCES,
        ACTION_SHED_LOAD,
        ACTION_SET_DEGRADATION,
        ACTION_ADJUST_TIMEOUT,
        ACTION_FREE_DISK,
        ACTION_PURGE_QUEUE,
        ACTION_SKIP_MESSAGE,
        ACTION_END_SESSION,
        ACTION_STOP_CONTROLLER,
        ACTION_DISABLE_HEALTH_CHECK,
        ACTION_ENABLE_MONITORING,
        ACTION_HEALTH_CHECK,
        ACTION_ESCALATE,
        ACTION_KIND_COUNT
};

struct fleet_action_row {
        const char *name;
        const char *summary;
        uint32_t resets;       /* LAYER_BITs */
        bool needs_instance;   /* names one instance, else a service */
        bool supported;        /* carried out by the simulated fleet */
        int64_t default_time_ns; /* the actuator's own time */
};

extern const struct fleet_action_row fleet_action_rows[ACTION_KIND_COUNT];

/* ACTION_KIND_COUNT when there is none of that name. */
enum fleet_action_kind fleet_action_kind_of(const char *name);
struct fleet_spec;
/* Whether a fleet has what an action acts on: a pool, a cache, a queue, a lock. */
bool fleet_spec_allows(const struct fleet_spec *spec, enum fleet_action_kind kind);
/* The same of one service. */
bool fleet_spec_service_allows(const struct fleet_spec *spec, uint32_t service,
                               enum fleet_action_kind kind);
const char *fleet_layer_name(enum fleet_layer layer);

#define FLEET_NO_INDEX UINT32_MAX

/* What a level of degradation is to leave of a service, where the asker says so. */
struct fleet_level {
        bool given;           /* false: what the level leaves by itself, 4a-policies.md */
        double capacity;      /* share of the calls let in, above 0, to 1 */
        double timeout;       /* of the service's calls, a factor above 0, to 1 */
        double quality;       /* an answer is to be worth as much, above 0, to 1 */
        uint32_t concurrency; /* calls at once in an instance; 0: no limit */
        uint32_t named, off;  /* bit i: feature i of the service; those not named as declared */
};

struct fleet_action {
        uint64_t id;      /* the asker's own number, given back with the result */
        enum fleet_action_kind kind;
        uint32_t service; /* index in the fleet */
        uint32_t instance; /* index in the fleet, or FLEET_NO_INDEX */
        uint32_t edge;     /* for reconnect and adjust_timeout, or FLEET_NO_INDEX */
        double amount;     /* scale: instances added (below 0: taken away); shed_load: share
                            * refused; set_degradation: level 0..4; adjust_timeout: factor;
                            * increase_resources: factor above 1, to 2 (0: 1.25) */
        struct fleet_level level; /* of set_degradation */
};

struct fleet_action_result {
        uint64_t id;
        enum fleet_action_kind kind;
        uint32_t service, instance;
        int64_t started_at_ns, finished_at_ns;
        bool ok;
        const char *reason; /* why it failed, static text; "" when ok */
};

#endif
