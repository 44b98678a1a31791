/* event_queue.c - the part of the event queue that is rarely needed: growing. */
#include "harness/sim/event_queue.h"

bool event_queue_grow(struct event_queue *queue)
{
        size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        struct event *heap = realloc(queue->heap, capacity * sizeof(*heap));

        if (heap == NULL) {
                queue->failed = true;
                return false;
        }
        queue->heap = heap;
        queue->capacity = capacity;
        return true;
}
