/* healer/health_check.h - liveness, readiness and startup of one component.
 *
 * A monitor holds checks. It runs none: healer_checks_next() says which check
 * is due, the host runs it however long it takes, and reports. Checks neither
 * overlap with themselves nor hold one another up: a check under way is not
 * due again; if no report came within its timeout it has failed, and the late
 * report is ignored.
 *
 * A check turns UNHEALTHY after failure_threshold failures in a row and
 * HEALTHY after success_threshold successes in a row; before that it is
 * UNKNOWN, which is not healthy. Defaults: every 10 s, 1 s, 3, 1.
 *
 * Three kinds, kept apart: while a STARTUP check has not succeeded, the others
 * are not due (the gate). A LIVENESS or STARTUP check that turns unhealthy asks
 * for a restart, once; READINESS only takes the component out of service.
 * Checks may be added before and after the start; healer_checks_restarted()
 * forgets results, never checks.
 *
 * One owner at a time. No allocation but in add.
 */
#ifndef HEALER_HEALTH_CHECK_H
#define HEALER_HEALTH_CHECK_H

#include "healer/event_ring.h"

#include <stdbool.h>

HEALER_BEGIN_DECLS

#define HEALER_CHECKS_MAX 64u

enum healer_check_kind {
        HEALER_CHECK_LIVENESS = 0,
        HEALER_CHECK_READINESS,
        HEALER_CHECK_STARTUP,
        HEALER_CHECK_KIND_COUNT
};

enum healer_check_status {
        HEALER_CHECK_UNKNOWN = 0,
        HEALER_CHECK_HEALTHY,
        HEALER_CHECK_UNHEALTHY,
};

struct healer_check_config {
        uint32_t size;
        uint32_t kind;              /* enum healer_check_kind */
        uint32_t failure_threshold; /* >= 1; default 3 */
        uint32_t success_threshold; /* >= 1, 1 but for READINESS; default 1 */
        int64_t period_ns;          /* > 0; default 10 s */
        int64_t timeout_ns;         /* > 0; default 1 s */
        int64_t first_after_ns;     /* >= 0; default 0 */
};

struct healer_checks_config {
        uint32_t size;
        uint32_t reserved;
        uint64_t id;
        struct healer_event_ring *events; /* HEALTH_DEGRADED, HEALTH_RECOVERED; item = check */
        const struct healer_allocator *allocator;
};

struct healer_checks;

/* A check to run now; hand it back with the report. */
struct healer_check_run {
        uint32_t check;
        uint32_t serial;
        int64_t deadline_ns;
};

struct healer_checks_status {
        enum healer_check_status live; /* worst of its kind; UNKNOWN before UNHEALTHY's evidence */
        enum healer_check_status ready;
        enum healer_check_status started;
        bool in_service; /* started, live and ready, all known to be so */
        bool restart;    /* asked for, and not yet carried out */
};

HEALER_API struct healer_checks_config healer_checks_config_defaults(void);
HEALER_API struct healer_check_config healer_check_config_defaults(enum healer_check_kind kind);
HEALER_API const char *healer_check_config_check(const struct healer_check_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_checks_create(const struct healer_checks_config *config, struct healer_checks **out);
HEALER_API void healer_checks_destroy(struct healer_checks *checks);
/* HEALER_E_FULL above 64; `*index` may be NULL. First due first_after_ns from now. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_checks_add(struct healer_checks *checks, const struct healer_check_config *config,
                  int64_t now_ns, uint32_t *index);
/* The next due check, if any (true). `*next_ns`: when to ask again otherwise. */
HEALER_API bool healer_checks_next(struct healer_checks *checks, int64_t now_ns,
                                   struct healer_check_run *run, int64_t *next_ns);
/* HEALER_E_TIMEOUT: it came too late and counts for nothing (the timeout has counted). */
HEALER_API enum healer_err healer_checks_report(struct healer_checks *checks,
                                                const struct healer_check_run *run, bool ok,
                                                int64_t now_ns);
HEALER_API enum healer_check_status healer_checks_status_of(const struct healer_checks *checks,
                                                            uint32_t check);
HEALER_API struct healer_checks_status healer_checks_status(struct healer_checks *checks,
                                                            int64_t now_ns);
/* The component was restarted: everything is unknown again, the gate is shut. */
HEALER_API void healer_checks_restarted(struct healer_checks *checks, int64_t now_ns);

HEALER_END_DECLS

#endif
