/* harness/run/healer_face.h - how the run speaks to any healer.
 *
 * In lock-step on virtual time: at each wake-up the healer is told the time
 * and what reached it since the last one, and answers with what it noticed,
 * what it wants done and when it wants to be woken at the latest. libhealer
 * (heal_bridge.c) and an external program are two behind this face; neither is
 * told more than is here. It never sees faults, the fleet's inside or a clock.
 */
#ifndef CHAOS_RUN_HEALER_FACE_H
#define CHAOS_RUN_HEALER_FACE_H

#include "harness/fleet/action.h"
#include "harness/fleet/fleet_spec.h"
#include "harness/fleet/telemetry.h"
#include "harness/run/guards.h"

/* The declared topology: services, edges, objectives and limits of the spec,
 * and the instances that stand at the start. */
struct healer_instance {
        uint32_t service, zone;
        const char *name;    /* "cart-2" */
        const char *version; /* "v1" */
};

struct healer_world {
        const struct fleet_spec *spec;
        const struct healer_instance *instances;
        uint32_t instance_count;
        uint32_t edge_count; /* declared edges, then one a load source */
        const char *const *edge_names;
        int64_t now_ns;
        const char *store_name; /* under which it keeps records of its own; says nothing else */
};

struct healer_wake {
        int64_t now_ns;
        const struct telemetry_batch *batches;
        size_t batch_count;
        const struct fleet_event *events; /* by at_ns */
        size_t event_count;
        const struct fleet_action_result *results;
        size_t result_count;
        const struct healer_instance *instances; /* by index: those of the start and all since */
        uint32_t instance_count;
        const bool *breaker_open; /* by edge: its breaker refuses calls */
};

enum healer_note_kind {
        NOTE_ALARM,             /* opened */
        NOTE_ALARM_CLEARED,
        NOTE_PREDICTION,
        NOTE_DIAGNOSIS,
        NOTE_EPISODE_OPENED,
        NOTE_EPISODE_CLAIMED,   /* by telemetry: what was broken is back, after an action */
        NOTE_EPISODE_VERIFIED,  /* and those who call say the same */
        NOTE_EPISODE_FAILED,    /* given up or escalated without success */
        NOTE_EPISODE_CLOSED,
        NOTE_ESCALATION,
        NOTE_SUGGESTION,        /* would act, but may not */
        NOTE_DEGRADATION,       /* value: level */
        NOTE_WARNING,           /* nobody is hurt yet; type: what of */
        NOTE_KIND_COUNT
};

/* What a healer says comes in lists, which are taken down in this order. */
enum healer_list {
        LIST_ALARMS,
        LIST_PREDICTIONS,
        LIST_DIAGNOSES,
        LIST_EPISODES,
        LIST_ESCALATIONS,
        LIST_SUGGESTIONS,
        LIST_DEGRADATIONS,
        LIST_WARNINGS,
        LIST_COUNT
};

extern const char *const healer_list_names[LIST_COUNT]; /* "alarms" ... */

struct healer_note_row {
        enum healer_list list;
        const char *state; /* "raised", "opened" ...; NULL: the list has one kind only */
};

extern const struct healer_note_row healer_note_rows[NOTE_KIND_COUNT];

/* What the healer says of itself: journalled, graded, never believed. */
struct healer_note {
        enum healer_note_kind kind;
        uint64_t id;            /* alarm, prediction: its own; else 0 */
        uint64_t episode;       /* 0: none */
        uint32_t service;       /* or FLEET_NO_INDEX */
        uint32_t instance;
        uint32_t edge;
        const char *type;       /* failure type ("high_latency") or strategy; static text */
        const char *severity;   /* "low" "medium" "high" "critical" or "" */
        const char *metric;     /* what was violated, or "" */
        double value, limit;
        double confidence;      /* 0..1; NaN where it has no meaning */
        uint32_t rank;          /* diagnosis: 1 is the likeliest cause */
        int64_t eta_ns;         /* prediction: when it expects the failure, or TIME_NEVER */
        const char *context;    /* escalation: what the human is to know, or NULL; the answer's */
};

struct healer_order {
        struct fleet_action action;
        uint64_t episode;
        uint64_t prediction;    /* the prediction it rests on, or 0 */
        bool preventive;        /* the healer's own word; the run judges by itself */
};

struct healer_answer {
        const struct healer_note *notes;
        size_t note_count;
        const struct healer_order *orders;
        size_t order_count;
        /* Edges whose protections are to be these from now on; others keep theirs. */
        const struct edge_protection *protections;
        size_t protection_count;
        int64_t next_wake_ns;   /* TIME_NEVER: only when something comes */
        int64_t thought_ns;     /* of wall time; 0: not worth measuring */
        const char *failure;    /* NULL, or why the healer is broken: ends the replication */
};

struct plan;
struct scenario;

struct healer_ops {
        const char *name;
        /* Makes a healer for one arm of one replication. `key` seeds its chance, if it
         * takes any. NULL when memory is out. */
        void *(*create)(const void *config, const struct healer_world *world, uint64_t key);
        /* First at the very start, with nothing to tell. The answer is the healer's
         * and lives until the next call. */
        const struct healer_answer *(*wake)(void *healer, const struct healer_wake *wake);
        void (*destroy)(void *healer);
        /* After a crash of its host: as create, and `dead` is taken over. What it keeps
         * where a crash does not reach, it may take up: `*open` says how much, or
         * stays -1: nothing is kept (or `*why`, static text, says why it could not be
         * read). With `*open` >= 0 its numbers go on where they were. NULL: always anew. */
        void *(*restart)(void *dead, const void *config, const struct healer_world *world,
                         uint64_t key, int *open, const char **why);
        /* For the oracle of the reference healers alone; NULL in any that is graded.
         * What is going to be done, before the first wake-up of an arm with faults (both
         * outlive the healer; false: out of memory), and each fault as it begins; it is
         * woken then. */
        bool (*foretell)(void *healer, const struct scenario *scenario, const struct plan *plan);
        void (*fault_began)(void *healer, uint32_t number, const uint32_t *instances,
                            uint32_t instance_count);
};

/* libhealer behind the face; `config` is a struct strategy. */
extern const struct healer_ops healer_builtin;

#endif
