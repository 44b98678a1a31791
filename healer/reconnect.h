/* healer/reconnect.h - to a database, or whatever else is talked to over a pool.
 *
 * Errors of connections are reported as they come; the first one closes the pool
 * and begins a recovery, those that follow are the same burst. Then the peer is
 * probed 1, 2, 4, 8 and 16 s apart, five times at most. The first probe that
 * succeeds has recovered it, the last one that fails has not, and a human's turn
 * begins (`on_end` with false); an error after that begins anew.
 *
 * Each connection carries the *generation* in which it was opened; one from before
 * a recovery is stale, and healer_reconnect_usable() says so, so that none that a
 * caller still holds is used again.
 *
 * For who embeds a healer: it carries out the order reconnect. In a simulated run the
 * fleet's own actuator does that.
 *
 * The time is the caller's: healer_reconnect_poll() probes when it is due. One
 * owner at a time, callbacks must not call back in; one allocation at create.
 */
#ifndef HEALER_RECONNECT_H
#define HEALER_RECONNECT_H

#include "healer/alloc.h"

#include <stdbool.h>

HEALER_BEGIN_DECLS

enum { HEALER_RECONNECT_TRIES_MAX = 16 };

struct healer_reconnect_config {
        uint32_t size;
        uint32_t tries_max;      /* 1..16; default 5 */
        int64_t wait_first_ns;   /* before the first probe, > 0; default 1 s; doubles each time */
        int64_t wait_max_ns;     /* >= wait_first_ns; default 16 s */
        /* Closes every connection that is open, and says how many. Needed. */
        uint32_t (*close_pool)(void *ctx);
        bool (*probe)(void *ctx); /* needed */
        void (*on_end)(void *ctx, bool recovered, uint32_t tries); /* may be NULL */
        void *ctx;
        const struct healer_allocator *allocator;
};

struct healer_reconnect;

HEALER_API struct healer_reconnect_config healer_reconnect_config_defaults(void);
HEALER_API const char *healer_reconnect_config_check(const struct healer_reconnect_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_reconnect_create(const struct healer_reconnect_config *config,
                        struct healer_reconnect **out);
HEALER_API void healer_reconnect_destroy(struct healer_reconnect *reconnect);

/* A connection of that generation failed. True: this began a recovery; false: one is
 * under way, or the connection is older than the last one. `*next_ns`: when to poll. */
HEALER_API bool healer_reconnect_error(struct healer_reconnect *reconnect, uint64_t generation,
                                       int64_t now_ns, int64_t *next_ns);
/* Probes if it is due; `*next_ns` HEALER_NEVER: no recovery is under way. */
HEALER_API enum healer_err healer_reconnect_poll(struct healer_reconnect *reconnect,
                                                 int64_t now_ns, int64_t *next_ns);

/* Of connections that are opened now. */
HEALER_API uint64_t healer_reconnect_generation(const struct healer_reconnect *reconnect);
/* A connection of that generation may be used: it is of the present one, and no
 * recovery is under way. */
HEALER_API bool healer_reconnect_usable(const struct healer_reconnect *reconnect,
                                        uint64_t generation);

struct healer_reconnect_stats {
        uint64_t errors, recoveries, recovered, given_up, probes, closed;
        uint32_t last_tries; /* of the last recovery that ended */
};

HEALER_API struct healer_reconnect_stats
healer_reconnect_stats(const struct healer_reconnect *reconnect);

HEALER_END_DECLS

#endif
