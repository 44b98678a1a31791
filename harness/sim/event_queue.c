/* event_queue.c - the parts of the event queue that are rarely needed: growing,
 * and siblings that are due at the same instant. */
#include "harness/sim/event_queue.h"

#include <string.h>

enum { LINE = 64, TIMES_BEFORE_LINE = 7 }; /* at_ns[1] begins a line */

size_t event_queue_least_carefully(const struct event_queue *queue, size_t child)
{
        size_t best = child;

        for (size_t i = child + 1; i < child + 4 && i < queue->count; i++)
                if (queue->at_ns[i] < queue->at_ns[best] ||
                    (queue->at_ns[i] == queue->at_ns[best] &&
                     queue->rest[i].ident < queue->rest[best].ident))
                        best = i;
        return best;
}

bool event_queue_grow(struct event_queue *queue)
{
        size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        /* Three more times than events: the last family is whole. */
        size_t time_bytes = (TIMES_BEFORE_LINE + capacity + 3) * sizeof(int64_t);
        size_t bytes = (time_bytes + capacity * sizeof(struct event_rest) + LINE - 1) / LINE * LINE;
        char *memory = aligned_alloc(LINE, bytes);
        int64_t *at_ns;
        struct event_rest *rest;

        if (memory == NULL) {
                queue->failed = true;
                return false;
        }
        at_ns = (int64_t *)(void *)memory + TIMES_BEFORE_LINE;
        rest = (struct event_rest *)(void *)(memory + time_bytes);
        if (queue->count > 0) {
                memcpy(at_ns, queue->at_ns, queue->count * sizeof(*at_ns));
                memcpy(rest, queue->rest, queue->count * sizeof(*rest));
        }
        for (size_t i = queue->count; i < capacity + 3; i++)
                at_ns[i] = EVENT_QUEUE_BEHIND(i);
        free(queue->memory);
        queue->memory = memory;
        queue->at_ns = at_ns;
        queue->rest = rest;
        queue->capacity = capacity;
        return true;
}
