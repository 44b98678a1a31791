/* healer/restart.h - restart with patience, and know when to ask for help.
 *
 * A group supervises children in the order they were started. When one fails,
 * healer_restart_failed() answers what to do:
 *   ONE_FOR_ONE   restart that child
 *   ONE_FOR_ALL   restart them all
 *   REST_FOR_ONE  restart it and those started after it
 * after a wait that grows with the child's restarts: first 10 s, doubling to
 * 300 s, and 10 s again once it has been good for 600 s. More than
 * intensity_max restarts (requests for one, whatever it takes along) of age <=
 * intensity_ns within the group and it answers ESCALATE: the parent's turn.
 *
 * The ladder climbs for one incident (a key): retry -> fallback -> degrade ->
 * restart -> failover -> page. Each step has a timeout, after which it has
 * failed, and a cool-down during which it is skipped for that key. While an
 * incident is open the same key is a duplicate: one climb at a time.
 *
 * One owner at a time; no allocation after create; everything is bounded.
 */
#ifndef HEALER_RESTART_H
#define HEALER_RESTART_H

#include "healer/event_ring.h"

#include <stdbool.h>

HEALER_BEGIN_DECLS

#define HEALER_RESTART_CHILDREN_MAX 64u

enum healer_restart_strategy {
        HEALER_RESTART_ONE_FOR_ONE = 0,
        HEALER_RESTART_ONE_FOR_ALL,
        HEALER_RESTART_REST_FOR_ONE,
        HEALER_RESTART_STRATEGY_COUNT
};

struct healer_restart_config {
        uint32_t size;
        uint32_t children;      /* 1..64 */
        uint32_t strategy;      /* enum healer_restart_strategy */
        uint32_t intensity_max; /* restarts within intensity_ns, 1..1000; default 5 */
        int64_t intensity_ns;   /* > 0; default 600 s */
        int64_t wait_first_ns;  /* > 0; default 10 s */
        int64_t wait_max_ns;    /* >= wait_first_ns; default 300 s */
        double wait_multiplier; /* 1..100; default 2 */
        int64_t good_after_ns;  /* > 0; default 600 s */
        uint64_t id;
        struct healer_event_ring *events; /* RESTARTED (item = child), ESCALATION_TRIGGERED */
        const struct healer_allocator *allocator;
};

enum healer_restart_answer {
        HEALER_RESTART_THESE = 0,
        HEALER_RESTART_ESCALATE,
};

struct healer_restart_plan {
        enum healer_restart_answer answer;
        uint64_t children; /* bit i: child i; stop from the last, start from the first */
        int64_t wait_ns;   /* before starting them */
};

struct healer_restart;

HEALER_API struct healer_restart_config healer_restart_config_defaults(void);
HEALER_API const char *healer_restart_config_check(const struct healer_restart_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_restart_create(const struct healer_restart_config *config, int64_t now_ns,
                      struct healer_restart **out);
HEALER_API void healer_restart_destroy(struct healer_restart *restart);
/* `child` has failed. After ESCALATE the group starts afresh when the parent
 * has called healer_restart_reset(); until then it goes on answering ESCALATE. */
HEALER_API struct healer_restart_plan healer_restart_failed(struct healer_restart *restart,
                                                            uint32_t child, int64_t now_ns);
HEALER_API void healer_restart_reset(struct healer_restart *restart, int64_t now_ns);

/* ---- the ladder ---- */

enum healer_ladder_step {
        HEALER_LADDER_RETRY = 0,
        HEALER_LADDER_FALLBACK,
        HEALER_LADDER_DEGRADE,
        HEALER_LADDER_RESTART,
        HEALER_LADDER_FAILOVER,
        HEALER_LADDER_PAGE,
        HEALER_LADDER_STEPS
};

struct healer_ladder_config {
        uint32_t size;
        uint32_t incidents_max;                     /* open and cooling down, 1..4096; default 64 */
        int64_t timeout_ns[HEALER_LADDER_STEPS];    /* > 0; default 30 s, page 300 s */
        int64_t cool_down_ns[HEALER_LADDER_STEPS];  /* >= 0; default 0, restart 60 s, failover 300 s */
        uint32_t off[HEALER_LADDER_STEPS];          /* 1: this step is not there */
        uint64_t id;
        struct healer_event_ring *events; /* ESCALATION_TRIGGERED per step, item = step */
        const struct healer_allocator *allocator;
};

enum healer_ladder_verdict {
        HEALER_LADDER_TRY = 0,   /* do `step`, report by `deadline_ns` */
        HEALER_LADDER_DUPLICATE, /* that incident is being climbed already */
        HEALER_LADDER_HEALED,
        HEALER_LADDER_EXHAUSTED, /* the last step has failed too; the incident is closed */
        HEALER_LADDER_FULL,      /* no place for another incident; counted */
        HEALER_LADDER_UNKNOWN,   /* no such incident is open, or the report came late */
};

struct healer_ladder_answer {
        enum healer_ladder_verdict verdict;
        enum healer_ladder_step step;
        int64_t deadline_ns;
};

struct healer_ladder;

HEALER_API struct healer_ladder_config healer_ladder_config_defaults(void);
HEALER_API const char *healer_ladder_config_check(const struct healer_ladder_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_ladder_create(const struct healer_ladder_config *config, struct healer_ladder **out);
HEALER_API void healer_ladder_destroy(struct healer_ladder *ladder);
HEALER_API struct healer_ladder_answer healer_ladder_open(struct healer_ladder *ladder,
                                                          uint64_t key, int64_t now_ns);
/* `step` of that incident has ended. A step that is not the current one: UNKNOWN. */
HEALER_API struct healer_ladder_answer healer_ladder_report(struct healer_ladder *ladder,
                                                            uint64_t key,
                                                            enum healer_ladder_step step,
                                                            bool healed, int64_t now_ns);
/* Steps out of time: answers one incident per call that moved on, with its key;
 * false: none. `*next_ns`: when to ask again. */
HEALER_API bool healer_ladder_poll(struct healer_ladder *ladder, int64_t now_ns, uint64_t *key,
                                   struct healer_ladder_answer *answer, int64_t *next_ns);
HEALER_API const char *healer_ladder_step_name(enum healer_ladder_step step);

HEALER_END_DECLS

#endif
