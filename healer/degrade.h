/* healer/degrade.h - do less on purpose, before the load does it to you.
 *
 * A ladder belongs to one resource (cpu, memory, tokens, latency ...). It turns
 * the usage of that resource into a level, and a level says how much is still
 * done: what share of requests is let in, how long a call may take, how good an
 * answer must be, how many run at once, which features are off.
 *
 *   level      capacity  usage >=  timeout x  quality  concurrency  off
 *   FULL       100 %      0 %      1.0        .95      no limit     nothing
 *   REDUCED_1   75 %     90 %       .8        .85      10           detailed metrics, verbose log
 *   REDUCED_2   50 %     95 %       .6        .75       5           + pattern learning
 *   REDUCED_3   25 %     98 %       .4        .60       2           + analytics
 *   MINIMAL     10 %     99 %       .2        .50       1           + optimization
 *
 * Down (to a more degraded level) at once, as many levels as the usage says. Up
 * by one level only, and only after usage has stayed below the current level's
 * cut-off less a margin for a dwell; then the dwell starts again. At most one
 * automatic change per update. A level set by hand holds until it is released
 * or expires; the automatic level is worked out meanwhile and takes over then.
 *
 * Two sides: the owner (one thread at a time) calls update, set, release,
 * reset; the request path (any thread) calls admit, timeout, quality,
 * concurrency, level, which are a load each, admit a little more.
 *
 * Feature flags, rules and the four-level capability scale are below.
 */
#ifndef HEALER_DEGRADE_H
#define HEALER_DEGRADE_H

#include "healer/shed.h"

HEALER_BEGIN_DECLS

#define HEALER_DEGRADE_LEVELS_MAX 8u
#define HEALER_DEGRADE_HISTORY 64u
#define HEALER_DEGRADE_REASON_BYTES 48u

enum healer_degrade_default_level {
        HEALER_DEGRADE_FULL = 0,
        HEALER_DEGRADE_REDUCED_1,
        HEALER_DEGRADE_REDUCED_2,
        HEALER_DEGRADE_REDUCED_3,
        HEALER_DEGRADE_MINIMAL,
        HEALER_DEGRADE_DEFAULT_LEVELS
};

/* One row of a table; level 0 is full service. */
struct healer_degrade_level {
        const char *name;
        double capacity_percent; /* share of requests let in, (0, 100] */
        double usage_percent;    /* from this usage on, inclusive */
        double timeout_ratio;    /* (0, 1] */
        double quality_ratio;    /* (0, 1] */
        uint32_t concurrency;    /* 0: no limit */
        uint32_t off_count;
        const char *const *off;  /* features off from this level on, beside those of lesser ones */
};

struct healer_degrade_config {
        uint32_t size;
        uint32_t level_count; /* 2..8; default 5 */
        /* The table; rows and texts must outlive the ladder. NULL: the table above. It must
         * begin at usage 0 and capacity 100, and from row to row usage must rise, and
         * capacity, timeout and quality fall, all strictly; concurrency must fall strictly
         * from the first row that has a limit on. */
        const struct healer_degrade_level *levels;
        double margin_percent;    /* points below the cut-off, 0..50; default 2 */
        int64_t dwell_ns;         /* >= 0; default 30 s */
        double first_cut_percent; /* replaces the usage of row 1, as 85 for memory; 0: not */
        uint64_t id;
        struct healer_event_ring *events; /* may be NULL */
        int64_t mix_window_ns;            /* see healer/shed.h; default 10 s */
        uint32_t threads;                 /* enum healer_threads, of the request path */
        uint32_t reserved;
        const struct healer_allocator *allocator;
};

/* Why a level changed; the `cause` of its event. */
enum healer_degrade_cause {
        HEALER_DEGRADE_BY_USAGE = 0, /* usage at or above a cut-off */
        HEALER_DEGRADE_BY_DWELL,     /* a good dwell */
        HEALER_DEGRADE_BY_HAND,
        HEALER_DEGRADE_BY_RELEASE,   /* the hand let go */
        HEALER_DEGRADE_BY_EXPIRY,    /* the hand's time was over */
        HEALER_DEGRADE_BY_RESET,
        HEALER_DEGRADE_BY_RULE,
        HEALER_DEGRADE_BY_HEALTH,
        HEALER_DEGRADE_BY_PREDICTION, /* a floor was set, see healer_degrade_floor() */
        HEALER_DEGRADE_CAUSE_COUNT
};

struct healer_degrade_change {
        int64_t at_ns;
        uint32_t from;
        uint32_t to;
        uint32_t cause;
        uint32_t reserved;
        double usage_percent; /* NaN: none known */
        char reason[HEALER_DEGRADE_REASON_BYTES];
};

struct healer_degrade;

struct healer_degrade_snapshot {
        uint32_t level;           /* in force */
        uint32_t automatic_level; /* what usage alone implies */
        uint32_t manual;          /* 1: a hand holds it */
        uint32_t changes_count;   /* in `changes`, newest last */
        int64_t manual_until_ns;  /* HEALER_NEVER: until released */
        uint32_t floor_level;     /* see healer_degrade_floor(); 0: none */
        uint32_t reserved;
        double usage_percent;     /* the last known, NaN: none */
        int64_t at_level_ns[HEALER_DEGRADE_LEVELS_MAX]; /* sum: since create, up to now */
        uint64_t downs;           /* changes to a more degraded level */
        uint64_t ups;
        uint64_t usage_missing;   /* updates with NaN */
        uint64_t time_went_back;
        uint64_t changes_dropped; /* older than `changes` */
        struct healer_degrade_change changes[HEALER_DEGRADE_HISTORY];
};

HEALER_API struct healer_degrade_config healer_degrade_config_defaults(void);
/* The same with memory's own first cut-off, 85 %. */
HEALER_API struct healer_degrade_config healer_degrade_config_memory(void);
HEALER_API const char *healer_degrade_config_check(const struct healer_degrade_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_degrade_create(const struct healer_degrade_config *config, int64_t now_ns,
                      struct healer_degrade **out);
HEALER_API void healer_degrade_destroy(struct healer_degrade *degrade);

/* 100 x value / limit, for latency, quotas and queues; NaN for a limit <= 0. */
HEALER_API double healer_degrade_usage_percent(double value, double limit);

/* ---- the owner's side ---- */

/* Usage now, in percent; NaN: not known, which keeps the level and is counted.
 * Answers the level in force. */
HEALER_API uint32_t healer_degrade_update(struct healer_degrade *degrade, double usage_percent,
                                          int64_t now_ns);
/* Sets a level by hand (or by a rule or health check: `cause`) until release or
 * `until_ns` (HEALER_NEVER: no expiry). `reason` is copied, cut at 47 bytes,
 * may be NULL. HEALER_E_RANGE: no such level, or `until_ns` is past. */
HEALER_API enum healer_err healer_degrade_set(struct healer_degrade *degrade, uint32_t level,
                                              enum healer_degrade_cause cause,
                                              const char *reason, int64_t until_ns,
                                              int64_t now_ns);
/* Ends the hold of healer_degrade_set(); nothing to do without one. */
HEALER_API void healer_degrade_release(struct healer_degrade *degrade, int64_t now_ns);
/* At least this level until `until_ns`, for what is foreseen but not there yet;
 * level 0 takes it back. Usage may still ask for more, and a hand has the last
 * word. HEALER_E_RANGE: no such level, or `until_ns` is past. */
HEALER_API enum healer_err healer_degrade_floor(struct healer_degrade *degrade, uint32_t level,
                                                const char *reason, int64_t until_ns,
                                                int64_t now_ns);
/* FULL at once, whatever holds it; logged also if it was FULL. */
HEALER_API void healer_degrade_reset(struct healer_degrade *degrade, int64_t now_ns);
HEALER_API void healer_degrade_snapshot(const struct healer_degrade *degrade, int64_t now_ns,
                                        struct healer_degrade_snapshot *out);

/* ---- the request's side ---- */

HEALER_API uint32_t healer_degrade_level(const struct healer_degrade *degrade);
/* The row of `level`, or NULL; its texts are those of the config. */
HEALER_API const struct healer_degrade_level *
healer_degrade_row(const struct healer_degrade *degrade, uint32_t level);
/* Lets in the level's capacity, lowest priority shed first (healer/shed.h). */
HEALER_API HEALER_NODISCARD bool healer_degrade_admit(struct healer_degrade *degrade,
                                                      uint32_t priority, int64_t now_ns);
/* base x the level's multiplier, saturating, at least 1 ns for base > 0; read
 * it once, at the start of a call, and enforce it. HEALER_NEVER stays so. */
HEALER_API int64_t healer_degrade_timeout_ns(const struct healer_degrade *degrade,
                                             int64_t base_ns);
HEALER_API double healer_degrade_quality_ratio(const struct healer_degrade *degrade);
/* min(limit, the level's), at least 1; limit 0 means none, and 0 answers "none". */
HEALER_API uint32_t healer_degrade_concurrency(const struct healer_degrade *degrade,
                                               uint32_t limit);
/* Is `feature` on no off list of the level in force? Unknown ones are on. */
HEALER_API bool healer_degrade_has(const struct healer_degrade *degrade, const char *feature);

/* ---- features: flags with levels, priorities and dependencies ---- */

struct healer_feature {
        const char *name;       /* unique */
        uint32_t off_from;      /* off at this level and beyond; HEALER_FEATURE_ALWAYS: never */
        uint32_t priority;      /* off at levels whose min_priority is above it */
        uint32_t needs_count;   /* features it depends on, by name */
        uint32_t reserved;
        const char *const *needs;
};
#define HEALER_FEATURE_ALWAYS UINT32_MAX

struct healer_features_config {
        uint32_t size;
        uint32_t feature_count; /* 1..4096 */
        const struct healer_feature *features; /* copied but for the texts, which must outlive */
        uint32_t level_count;                  /* 1..8 */
        uint32_t reserved;
        /* Per level: features of a lower priority are off. Must not fall from level to level. */
        uint32_t min_priority[HEALER_DEGRADE_LEVELS_MAX];
        uint64_t id;
        struct healer_event_ring *events; /* FEATURE_CHANGED: item = index, from, to = 0 or 1 */
        const struct healer_allocator *allocator;
};

enum healer_feature_cause {
        HEALER_FEATURE_BY_LEVEL = 0,
        HEALER_FEATURE_BY_FORCE,
        HEALER_FEATURE_BY_RELEASE,
        HEALER_FEATURE_BY_EXPIRY,
        HEALER_FEATURE_BY_NEED, /* something it depends on changed */
};

struct healer_features;

HEALER_API struct healer_features_config healer_features_config_defaults(void);
/* HEALER_E_RANGE with *reason set (if reason is given): duplicate names, unknown
 * needs, bad levels. HEALER_E_CYCLE: needs that lead back to themselves. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_features_create(const struct healer_features_config *config, int64_t now_ns,
                       const char **reason, struct healer_features **out);
HEALER_API void healer_features_destroy(struct healer_features *features);
/* The state follows from the level, forces and needs alone, not from the way
 * there. Events: features going off lowest priority first, coming on highest
 * first; `usage_percent` goes into them. */
HEALER_API void healer_features_update(struct healer_features *features, uint32_t level,
                                       double usage_percent, int64_t now_ns);
/* Forced on or off until released or `until_ns`; on still needs its needs. */
HEALER_API enum healer_err healer_features_force(struct healer_features *features,
                                                 const char *name, bool on, int64_t until_ns,
                                                 int64_t now_ns);
HEALER_API enum healer_err healer_features_release(struct healer_features *features,
                                                   const char *name, int64_t now_ns);
/* Index of a name, UINT32_MAX if unknown; for the quick question below. */
HEALER_API uint32_t healer_features_find(const struct healer_features *features,
                                         const char *name);
/* One load, any thread. An unknown index is on. */
HEALER_API bool healer_features_is_on(const struct healer_features *features, uint32_t index);

/* ---- the four-level scale ---- */

enum healer_mode {
        HEALER_MODE_FULL = 0,
        HEALER_MODE_REDUCED,
        HEALER_MODE_MINIMAL,
        HEALER_MODE_EMERGENCY,
        HEALER_MODE_COUNT
};

/* What is left of a capability in each mode, in the capability's own unit. */
struct healer_capability {
        const char *name;
        double values[HEALER_MODE_COUNT];
};
/* parallel-processing 100/50/25/0 %, cache-size 100/75/50/25 %,
 * request-timeout 30000/30000/10000/5000 ms, batch-size 100/100/100/10. */
HEALER_API extern const struct healer_capability healer_default_capabilities[4];
/* 0 stays 0. An unknown name answers 100. */
HEALER_API double healer_capability_level(const struct healer_capability *table, uint32_t count,
                                          const char *name, enum healer_mode mode);
/* One table drives both scales: FULL is full, REDUCED_1 and _2 reduced,
 * REDUCED_3 minimal, MINIMAL emergency; other tables are mapped in proportion. */
HEALER_API enum healer_mode healer_mode_of_level(uint32_t level, uint32_t level_count);
HEALER_API uint32_t healer_level_of_mode(enum healer_mode mode, uint32_t level_count);
HEALER_API const char *healer_mode_name(enum healer_mode mode);

/* ---- rules: conditions on metrics that ask for a level ---- */

enum healer_rule_kind {
        HEALER_RULE_THRESHOLD = 0, /* metric op value */
        HEALER_RULE_TREND,         /* (metric now - metric over_ns ago) op value */
        HEALER_RULE_ALL,           /* every one of the rules `parts` */
        HEALER_RULE_ANY,           /* at least one of them */
        HEALER_RULE_KIND_COUNT
};

enum healer_rule_op {
        HEALER_RULE_GT = 0,
        HEALER_RULE_GE,
        HEALER_RULE_LT,
        HEALER_RULE_LE,
        HEALER_RULE_EQ,
        HEALER_RULE_OP_COUNT
};

#define HEALER_RULE_PARTS_MAX 8u
#define HEALER_RULE_NO_LEVEL UINT32_MAX

struct healer_rule {
        const char *name;
        uint32_t kind;     /* enum healer_rule_kind */
        uint32_t metric;   /* index into the values given to evaluate */
        uint32_t op;       /* enum healer_rule_op */
        uint32_t level;    /* asked for when it fires; HEALER_RULE_NO_LEVEL: only a part */
        double value;
        int64_t over_ns;     /* TREND: > 0 */
        int64_t duration_ns; /* must hold without a break for so long */
        int64_t grace_ns;    /* then looked at once more after so long, and must hold again */
        uint32_t stays;      /* 1: once fired it asks until forced; 0: while it holds */
        uint32_t parts_count;
        uint32_t parts[HEALER_RULE_PARTS_MAX]; /* indices of earlier rules */
};

struct healer_rules_config {
        uint32_t size;
        uint32_t rule_count;   /* 1..256 */
        const struct healer_rule *rules; /* copied but for the names */
        uint32_t metric_count; /* 1..256 */
        uint32_t level_count;  /* 2..8 */
        int64_t check_ns;      /* looked at this often, >= 0; default 5 s */
        const struct healer_allocator *allocator;
};

struct healer_rules;

struct healer_rules_answer {
        uint32_t level;      /* of the first rule that fires; 0: none */
        uint32_t rule;       /* its index; UINT32_MAX: none */
        uint32_t may_recover; /* 1: no rule fires, score >= 80 and nothing is unhealthy */
        uint32_t looked;     /* 0: not yet time to look again, the answer is the last one */
};

HEALER_API struct healer_rules_config healer_rules_config_defaults(void);
/* The documented rule: score < 50 asks for the last level. Metric 0 is the score. */
HEALER_API struct healer_rule healer_rule_low_score(uint32_t level_count);
HEALER_API const char *healer_rules_config_check(const struct healer_rules_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_rules_create(const struct healer_rules_config *config, struct healer_rules **out);
HEALER_API void healer_rules_destroy(struct healer_rules *rules);
/* `values` has metric_count entries; NaN makes a condition false. */
HEALER_API struct healer_rules_answer healer_rules_evaluate(struct healer_rules *rules,
                                                            const double *values, double score,
                                                            uint32_t unhealthy_count,
                                                            int64_t now_ns);
/* Forgets everything that fired or is on its way to. */
HEALER_API void healer_rules_reset(struct healer_rules *rules);

HEALER_END_DECLS

#endif
