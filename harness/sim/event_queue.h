/* harness/sim/event_queue.h - the order in which simulated things happen.
 *
 * A 4-ary heap keyed by (at_ns, ident). The identity belongs to what the event
 * is about (a request, an instance, a timer), not to when it was scheduled, so
 * events due at the same instant run in an order that one more event elsewhere
 * cannot change. 24 bytes an event.
 *
 * Popping leaves the root as a hole; the next push fills it, which saves a
 * sift for the usual "handle one, schedule its successor". There is no cancel:
 * an event carries a generation, and its handler drops it when that is stale.
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

struct event_queue {
        struct event *heap;
        size_t count; /* the hole included */
        size_t capacity;
        bool hole;    /* heap[0] was popped and is to be filled */
        bool failed;  /* memory was out; an event is lost, the run is void */
};

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
        /* Without branches: which of two children comes first is a coin flip. */
        return (a->at_ns < b->at_ns) | ((a->at_ns == b->at_ns) & (a->ident < b->ident));
}

static inline void event_queue_init(struct event_queue *queue)
{
        *queue = (struct event_queue){0};
}

static inline void event_queue_release(struct event_queue *queue)
{
        free(queue->heap);
        *queue = (struct event_queue){0};
}

static inline size_t event_queue_length(const struct event_queue *queue)
{
        return queue->count - queue->hole;
}

/* Moves `event` down from position `at` until no child comes before it. */
static inline void event_queue_sift_down(struct event_queue *queue, size_t at, struct event event)
{
        struct event *heap = queue->heap;
        size_t count = queue->count;

        for (;;) {
                size_t child = 4 * at + 1;
                size_t best;

                if (child >= count)
                        break;
                if (child + 4 <= count) {
                        size_t left = child + event_before(&heap[child + 1], &heap[child]);
                        size_t right = child + 2 + event_before(&heap[child + 3], &heap[child + 2]);

                        best = event_before(&heap[right], &heap[left]) ? right : left;
                } else {
                        best = child;
                        for (size_t i = child + 1; i < count; i++)
                                best = event_before(&heap[i], &heap[best]) ? i : best;
                }
                if (!event_before(&heap[best], &event))
                        break;
                heap[at] = heap[best];
                at = best;
        }
        heap[at] = event;
}

bool event_queue_grow(struct event_queue *queue);

static inline void event_queue_push(struct event_queue *queue, int64_t at_ns, uint64_t ident,
                                    uint64_t payload)
{
        struct event event = {at_ns, ident, payload};
        size_t at;

        if (queue->hole) {
                queue->hole = false;
                event_queue_sift_down(queue, 0, event);
                return;
        }
        if (queue->count == queue->capacity && !event_queue_grow(queue))
                return;
        at = queue->count++;
        while (at > 0) {
                size_t parent = (at - 1) / 4;

                if (!event_before(&event, &queue->heap[parent]))
                        break;
                queue->heap[at] = queue->heap[parent];
                at = parent;
        }
        queue->heap[at] = event;
}

static inline void event_queue_fill_hole(struct event_queue *queue)
{
        if (queue->hole) {
                queue->hole = false;
                queue->count--;
                if (queue->count > 0)
                        event_queue_sift_down(queue, 0, queue->heap[queue->count]);
        }
}

/* The next event's time, or TIME_NEVER. */
static inline int64_t event_queue_next_at(struct event_queue *queue)
{
        event_queue_fill_hole(queue);
        return queue->count > 0 ? queue->heap[0].at_ns : TIME_NEVER;
}

/* Takes the next event if it is due before `until_ns` (exclusive). */
static inline bool event_queue_pop_before(struct event_queue *queue, int64_t until_ns,
                                          struct event *out)
{
        event_queue_fill_hole(queue);
        if (queue->count == 0 || queue->heap[0].at_ns >= until_ns)
                return false;
        *out = queue->heap[0];
        queue->hole = true;
        return true;
}

#endif
