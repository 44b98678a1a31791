/* arena.c - memory that is given back all at once.
 *
 * Chunks come zeroed from calloc() and are handed out from front to back. Each
 * new chunk is twice the last, from 4 KiB up to 1 MiB, so a small arena stays
 * small and a large one makes few calls. A block too large for a quarter of a
 * chunk gets a chunk of its own, which goes behind the current one: what is
 * left of that is not wasted.
 *
 * Cost: an addition and a comparison a block, up to 15 bytes lost to alignment.
 */
#include "harness/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        CHUNK_BYTES_MIN = 4 * 1024,
        CHUNK_BYTES_MAX = 1024 * 1024,
};

struct arena_chunk {
        struct arena_chunk *next;
        size_t bytes;
        alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena)
{
        *arena = (struct arena){0};
}

void arena_release(struct arena *arena)
{
        struct arena_chunk *chunk = arena->head;

        while (chunk != NULL) {
                struct arena_chunk *next = chunk->next;

                free(chunk);
                chunk = next;
        }
        arena_init(arena);
}

static void *fail(struct arena *arena)
{
        arena->failed = true;
        return NULL;
}

static struct arena_chunk *make_chunk(size_t bytes)
{
        struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + bytes);

        if (chunk != NULL)
                chunk->bytes = bytes;
        return chunk;
}

static void *alloc_alone(struct arena *arena, size_t bytes)
{
        struct arena_chunk *chunk = make_chunk(bytes);

        if (chunk == NULL)
                return fail(arena);
        if (arena->head == NULL) {
                arena->head = chunk;
        } else {
                chunk->next = arena->head->next;
                arena->head->next = chunk;
        }
        return chunk->data;
}

static bool start_chunk(struct arena *arena, size_t bytes)
{
        struct arena_chunk *chunk = make_chunk(bytes);

        if (chunk == NULL)
                return false;
        chunk->next = arena->head;
        arena->head = chunk;
        arena->next = chunk->data;
        arena->left = bytes;
        return true;
}

static size_t next_chunk_bytes(const struct arena *arena)
{
        size_t bytes = arena->chunk_bytes == 0 ? CHUNK_BYTES_MIN : 2 * arena->chunk_bytes;

        return bytes < CHUNK_BYTES_MAX ? bytes : CHUNK_BYTES_MAX;
}

/* Takes `bytes`, already rounded up, from the current chunk or a new one. */
static void *take(struct arena *arena, size_t bytes)
{
        char *block;

        if (bytes > arena->left) {
                size_t chunk_bytes = next_chunk_bytes(arena);

                if (bytes > chunk_bytes / 4)
                        return alloc_alone(arena, bytes);
                if (!start_chunk(arena, chunk_bytes))
                        return fail(arena);
                arena->chunk_bytes = chunk_bytes;
        }
        block = arena->next;
        arena->next += bytes;
        arena->left -= bytes;
        return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
        const size_t align = alignof(max_align_t);
        const size_t bytes_max = PTRDIFF_MAX - sizeof(struct arena_chunk) - align;
        size_t bytes;

        if (__builtin_mul_overflow(count, size, &bytes) || bytes > bytes_max)
                return fail(arena);
        if (bytes == 0)
                bytes = 1;
        return take(arena, (bytes + align - 1) / align * align);
}

char *arena_text(struct arena *arena, const char *text)
{
        size_t bytes = strlen(text) + 1;
        char *copy = arena_alloc(arena, bytes, 1);

        if (copy != NULL)
                memcpy(copy, text, bytes);
        return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
        va_list args;
        int length;
        char *text;

        va_start(args, format);
        length = vsnprintf(NULL, 0, format, args);
        va_end(args);
        if (length < 0)
                return fail(arena);

        text = arena_alloc(arena, (size_t)length + 1, 1);
        if (text == NULL)
                return NULL;
        va_start(args, format);
        vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
        return text;
}

bool arena_failed(const struct arena *arena)
{
        return arena->failed;
}
