/* healer/store/store.h - what a healer did and knows, in an SQLite file.
 *
 *     healing --> add (a queue in memory) ... pump (another thread) --> the file
 *
 * A library beside libhealer (pkg-config healer-store), for those who want it:
 * libhealer itself needs libc and libm only. healer_store_add() and the calls that
 * stand on it put a record into a bounded queue and never touch the file, so that
 * healing never waits for a disk. healer_store_pump() writes what waits, in
 * batches of one transaction each, once a batch is full or the flush interval has
 * passed. It owns no clock and no thread: the caller passes the time, and calls
 * pump from a thread that may wait.
 *
 * A process that is killed loses what was queued since the last batch, and never
 * the file. A full disk, a locked or a read-only file loses records once the
 * queue is full: they are counted, `say` is told once when it begins and once
 * when it is over, and nothing else happens.
 *
 * The file is made on first use; tables and columns that an older one lacks are
 * added, what it has beside them stays. A file may hold other tables too, and
 * several processes may write to it. Every life of a healer is a *session*; one
 * that follows another of the same `source` may go on with it, and is told what
 * was open (healer/resume.h).
 *
 * Threads: add and watch from any, pump from any (one at a time; another answers
 * HEALER_E_BUSY). Memory: 1.3 KiB a place in the queue, all taken at open.
 */
#ifndef HEALER_STORE_STORE_H
#define HEALER_STORE_STORE_H

#include "healer/heal_rules.h"
#include "healer/healer.h"
#include "healer/resume.h"
#include "healer/rollback.h"

HEALER_BEGIN_DECLS

enum healer_table {
        HEALER_TABLE_ERROR_INCIDENTS,
        HEALER_TABLE_RECOVERY_PROCEDURES,
        HEALER_TABLE_SYSTEM_HEALTH_METRICS,
        HEALER_TABLE_DIAGNOSIS_RESULTS,
        HEALER_TABLE_RECOVERY_ACTIONS,
        HEALER_TABLE_LEARNING_PATTERNS,
        HEALER_TABLE_UNIFIED_BRAIN,
        HEALER_TABLE_AI_PROACTIVE_HEALTH,
        HEALER_TABLE_AI_ROLLBACK_HISTORY,
        HEALER_TABLE_AI_ERROR_LOGS,
        HEALER_TABLE_AI_RECOVERY_ACTIONS_LOG,
        HEALER_TABLE_AI_COMPONENT_HEALTH,
        HEALER_TABLE_AI_ERROR_PATTERNS,
        HEALER_TABLE_AI_HEALING_RULES,
        HEALER_TABLE_SELF_HEALING_INCIDENTS,
        HEALER_TABLE_REMEDIATION_PLANS,
        HEALER_TABLE_HEALTH_PATTERNS,
        HEALER_TABLE_REMEDIATION_HISTORY,
        HEALER_TABLE_HEALING_INCIDENTS,
        HEALER_TABLE_HEALING_RECONCILIATIONS,
        HEALER_TABLE_HEALING_METRICS_HISTORY,
        HEALER_TABLE_CIRCUIT_BREAKERS,
        HEALER_TABLE_CIRCUIT_BREAKER_STATE_HISTORY, /* a trigger writes it */
        HEALER_TABLE_HEALTH_CHECKS,
        HEALER_TABLE_COMPONENT_HEALTH_SUMMARY,
        HEALER_TABLE_RECOVERY_EVENTS,
        HEALER_TABLE_DEGRADATION_STATE,
        HEALER_TABLE_FEATURE_FLAGS,
        HEALER_TABLE_CHAOS_EXPERIMENTS,
        HEALER_TABLE_CHAOS_EXPERIMENT_EVENTS,
        HEALER_TABLE_SYSTEM_HEALTH_SNAPSHOTS,
        HEALER_TABLE_HEALER_PREDICTIONS,
        HEALER_TABLE_COUNT
};

struct healer_store_config {
        uint32_t size;              /* sizeof(struct healer_store_config) */
        uint32_t batch_size;        /* records a transaction, 1..10000; default 100 */
        uint32_t queue_max;         /* records that may wait, batch_size..100000; default 1024 */
        uint32_t resume;            /* 1: go on with `session`; default 0 */
        uint64_t session;           /* which one; 0 (default): the newest of `source` */
        const char *path;           /* needed; read during open only, as all texts here */
        const char *source;         /* who writes, 1..63 bytes; default "healer" */
        int64_t flush_interval_ns;  /* > 0; default 5 s */
        int64_t retention_ns;       /* of what happened, > 0; default 30 d (production: 90 d) */
        int64_t checks_retention_ns; /* of checks and samples, > 0; default 7 d */
        int64_t busy_ns;            /* a write waits so long for a locked file, 0..60 s; default 1 s */
        int64_t health_interval_ns; /* between the healths that watch writes, > 0; default 60 s */
        const struct healer_topology *topology; /* names; may be NULL */
        const struct healer_config *healer;     /* thresholds; may be NULL */
        void (*say)(void *ctx, const char *line); /* trouble begins or ends; may be NULL */
        void *say_ctx;
        const struct healer_allocator *allocator;
};

struct healer_store;

/* 30 days; and 90 with `production`. */
HEALER_API struct healer_store_config healer_store_config_defaults(void);
HEALER_API struct healer_store_config healer_store_config_production(void);
HEALER_API const char *healer_store_config_check(const struct healer_store_config *config);

/* Opens or makes the file and begins a session at `now_ns`. On HEALER_E_IO (`reason`,
 * of `reason_size` bytes, says why: no such folder, not a database, a newer one),
 * _RANGE, _SIZE and _NOMEM `*out` is NULL. A file that is locked or read-only is
 * no failure: the store begins to write when it can, and says so. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_store_open(const struct healer_store_config *config, int64_t now_ns, char *reason,
                  size_t reason_size, struct healer_store **out);
/* Writes what waits, ends the session and gives back all memory. What cannot be
 * written is said, and lost. */
HEALER_API void healer_store_close(struct healer_store *store);
/* The same without writing anything: what a killed process leaves. */
HEALER_API void healer_store_abandon(struct healer_store *store);

/* ---- writing */

enum healer_value_type { HEALER_VALUE_TEXT, HEALER_VALUE_INTEGER, HEALER_VALUE_REAL };

struct healer_value {
        const char *column;
        enum healer_value_type type;
        const char *text;  /* copied; NULL: no value */
        int64_t integer;
        double real;       /* NaN: no value */
};

#define HEALER_TEXT(column, value) {column, HEALER_VALUE_TEXT, value, 0, 0}
#define HEALER_INTEGER(column, value) {column, HEALER_VALUE_INTEGER, "", (int64_t)(value), 0}
#define HEALER_REAL(column, value) {column, HEALER_VALUE_REAL, "", 0, value}

/* One record. `id` 0: the file's next. In tables with a key (a breaker's name, an
 * incident's id ...) a record of the same key changes what it names and leaves
 * the rest. HEALER_E_NOT_FOUND: no such column; HEALER_E_FULL: the queue is full,
 * counted as lost. Texts longer than a record's room are cut, and counted. */
HEALER_API enum healer_err healer_store_add(struct healer_store *store, enum healer_table table,
                                            int64_t id, int64_t at_ns,
                                            const struct healer_value *values, size_t count);

/* What a supervisor says, orders and is told, as it comes: to be called from its
 * callbacks, and beside healer_observe_result(). */
HEALER_API void healer_store_notice(struct healer_store *store, int64_t at_ns,
                                    const struct healer_notice *notice);
HEALER_API void healer_store_command(struct healer_store *store, int64_t at_ns,
                                     const struct healer_command *command);
HEALER_API void healer_store_result(struct healer_store *store, int64_t at_ns,
                                    const struct healer_result *result);
HEALER_API void healer_store_answer(struct healer_store *store, int64_t at_ns, uint64_t episode,
                                    const char *who, bool yes);
/* After a tick: what is open now, and every health_interval how each service is.
 * Only what has changed becomes records. */
HEALER_API void healer_store_watch(struct healer_store *store, int64_t at_ns,
                                   const struct healer *healer);

/* The unified action log. Writers and types by their names. */
enum healer_log_writer {
        HEALER_WRITER_SELF_HEALING,       /* self_healing_system */
        HEALER_WRITER_ENHANCED,           /* enhanced_self_healing */
        HEALER_WRITER_RECONCILER,         /* self_healing_reconciler */
        HEALER_WRITER_COUNT
};

enum healer_log_type {
        HEALER_LOGGED_HEALTH_CHECK,       /* proactive_health_check */
        HEALER_LOGGED_RESTART,            /* service_restart */
        HEALER_LOGGED_RESTART_FAILED,     /* service_restart_failed */
        HEALER_LOGGED_ROLLBACK,           /* automatic_rollback */
        HEALER_LOGGED_ROLLBACK_FAILED,    /* rollback_failed */
        HEALER_LOGGED_RECONNECTED,        /* db_connection_recovered */
        HEALER_LOGGED_RECONNECT_FAILED,   /* db_recovery_failed */
        HEALER_LOGGED_LEAK_CLEANUP,       /* memory_leak_cleanup */
        HEALER_LOGGED_RECONCILIATION,     /* reconciliation_cycle */
        HEALER_LOGGED_APPROVAL,           /* remediation_approval */
        HEALER_LOGGED_REJECTION,          /* remediation_rejected */
        HEALER_LOGGED_COUNT
};

HEALER_API extern const char *const healer_log_writers[HEALER_WRITER_COUNT];
HEALER_API extern const char *const healer_log_types[HEALER_LOGGED_COUNT];

struct healer_log_entry {
        enum healer_log_writer writer;
        enum healer_log_type type;
        const char *component, *input, *output, *metadata; /* may be NULL */
        bool success;
};

HEALER_API enum healer_err healer_store_log(struct healer_store *store, int64_t at_ns,
                                            const struct healer_log_entry *entry);

/* A rollback that a manager of healer/rollback.h has ended. */
HEALER_API enum healer_err healer_store_rollback(struct healer_store *store,
                                                 const struct healer_rollback_result *result);

/* A breaker is in that state now ("closed", "half-open", "open"). */
HEALER_API enum healer_err healer_store_breaker(struct healer_store *store, int64_t at_ns,
                                                const char *name, const char *state,
                                                const char *reason);

/* ---- into the file */

/* Writes when a batch is full or the flush interval has passed since the last
 * writing, and purges what is older than its retention once an hour. HEALER_E_IO: it
 * could not; what waited still waits. */
HEALER_API enum healer_err healer_store_pump(struct healer_store *store, int64_t now_ns);
/* The same at once. */
HEALER_API enum healer_err healer_store_flush(struct healer_store *store, int64_t now_ns);
/* Takes out what is older than its retention at `now_ns`: exactly as old stays.
 * What is still open stays too. `*rows`, if given: how many went. */
HEALER_API enum healer_err healer_store_purge(struct healer_store *store, int64_t now_ns,
                                              uint64_t *rows);
/* Takes out all that happened, of all sessions; what is (breakers, flags,
 * procedures, patterns) stays. */
HEALER_API enum healer_err healer_store_clear_history(struct healer_store *store);

/* ---- out of it */

/* What the session that this one goes on with had open when it last wrote. With
 * nothing open, or without a session before, both counts are 0. HEALER_E_IO. */
HEALER_API enum healer_err healer_store_recall(struct healer_store *store,
                                               struct healer_open *out);

/* A healing rule as it is now; by its name. HEALER_E_RANGE: not a sound one; else as
 * healer_store_add(). */
HEALER_API enum healer_err healer_store_heal_rule(struct healer_store *store, int64_t at_ns,
                                                  const struct healer_heal_rule *rule);
/* Adds all that the file has, of any session, in the order in which they were first
 * written. What is refused (unsound, there already, no place) is counted in `*refused`
 * and the first of them said in `reason`. HEALER_E_IO. */
HEALER_API enum healer_err healer_store_recall_heal_rules(struct healer_store *store,
                                                          struct healer_heal_rules *rules,
                                                          uint32_t *refused, char *reason,
                                                          size_t reason_size);

struct healer_store_stats {
        uint64_t added, written, lost; /* records; lost: refused, or not writable */
        uint64_t cut;                  /* texts that were too long */
        uint64_t batches, failures;    /* transactions that came to an end, and not */
        uint64_t waiting;
        uint64_t session;              /* 0: not begun yet */
        bool resumed, read_only, failing;
};

HEALER_API struct healer_store_stats healer_store_stats(struct healer_store *store);
/* Of the last failure; "" before any. Lives until the next call. */
HEALER_API const char *healer_store_error(struct healer_store *store);
HEALER_API const char *healer_table_name(enum healer_table table);

HEALER_END_DECLS

#endif
