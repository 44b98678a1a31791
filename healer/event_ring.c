/* event_ring.c - a bounded queue for many writers and many readers.
 *
 * Each cell carries a turn number. A writer may fill cell i when its turn is
 * the write position, and then raises it by one, which is what a reader waits
 * for; the reader raises it by a whole lap. So claiming a cell is one
 * compare-and-swap on a position, and cells pass between threads without a
 * lock. A writer stopped between claim and fill holds readers back at its
 * cell, never other writers before the ring is full.
 *
 * The event itself is held in atomic words: a reader that has lost its claim
 * throws its copy away, and no tool needs to be told that this is fine.
 *
 * The sequence number is the write position, so numbers have no gaps for
 * drops; the drop counter tells of those.
 */
#include "healer/event_ring.h"
#include "healer/hlr_base.h"

#include <string.h>

enum { EVENT_WORDS = sizeof(struct healer_event) / 8 };
_Static_assert(sizeof(struct healer_event) == 64, "one cache line");

struct cell {
        _Atomic uint64_t turn;
        _Atomic uint64_t words[EVENT_WORDS];
};

struct subscriber {
        _Atomic uint64_t id; /* 0: free; the serial is raised on each use */
        _Atomic(healer_event_fn *) fn;
        _Atomic(void *) ctx;
        _Atomic uint64_t types;
};

struct healer_event_ring {
        _Alignas(64) _Atomic uint64_t head; /* next to write */
        _Alignas(64) _Atomic uint64_t tail; /* next to read */
        _Alignas(64) _Atomic uint64_t dropped;
        _Atomic uint64_t delivering;
        _Atomic uint64_t subscribing; /* held for a few stores by subscribe() */
        uint64_t mask;
        uint32_t subscribers_max;
        uint32_t serial;
        const struct healer_allocator *allocator;
        struct cell *cells;
        struct subscriber *subscribers;
};

static const char *const names[HEALER_EVENT_TYPE_COUNT] = {
        "circuit-opened",
        "circuit-closed",
        "circuit-half-open",
        "recovery-started",
        "recovery-succeeded",
        "recovery-failed",
        "escalation-triggered",
        "degradation-activated",
        "degradation-recovered",
        "health-degraded",
        "health-recovered",
        "chaos-experiment-started",
        "chaos-experiment-completed",
        "circuit-forced-open",
        "circuit-disabled",
        "circuit-metrics-only",
        "circuit-partial",
        "feature-changed",
        "retry-nested",
        "member-ejected",
        "member-returned",
        "restarted",
        "prediction-scored",
};

const char *healer_event_type_name(enum healer_event_type type)
{
        return (unsigned)type < HEALER_EVENT_TYPE_COUNT ? names[type] : "unknown";
}

struct healer_event_ring_config healer_event_ring_config_defaults(void)
{
        return (struct healer_event_ring_config){
                .size = sizeof(struct healer_event_ring_config),
                .capacity = 1024,
                .subscribers_max = 32,
        };
}

const char *healer_event_ring_config_check(const struct healer_event_ring_config *c)
{
        if (c->capacity < 2 || c->capacity > 1048576 || (c->capacity & (c->capacity - 1)))
                return "capacity: must be a power of two, 2..1048576";
        if (c->subscribers_max > 1024)
                return "subscribers_max: must be 0..1024";
        return NULL;
}

enum healer_err healer_event_ring_create(const struct healer_event_ring_config *config,
                                         struct healer_event_ring **out)
{
        struct healer_event_ring_config c = healer_event_ring_config_defaults();
        struct healer_event_ring *ring;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_event_ring_config_check(&c))
                return HEALER_E_RANGE;
        ring = hlr_alloc(c.allocator, sizeof(*ring) + c.capacity * sizeof(struct cell) +
                                              c.subscribers_max * sizeof(struct subscriber));
        if (!ring)
                return HEALER_E_NOMEM;
        ring->mask = c.capacity - 1;
        ring->subscribers_max = c.subscribers_max;
        ring->allocator = c.allocator;
        ring->cells = (struct cell *)(ring + 1);
        ring->subscribers = (struct subscriber *)(ring->cells + c.capacity);
        for (uint64_t i = 0; i <= ring->mask; i++)
                hlr_store(&ring->cells[i].turn, i);
        *out = ring;
        return HEALER_OK;
}

void healer_event_ring_destroy(struct healer_event_ring *ring)
{
        if (ring)
                hlr_free(ring->allocator, ring);
}

enum healer_err healer_event_ring_put(struct healer_event_ring *ring,
                                      const struct healer_event *event)
{
        struct healer_event copy;
        uint64_t words[EVENT_WORDS];
        uint64_t at;
        struct cell *cell;

        if (!ring)
                return HEALER_OK;
        at = hlr_load(&ring->head);
        for (;;) {
                uint64_t turn;

                cell = &ring->cells[at & ring->mask];
                turn = hlr_load_acq(&cell->turn);
                if (turn == at) {
                        if (hlr_cas(&ring->head, &at, at + 1, true))
                                break;
                } else if (turn < at) {
                        hlr_count(&ring->dropped, 1, true);
                        return HEALER_E_FULL;
                } else {
                        at = hlr_load(&ring->head);
                }
        }
        copy = *event;
        copy.sequence = at;
        memcpy(words, &copy, sizeof(words));
        for (int i = 0; i < EVENT_WORDS; i++)
                hlr_store(&cell->words[i], words[i]);
        hlr_store_rel(&cell->turn, at + 1);
        return HEALER_OK;
}

enum healer_err healer_event_ring_pop(struct healer_event_ring *ring, struct healer_event *event)
{
        uint64_t words[EVENT_WORDS];
        uint64_t at = hlr_load(&ring->tail);
        struct cell *cell;

        for (;;) {
                uint64_t turn;

                cell = &ring->cells[at & ring->mask];
                turn = hlr_load_acq(&cell->turn);
                if (turn == at + 1) {
                        if (hlr_cas(&ring->tail, &at, at + 1, true))
                                break;
                } else if (turn < at + 1) {
                        return HEALER_E_NOT_FOUND;
                } else {
                        at = hlr_load(&ring->tail);
                }
        }
        for (int i = 0; i < EVENT_WORDS; i++)
                words[i] = hlr_load(&cell->words[i]);
        hlr_store_rel(&cell->turn, at + ring->mask + 1);
        memcpy(event, words, sizeof(words));
        return HEALER_OK;
}

enum healer_err healer_event_ring_subscribe(struct healer_event_ring *ring, uint64_t types,
                                            healer_event_fn *fn, void *ctx, uint32_t *id)
{
        enum healer_err err = HEALER_E_FULL;
        uint64_t free_now = 0;

        if (!fn || !id)
                return HEALER_E_RANGE;
        while (!hlr_cas(&ring->subscribing, &free_now, 1, true))
                free_now = 0;
        for (uint32_t i = 0; i < ring->subscribers_max; i++) {
                struct subscriber *s = &ring->subscribers[i];

                if (hlr_load_acq(&s->id) != 0)
                        continue;
                hlr_store(&s->fn, fn);
                hlr_store(&s->ctx, ctx);
                hlr_store(&s->types, types ? types : UINT64_MAX);
                ring->serial = (ring->serial + 1) & 0x1fffff;
                *id = (ring->serial << 10 | i) + 1;
                hlr_store_rel(&s->id, *id);
                err = HEALER_OK;
                break;
        }
        hlr_store_rel(&ring->subscribing, 0);
        return err;
}

enum healer_err healer_event_ring_unsubscribe(struct healer_event_ring *ring, uint32_t id)
{
        uint64_t expected = id;
        uint32_t i = (id - 1) & 1023;

        if (id == 0 || i >= ring->subscribers_max)
                return HEALER_E_NOT_FOUND;
        return hlr_cas(&ring->subscribers[i].id, &expected, 0, true) ? HEALER_OK
                                                                     : HEALER_E_NOT_FOUND;
}

static void hand_out(struct healer_event_ring *ring, const struct healer_event *event)
{
        for (uint32_t i = 0; i < ring->subscribers_max; i++) {
                struct subscriber *s = &ring->subscribers[i];

                uint64_t id = hlr_load_acq(&s->id);
                healer_event_fn *fn = hlr_load_acq(&s->fn);
                void *ctx = hlr_load_acq(&s->ctx);
                uint64_t types = hlr_load_acq(&s->types);

                /* the place may have been given to another handler meanwhile */
                if (id == 0 || hlr_load_acq(&s->id) != id)
                        continue;
                if (event->type < 64 && types >> event->type & 1)
                        fn(ctx, event);
        }
}

uint32_t healer_event_ring_deliver(struct healer_event_ring *ring, uint32_t events_max)
{
        struct healer_event event;
        uint64_t idle = 0;
        uint64_t limit = events_max ? events_max : 4 * (ring->mask + 1);
        uint32_t delivered = 0;

        if (!hlr_cas(&ring->delivering, &idle, 1, true))
                return 0;
        while (delivered < limit && healer_event_ring_pop(ring, &event) == HEALER_OK) {
                hand_out(ring, &event);
                delivered++;
        }
        hlr_store_rel(&ring->delivering, 0);
        return delivered;
}

uint64_t healer_event_ring_dropped(const struct healer_event_ring *ring)
{
        return hlr_load(&ring->dropped);
}

uint32_t healer_event_ring_pending(const struct healer_event_ring *ring)
{
        uint64_t tail = hlr_load(&ring->tail);
        uint64_t head = hlr_load(&ring->head);

        return head > tail ? (uint32_t)(head - tail) : 0;
}
