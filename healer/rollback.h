/* healer/rollback.h - back to the last state that was seen to be good.
 *
 * A rollback manager keeps *snapshots* of components: their state or their
 * configuration, as bytes, with a label and a checksum. A snapshot is only a
 * copy until somebody says that the component was well with it
 * (healer_rollback_verify()); only verified ones are gone back to, the newest
 * first. One whose bytes have changed, or that the caller's own `validate`
 * refuses, is rejected and the older one is used. A deployment is rolled back by a
 * *platform*: an adapter that starts it and is asked how it stands until it has
 * ended or its time is over; until it has ended nothing else is begun on that
 * component.
 *
 * Each rollback ends in one way, with what it went from and to and why it
 * failed, is kept in a bounded history, and goes to `on_end`. When there is
 * nothing to go back to it fails with that reason; every failure calls
 * `on_escalate`, since what was to help did not.
 *
 *     previous_state, config   `apply` (the built-in: the caller's apply callback)
 *     deployment               the platform of that component, or the default one
 *
 * A caller's own manager of a type replaces the built-in one
 * (healer_rollback_replace()).
 *
 * For who embeds a healer: it carries out the orders rollback_deployment, rollback_config
 * and restore_state. In a simulated run the fleet's own actuators do that.
 *
 * The time is the caller's. One owner at a time; callbacks must not call back in
 * (HEALER_E_BUSY). Two allocations at create; `bytes_max` bounds all snapshots
 * together, and the oldest that nothing depends on goes first.
 */
#ifndef HEALER_ROLLBACK_H
#define HEALER_ROLLBACK_H

#include "healer/alloc.h"

#include <stdbool.h>
#include <stddef.h>

HEALER_BEGIN_DECLS

enum healer_rollback_type {
        HEALER_ROLLBACK_PREVIOUS_STATE,
        HEALER_ROLLBACK_CONFIG,
        HEALER_ROLLBACK_DEPLOYMENT,
        HEALER_ROLLBACK_TYPE_COUNT
};

HEALER_API extern const char *const healer_rollback_names[HEALER_ROLLBACK_TYPE_COUNT];

enum { HEALER_ROLLBACK_NAME_MAX = 48, HEALER_ROLLBACK_HISTORY_MAX = 256 };

/* What became of one. */
struct healer_rollback_result {
        enum healer_rollback_type type;
        char component[HEALER_ROLLBACK_NAME_MAX];
        char from[HEALER_ROLLBACK_NAME_MAX], to[HEALER_ROLLBACK_NAME_MAX]; /* labels */
        bool success;
        char error[64];      /* "" with success */
        uint32_t rejected;   /* snapshots that were passed over: corrupt, or refused */
        int64_t started_ns, ended_ns;
};

struct healer_snapshot {
        const char *label;
        const void *bytes;
        size_t size;
        int64_t kept_ns;
};

/* True: done. `error` may be given words of up to 63 bytes. */
struct healer_rollback_ops {
        void *ctx;
        /* May this snapshot be gone back to? NULL: yes. */
        bool (*validate)(void *ctx, const char *component, const struct healer_snapshot *snapshot);
        bool (*apply)(void *ctx, const char *component, const struct healer_snapshot *snapshot,
                      char error[64]);
        /* Is the component well with it? NULL: not asked. */
        bool (*confirm)(void *ctx, const char *component, const struct healer_snapshot *snapshot);
};

enum healer_platform_state { HEALER_PLATFORM_WORKING, HEALER_PLATFORM_DONE, HEALER_PLATFORM_FAILED };

/* A deployment system. */
struct healer_platform {
        const char *name;
        void *ctx;
        /* Starts going back from the running version; `from` and `to` (of 48 bytes)
         * may be given the versions. False: it does not even start. */
        bool (*start)(void *ctx, const char *component, char *from, char *to, char error[64]);
        enum healer_platform_state (*poll)(void *ctx, const char *component, char error[64]);
        /* Its time is over; may be NULL. It is still polled until it has ended. */
        void (*cancel)(void *ctx, const char *component);
};

struct healer_rollback_config {
        uint32_t size;
        uint32_t snapshots_max;   /* of all components, 1..4096; default 64 */
        size_t bytes_max;         /* of all snapshots, 1..1 GiB; default 1 MiB */
        uint32_t each_max;        /* of one component and type, 1..64; default 8 */
        uint32_t platforms_max;   /* rollbacks of deployments at a time, 1..64; default 8 */
        int64_t timeout_ns;       /* of a deployment's rollback, > 0; default 600 s */
        void (*on_end)(void *ctx, const struct healer_rollback_result *result);      /* may be NULL */
        void (*on_escalate)(void *ctx, const struct healer_rollback_result *result); /* may be NULL */
        void *ctx;
        const struct healer_allocator *allocator;
};

struct healer_rollback;

HEALER_API struct healer_rollback_config healer_rollback_config_defaults(void);
HEALER_API const char *healer_rollback_config_check(const struct healer_rollback_config *config);
/* `ops` does states and configurations; it is copied. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_rollback_create(const struct healer_rollback_config *config,
                       const struct healer_rollback_ops *ops, struct healer_rollback **out);
HEALER_API void healer_rollback_destroy(struct healer_rollback *rollback);

/* A manager of the caller's own for states or configurations, in place of the one
 * given at create; HEALER_E_RANGE for deployments, which are platforms'. */
HEALER_API enum healer_err healer_rollback_replace(struct healer_rollback *rollback,
                                                   enum healer_rollback_type type,
                                                   const struct healer_rollback_ops *ops);
/* The platform of a component; "" is that of all others. Copied, but for its
 * texts and ctx. HEALER_E_FULL: 64 have one. */
HEALER_API enum healer_err healer_rollback_platform(struct healer_rollback *rollback,
                                                    const char *component,
                                                    const struct healer_platform *platform);

/* Keeps a copy. The label (1..47 bytes) names what is running now, too. HEALER_E_RANGE:
 * a name or a size out of its range; HEALER_E_FULL: larger than bytes_max. */
HEALER_API enum healer_err healer_rollback_keep(struct healer_rollback *rollback,
                                                enum healer_rollback_type type,
                                                const char *component, const char *label,
                                                const void *bytes, size_t size, int64_t now_ns);
/* The component was well with it. HEALER_E_NOT_FOUND. */
HEALER_API enum healer_err healer_rollback_verify(struct healer_rollback *rollback,
                                                  enum healer_rollback_type type,
                                                  const char *component, const char *label);

/* Goes back. For states and configurations the end is in `*result`; what runs now
 * (the newest one kept) is not gone back to unless it is itself verified and
 * nothing newer was kept. A deployment begins, and ends in poll: HEALER_OK with
 * `result->ended_ns` HEALER_NEVER. HEALER_E_FAILED: it failed, `*result` says why;
 * HEALER_E_EXISTS: one is under way there. */
HEALER_API enum healer_err healer_rollback_run(struct healer_rollback *rollback,
                                               enum healer_rollback_type type,
                                               const char *component, int64_t now_ns,
                                               struct healer_rollback_result *result);
/* Asks the platforms. `*next_ns`: when a time is over; ask often enough besides. */
HEALER_API enum healer_err healer_rollback_poll(struct healer_rollback *rollback, int64_t now_ns,
                                                int64_t *next_ns);

/* The k-th newest of the history, 0 the newest; NULL past its end. */
HEALER_API const struct healer_rollback_result *
healer_rollback_past(const struct healer_rollback *rollback, uint32_t k);

struct healer_rollback_stats {
        uint64_t succeeded, failed, timed_out, rejected, dropped; /* dropped: snapshots for room */
        uint64_t late; /* ended after their time was over */
        uint32_t snapshots, working;
        size_t bytes;
};

HEALER_API struct healer_rollback_stats
healer_rollback_stats(const struct healer_rollback *rollback);

HEALER_END_DECLS

#endif
