/* harness/base/arena.h - memory that is given back all at once.
 *
 * Blocks are taken from the heap in growing chunks and zeroed. Nothing is
 * freed alone. Not for threads. On failure arena_alloc() returns NULL and the
 * arena remembers it: a long construction may check arena_failed() once.
 */
#ifndef CHAOS_BASE_ARENA_H
#define CHAOS_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
        struct arena_chunk *head;
        char *next;
        size_t left;
        size_t chunk_bytes; /* of the chunk `next` points into */
        bool failed;
};

void arena_init(struct arena *arena);

/* Frees every block and leaves the arena as arena_init() does, also forgetting
 * a failure; it may be used again. */
void arena_release(struct arena *arena);

/* Zeroed, aligned for any type; size 0 gives a unique pointer. NULL on
 * overflow or when memory is out. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* A copy of `text`, or a formatted text; both end in a null byte and live as
 * long as the arena. NULL when memory is out. */
char *arena_text(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Whether any call since arena_init() could not be served. */
bool arena_failed(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type)))

#endif
