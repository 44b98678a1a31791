/* healer/event_ring.h - what happened, in order, without stopping anybody.
 *
 * Policies put an event into a bounded ring as part of the transition it
 * reports, so the order of one object's events is the order of its
 * transitions. Putting never waits and never allocates: when the ring is full
 * the new event is dropped and counted. Somebody then takes the events out:
 * the host, by healer_event_ring_pop(), or healer_event_ring_deliver(), which
 * calls the subscribed handlers.
 *
 * Handlers run on the thread that called deliver, outside every lock and every
 * transition, so they may call back into any policy, subscribe, unsubscribe
 * (themselves too: a handler that is gone is silent at once, also for the rest
 * of the event under way) and put events. Only one thread delivers at a time;
 * a second one, and a handler calling deliver, returns 0 at once, and the
 * events it would have delivered are delivered by the first.
 *
 * Any number of threads may put, pop and deliver. Subscribing is the only part
 * that may briefly spin against another subscriber.
 */
#ifndef HEALER_EVENT_RING_H
#define HEALER_EVENT_RING_H

#include "healer/alloc.h"

#include <stdint.h>

HEALER_BEGIN_DECLS

enum healer_event_type {
        /* the thirteen a resilience framework is expected to have */
        HEALER_EVENT_CIRCUIT_OPENED = 0,
        HEALER_EVENT_CIRCUIT_CLOSED,
        HEALER_EVENT_CIRCUIT_HALF_OPEN,
        HEALER_EVENT_RECOVERY_STARTED,
        HEALER_EVENT_RECOVERY_SUCCEEDED,
        HEALER_EVENT_RECOVERY_FAILED,
        HEALER_EVENT_ESCALATION_TRIGGERED,
        HEALER_EVENT_DEGRADATION_ACTIVATED,
        HEALER_EVENT_DEGRADATION_RECOVERED,
        HEALER_EVENT_HEALTH_DEGRADED,
        HEALER_EVENT_HEALTH_RECOVERED,
        HEALER_EVENT_CHAOS_EXPERIMENT_STARTED,
        HEALER_EVENT_CHAOS_EXPERIMENT_COMPLETED,
        /* and what the policies add */
        HEALER_EVENT_CIRCUIT_FORCED_OPEN,
        HEALER_EVENT_CIRCUIT_DISABLED,
        HEALER_EVENT_CIRCUIT_METRICS_ONLY,
        HEALER_EVENT_CIRCUIT_PARTIAL,
        HEALER_EVENT_FEATURE_CHANGED,
        HEALER_EVENT_RETRY_NESTED,
        HEALER_EVENT_MEMBER_EJECTED,
        HEALER_EVENT_MEMBER_RETURNED,
        HEALER_EVENT_RESTARTED,
        HEALER_EVENT_PREDICTION_SCORED,
        HEALER_EVENT_TYPE_COUNT
};

/* The name as documents and journals write it: "circuit-opened". */
HEALER_API const char *healer_event_type_name(enum healer_event_type type);

/* One event; 64 bytes, copied in and out. */
struct healer_event {
        uint64_t sequence;   /* set by the ring: 0, 1, 2, ... in the order of putting */
        int64_t at_ns;       /* when it happened, in the caller's time */
        uint64_t source_id;  /* the `id` of the config of the object it is about */
        uint32_t type;       /* enum healer_event_type */
        uint32_t from;       /* state or level before, in the source's own enum */
        uint32_t to;         /* and after */
        uint32_t cause;      /* why, in the source's own enum */
        uint64_t generation; /* of the source after the event */
        double value;        /* what was measured: a rate, a usage, a code; NaN: nothing */
        uint32_t item;       /* which feature, member or rule of the source */
        uint32_t reserved;
};

struct healer_event_ring_config {
        uint32_t size;
        uint32_t capacity;        /* events held, a power of two, 2..1048576; default 1024 */
        uint32_t subscribers_max; /* handlers at a time, 0..1024; default 32 */
        uint32_t reserved;
        const struct healer_allocator *allocator; /* NULL: malloc */
};

struct healer_event_ring;

typedef void healer_event_fn(void *ctx, const struct healer_event *event);

HEALER_API struct healer_event_ring_config healer_event_ring_config_defaults(void);
HEALER_API const char *
healer_event_ring_config_check(const struct healer_event_ring_config *config);

/* On HEALER_OK the caller owns `*out`; else it is NULL. `config` is copied. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_event_ring_create(const struct healer_event_ring_config *config,
                         struct healer_event_ring **out);
HEALER_API void healer_event_ring_destroy(struct healer_event_ring *ring);

/* Copies `*event` in. HEALER_E_FULL: dropped and counted. `ring` may be NULL,
 * which is HEALER_OK and nothing done. */
HEALER_API enum healer_err healer_event_ring_put(struct healer_event_ring *ring,
                                                 const struct healer_event *event);
/* Takes the oldest out. HEALER_E_NOT_FOUND: there is none. */
HEALER_API HEALER_NODISCARD enum healer_err healer_event_ring_pop(struct healer_event_ring *ring,
                                                                  struct healer_event *event);

/* Calls `fn(ctx, event)` for every event whose type has its bit
 * (1 << type) in `types`; 0 means all types. `*id` is for unsubscribing. `ctx`
 * stays the caller's; after unsubscribing from another thread than the one
 * that delivers, one call already under way may still end. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_event_ring_subscribe(struct healer_event_ring *ring, uint64_t types, healer_event_fn *fn,
                            void *ctx, uint32_t *id);
HEALER_API enum healer_err healer_event_ring_unsubscribe(struct healer_event_ring *ring,
                                                         uint32_t id);

/* Takes out and hands to the subscribers everything there is, including what
 * the handlers put meanwhile, up to `events_max` (0: four times the capacity,
 * so that a handler that always puts cannot hold the caller for ever).
 * Answers how many events were delivered. */
HEALER_API uint32_t healer_event_ring_deliver(struct healer_event_ring *ring,
                                              uint32_t events_max);

HEALER_API uint64_t healer_event_ring_dropped(const struct healer_event_ring *ring);
/* Events waiting now; exact while nobody else puts or pops. */
HEALER_API uint32_t healer_event_ring_pending(const struct healer_event_ring *ring);

HEALER_END_DECLS

#endif
