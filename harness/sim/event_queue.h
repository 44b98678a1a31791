/* harness/sim/event_queue.h - the order in which simulated things happen.
 *
 * A 4-ary heap keyed by (at_ns, ident). The identity belongs to what the event
 * is about (a request, an instance, a timer), not to when it was scheduled, so
 * events due at the same instant run in an order that one more event elsewhere
 * cannot change.
 *
 * Times lie apart from the rest: the four of one family of siblings fill half a
 * cache line and the least is found without a branch. Only where two are equal
 * are identities looked at. 24 bytes an event. Behind the last event lie times
 * later than any, so that every family is whole.
 *
 * Popping leaves the root as a hole; the next push fills it, which saves a
 * sift for the usual "handle one, schedule its successor". The hole goes all
 * the way down along the least children, and the new event climbs from there,
 * seldom far. There is no cancel: an event carries a generation, and its
 * handler drops it when that is stale.
 *
 * Inline throughout: this is a third of the cost of a simulated request.
 */
#ifndef CHAOS_SIM_EVENT_QUEUE_H
#define CHAOS_SIM_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness/sim/time.h"

struct event {
        int64_t at_ns;
        uint64_t ident;
        uint64_t payload; /* see event_payload() */
};

/* What is not needed to find the next. */
struct event_rest {
        uint64_t ident;
        uint64_t payload;
};

struct event_queue {
        int64_t *at_ns; /* the children of i are 4 i + 1 to 4 i + 4, on one line */
        struct event_rest *rest; /* in the same memory, behind the times */
        size_t count;            /* the hole included */
        size_t capacity;
        bool hole;   /* the root was popped and is to be filled */
        bool failed; /* memory was out; an event is lost, the run is void */
        void *memory;
};

/* From so many events on the heap is beyond the caches nearby. */
enum { EVENT_QUEUE_LARGE = 1 << 14 };

/* Stands at `slot` behind the last event; differs from its siblings. */
#define EVENT_QUEUE_BEHIND(slot) (INT64_MAX - (int64_t)((slot) & 3))

/* type 8 bits, generation 24 bits, index 32 bits */
static inline uint64_t event_payload(uint8_t type, uint32_t generation, uint32_t index)
{
        return (uint64_t)type << 56 | (uint64_t)(generation & 0xffffffu) << 32 | index;
}

static inline uint8_t event_type(uint64_t payload)
{
        return (uint8_t)(payload >> 56);
}

static inline uint32_t event_generation(uint64_t payload)
{
        return (uint32_t)(payload >> 32) & 0xffffffu;
}

static inline uint32_t event_index(uint64_t payload)
{
        return (uint32_t)payload;
}

static inline bool event_before(const struct event *a, const struct event *b)
{
        return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->ident < b->ident);
}

static inline void event_queue_init(struct event_queue *queue)
{
        *queue = (struct event_queue){0};
}

static inline void event_queue_release(struct event_queue *queue)
{
        free(queue->memory);
        *queue = (struct event_queue){0};
}

static inline size_t event_queue_length(const struct event_queue *queue)
{
        return queue->count - queue->hole;
}

/* The least of the family from `child` on, by identities where times are equal. */
size_t event_queue_least_carefully(const struct event_queue *queue, size_t child);

/* By masks and not by ?:, since which child comes first is a coin flip and gcc
 * makes branches of that. */
static inline size_t event_queue_least(const struct event_queue *queue, size_t child)
{
        const int64_t *at_ns = &queue->at_ns[child];
        size_t odd_left = at_ns[1] < at_ns[0], odd_right = at_ns[3] < at_ns[2];
        int64_t left_ns = at_ns[0] ^ ((at_ns[0] ^ at_ns[1]) & -(int64_t)odd_left);
        int64_t right_ns = at_ns[2] ^ ((at_ns[2] ^ at_ns[3]) & -(int64_t)odd_right);
        size_t in_right = (size_t)0 - (size_t)(right_ns < left_ns);

        if (__builtin_expect((at_ns[0] == at_ns[1]) | (at_ns[2] == at_ns[3]) | (left_ns == right_ns),
                             0))
                return event_queue_least_carefully(queue, child);
        return child + (odd_left ^ ((odd_left ^ (2 + odd_right)) & in_right));
}

static inline void event_queue_move(struct event_queue *queue, size_t to, size_t from)
{
        queue->at_ns[to] = queue->at_ns[from];
        queue->rest[to] = queue->rest[from];
}

static inline void event_queue_climb(struct event_queue *queue, size_t at, int64_t at_ns,
                                     uint64_t ident, uint64_t payload)
{
        while (at > 0) {
                size_t parent = (at - 1) / 4;

                if (at_ns > queue->at_ns[parent] ||
                    (at_ns == queue->at_ns[parent] && ident >= queue->rest[parent].ident))
                        break;
                event_queue_move(queue, at, parent);
                at = parent;
        }
        queue->at_ns[at] = at_ns;
        queue->rest[at] = (struct event_rest){ident, payload};
}

/* Fills the hole at the root. */
static inline void event_queue_fill(struct event_queue *queue, int64_t at_ns, uint64_t ident,
                                    uint64_t payload)
{
        size_t count = queue->count, at = 0;

        if (count > EVENT_QUEUE_LARGE)
                /* Which grandchildren will be looked at is not known yet: fetch all. */
                while (16 * at + 20 < count) {
                        size_t best;

                        __builtin_prefetch(&queue->at_ns[16 * at + 5]);
                        __builtin_prefetch(&queue->at_ns[16 * at + 13]);
                        __builtin_prefetch(&queue->rest[4 * at + 1]);
                        best = event_queue_least(queue, 4 * at + 1);
                        event_queue_move(queue, at, best);
                        at = best;
                }
        while (4 * at + 1 < count) {
                size_t best = event_queue_least(queue, 4 * at + 1);

                event_queue_move(queue, at, best);
                at = best;
        }
        event_queue_climb(queue, at, at_ns, ident, payload);
}

bool event_queue_grow(struct event_queue *queue);

static inline void event_queue_push(struct event_queue *queue, int64_t at_ns, uint64_t ident,
                                    uint64_t payload)
{
        if (queue->hole) {
                queue->hole = false;
                event_queue_fill(queue, at_ns, ident, payload);
                return;
        }
        if (queue->count == queue->capacity && !event_queue_grow(queue))
                return;
        event_queue_climb(queue, queue->count++, at_ns, ident, payload);
}

static inline void event_queue_fill_hole(struct event_queue *queue)
{
        if (queue->hole) {
                size_t last = --queue->count;
                int64_t at_ns = queue->at_ns[last];
                struct event_rest rest = queue->rest[last];

                queue->hole = false;
                queue->at_ns[last] = EVENT_QUEUE_BEHIND(last);
                if (last > 0)
                        event_queue_fill(queue, at_ns, rest.ident, rest.payload);
        }
}

/* The next event's time, or TIME_NEVER. */
static inline int64_t event_queue_next_at(struct event_queue *queue)
{
        event_queue_fill_hole(queue);
        return queue->count > 0 ? queue->at_ns[0] : TIME_NEVER;
}

/* Takes the next event if it is due before `until_ns` (exclusive). */
static inline bool event_queue_pop_before(struct event_queue *queue, int64_t until_ns,
                                          struct event *out)
{
        event_queue_fill_hole(queue);
        if (queue->count == 0 || queue->at_ns[0] >= until_ns)
                return false;
        *out = (struct event){queue->at_ns[0], queue->rest[0].ident, queue->rest[0].payload};
        queue->hole = true;
        return true;
}

#endif
