/* faults/fault.h - a kind of fault is a file and a row.
 *
 * The row says what a kind is called, what it takes, where it lives and how it
 * is put into the fleet and lifted again; loader, help, catalogue, validation
 * and contract tests all read it. A kind sees the fleet's public face
 * (fleet/effect.h) and knows nothing of healers.
 */
#ifndef CHAOS_FAULTS_FAULT_H
#define CHAOS_FAULTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/fleet/effect.h"

struct fault_run;

enum fault_unit {
        FAULT_DURATION,   /* ns */
        FAULT_RATIO,      /* 0..1, "5%" */
        FAULT_SHARE,      /* >= 0, may exceed 1 where max says so, "130%" */
        FAULT_COUNT,      /* whole number */
        FAULT_FACTOR,     /* plain number */
        FAULT_BYTES,
        FAULT_BYTES_PER_S,
        FAULT_RATIO_PER_S, /* "1%/min" */
        FAULT_BOOL,
        FAULT_CHOICE,     /* index into choices */
        FAULT_PARAMETER,  /* a key of the target, a service or an edge: enum parameter_kind */
        FAULT_VALUE,      /* in the unit of the argument before, which is a FAULT_PARAMETER;
                           * a distribution is fault_run.dist */
        FAULT_FEATURE,    /* index of a feature of the target, a service */
        FAULT_KINDS,      /* names of kinds, FAULT_KINDS_MAX at most: see fault_kinds_at() */
        FAULT_ENTRY,      /* name of another entry: fault_run.texts */
};

struct fault_param {
        const char *name;
        const char *summary;
        enum fault_unit unit;
        bool required;
        double fallback; /* when absent; ignored when required */
        double min, max; /* inclusive, in the unit above */
        double neutral;  /* the value that does nothing; ramps start there */
        bool ramps;
        const char *const *choices; /* NULL-ended, for FAULT_CHOICE */
};

/* What a fault may be aimed at. */
enum fault_target_kind {
        FAULT_TARGET_INSTANCES = 1 << 0,
        FAULT_TARGET_EDGE = 1 << 1,
        FAULT_TARGET_LOAD = 1 << 2,
        FAULT_TARGET_ZONE = 1 << 3,
        FAULT_TARGET_NONE = 1 << 4,
        FAULT_TARGET_SERVICE = 1 << 5, /* as a whole: what is not in single instances */
        FAULT_TARGET_ZONES = 1 << 7,   /* calls {from, to} between two zones */
        FAULT_TARGET_HEALER = 1 << 6,  /* the line {from, to} between "healer" and "fleet" */
};

enum { FAULT_KINDS_MAX = 6 };
enum { FAULT_ARGUMENT_MAX = 8, FAULT_EFFECT_MAX = 2 };

/* What a kind acts on and has to find at its target. */
enum fault_need {
        FAULT_NEEDS_NOTHING,
        FAULT_NEEDS_DISK,
        FAULT_NEEDS_QUOTA,
        FAULT_NEEDS_FDS,
        FAULT_NEEDS_POOL,     /* of the edge, or of a call of the service */
        FAULT_NEEDS_CACHE,
        FAULT_NEEDS_DATABASE,
        FAULT_NEEDS_REPLICA,  /* a database of two instances or more */
        FAULT_NEEDS_QUEUE,
        FAULT_NEEDS_AUTOSCALER,
        FAULT_NEEDS_HEALTH_CHECK,
        FAULT_NEEDS_FEATURES,
};

/* `probability` of an entry means... */
enum fault_chance {
        FAULT_CHANCE_PER_REQUEST, /* ...that a request is touched */
        FAULT_CHANCE_PER_TARGET,  /* ...that a target is taken at all */
};

struct fault_ops {
        const char *name;
        const char *family;
        const char *summary;
        const char *failure_type; /* that it causes, as healers call it */
        const char *effect;  /* what is seen, in a sentence */
        const char *lifting; /* what its end undoes, in a sentence */
        uint32_t targets;    /* of fault_target_kind */
        enum fleet_layer lives_in;         /* with instances as target */
        enum fleet_layer lives_in_edge;    /* with an edge as target, if allowed */
        enum fault_need needs;
        enum fault_chance chance;
        bool destructive; /* refused by safe_mode */
        bool instant;     /* without a duration it is over at once; else it lasts to the end */
        bool everywhere;  /* a decoy: in all arms, those without faults too */
        const char *lasts; /* NULL, or the parameter that is its longest duration */
        const struct fault_param *params;
        size_t params_count;
        const char *one_of; /* NULL, or the names of which at least one is needed: "rate per_request" */
        /* Puts it into the fleet; called once, at its start. */
        void (*inject)(struct fault_run *run);
        /* Undoes inject exactly; also when the target died meanwhile. */
        void (*lift)(struct fault_run *run);
};

/* What a kind may ask of whoever injects it, about other entries by their name. */
struct fault_host {
        void *user;
        uint32_t service_count;
        bool (*is_on)(void *user, const char *entry, uint32_t service);
        /* Puts it in again where it was mended; whether it had been. */
        bool (*reapply)(void *user, const char *entry);
};

/* One fault that is to act, or acts, in one fleet: made by the injector, read
 * and filled by the kind. */
struct fault_run {
        const struct fault_ops *ops;
        struct fleet *fleet;
        const struct fault_host *host; /* NULL: nobody to ask */
        const double *arguments; /* by index of the parameter */
        const char *const *texts; /* the same, of those that are names */
        const struct dist *dist; /* an argument that is a distribution */
        double probability;
        uint32_t rank;           /* number of the entry */
        uint64_t stream;         /* of its chance: the entry's name, hashed */
        int64_t now_ns;
        int64_t ramp_for_ns;
        bool has_end;            /* `duration` was given */
        uint32_t edge;           /* or FLEET_NO_INDEX */
        uint32_t load;           /* or FLEET_NO_INDEX */
        uint32_t service;        /* SERVICE, or FLEET_NO_INDEX */
        uint32_t zone;           /* ZONE, or FLEET_NO_INDEX */
        uint32_t from_zone, to_zone; /* ZONES, or FLEET_NO_INDEX */
        bool between_zones;      /* ZONES */
        bool from_fleet;         /* HEALER: the line is {from: fleet, to: healer} */
        bool on_healer;          /* HEALER */
        const uint32_t *instances;
        uint32_t instance_count;
        struct effect effects[FAULT_EFFECT_MAX]; /* the kind's; zero at first */
        uint32_t effect_count;   /* in use, for the record of what they did */
        uint64_t touched;        /* targets touched at once, by the kind */
        void *state;             /* the kind's own, from inject to lift */
        const char *measured_what; /* of effects[0].measured: "added delay (s)"; static */
};

/* An effect of this fault with what all have in common. */
struct effect *fault_effect(struct fault_run *run, enum effect_kind kind, enum fleet_layer layer);

/* Puts an effect on the fault's target, of those that its kind takes. */
void fault_effect_on_targets(struct fault_run *run, struct effect *effect);

/* For kinds whose effects are all there is to lift. */
void fault_lift_effects(struct fault_run *run);

/* All kinds, in catalogue order. */
extern const struct fault_ops *const fault_catalogue[];
extern const size_t fault_catalogue_count;

/* A list of kinds is one number: the n-th digit to base 256 is its place in the
 * catalogue, from 1. NULL past its end. */
const struct fault_ops *fault_kinds_at(double kinds, uint32_t n);
double fault_kinds_add(double kinds, uint32_t n, const struct fault_ops *kind);
/* Whether a kind can be a part of others: on instances, without arguments. */
bool fault_can_be_part(const struct fault_ops *kind);

/* NULL when there is none of that name. */
const struct fault_ops *fault_find(const char *name);

/* Index of a parameter, or -1. */
int fault_param_index(const struct fault_ops *ops, const char *name);

/* Whether all that ramps stands at its neutral value, and something does: then
 * nothing is done to whom it was put on. */
bool fault_is_neutral(const struct fault_ops *ops, const double *arguments);

#endif
