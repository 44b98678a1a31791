/* healer/restart_api.h - restarts a service through its platform's API, not for ever.
 *
 * When its owner says that the service has failed, the platform is asked for a
 * restart after a wait that grows (restart.h). An answer of 200 or 202 says only
 * that it was taken on: the restart has helped when the service then answers its
 * probe in time. Any other answer, and a probe that is not answered, are one more
 * failure, until one restart more than `restarts_max` would fall into the window:
 * then nobody is asked any more and a human's turn begins, until
 * healer_restart_api_reset().
 *
 * Without a key there is nobody to ask: a failure is answered so at once, nothing
 * is called, and nothing of the budget is spent. The key is not kept anywhere but
 * in the caller's text.
 *
 * For who embeds a healer: it carries out the orders restart_service and restart_instance.
 * In a simulated run the fleet's own actuators do that.
 *
 * The time is the caller's: healer_restart_api_poll() asks and probes when it is
 * due. One owner at a time, callbacks must not call back in (HEALER_E_BUSY); two
 * allocations at create.
 */
#ifndef HEALER_RESTART_API_H
#define HEALER_RESTART_API_H

#include "healer/alloc.h"
#include "healer/err.h"

#include <stdbool.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

/* How a request stands when the call returns. */
enum healer_restart_api_end {
        HEALER_RESTART_API_RECOVERED, /* it answers its probe */
        HEALER_RESTART_API_NO_KEY,    /* nobody was asked */
        HEALER_RESTART_API_ESCALATED, /* restarted often enough: a human's turn */
        HEALER_RESTART_API_END_COUNT
};

struct healer_restart_api_config {
        uint32_t size;
        uint32_t restarts_max;    /* in the window, 1..1000; default 5 */
        int64_t window_ns;        /* > 0; default 600 s */
        int64_t wait_first_ns;    /* before the first, > 0; default 10 s; doubles each time */
        int64_t wait_max_ns;      /* >= wait_first_ns; default 300 s */
        int64_t probe_every_ns;   /* > 0; default 5 s */
        int64_t probe_timeout_ns; /* >= probe_every_ns; default 60 s */
        const char *service;      /* as the platform knows it; needed, kept by the caller */
        const char *key;          /* of the API, kept by the caller; NULL or "": there is none */
        /* Asks for a restart: the HTTP status of the answer, 0 when none came. Needed. */
        int (*ask)(void *ctx, const char *service, const char *key);
        bool (*probe)(void *ctx, const char *service); /* needed */
        /* `status`: of the last answer, 0: none. May be NULL. */
        void (*on_end)(void *ctx, enum healer_restart_api_end end, int status);
        void *ctx;
        const struct healer_allocator *allocator;
};

struct healer_restart_api;

HEALER_API struct healer_restart_api_config healer_restart_api_config_defaults(void);
HEALER_API const char *
healer_restart_api_config_check(const struct healer_restart_api_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_restart_api_create(const struct healer_restart_api_config *config, int64_t now_ns,
                          struct healer_restart_api **out);
HEALER_API void healer_restart_api_destroy(struct healer_restart_api *api);

/* The service has failed. HEALER_OK: a restart will be asked for, `*next_ns` is when
 * to poll. Else it is HEALER_NEVER and nothing begins: HEALER_E_NOT_FOUND there is no
 * key, HEALER_E_REFUSED it was restarted often enough. HEALER_E_EXISTS: one is under
 * way already. */
HEALER_API enum healer_err healer_restart_api_failed(struct healer_restart_api *api, int64_t now_ns,
                                                     int64_t *next_ns);
/* Asks, or probes, if it is due; `*next_ns` HEALER_NEVER: nothing is under way. */
HEALER_API enum healer_err healer_restart_api_poll(struct healer_restart_api *api, int64_t now_ns,
                                                   int64_t *next_ns);
/* The human is done: what was is forgotten. */
HEALER_API enum healer_err healer_restart_api_reset(struct healer_restart_api *api, int64_t now_ns);
HEALER_API const char *healer_restart_api_end_name(enum healer_restart_api_end end);

struct healer_restart_api_stats {
        uint64_t asked, refused;  /* refused: answered by anything but 200 and 202 */
        uint64_t not_well;        /* restarts after which no probe was answered in time */
        uint64_t ends[HEALER_RESTART_API_END_COUNT];
};

HEALER_API struct healer_restart_api_stats
healer_restart_api_stats(const struct healer_restart_api *api);

HEALER_END_DECLS

#endif
