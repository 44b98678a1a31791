/* text_pool.c - a set of texts by open addressing, copies in an arena. */
#include "harness/run/text_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/rng.h"

struct text_pool {
        pthread_mutex_t lock;
        struct arena arena;
        const char **slots;
        size_t count, capacity; /* capacity: a power of two */
};

struct text_pool *text_pool_create(void)
{
        struct text_pool *pool = calloc(1, sizeof(*pool));

        if (pool == NULL)
                return NULL;
        pthread_mutex_init(&pool->lock, NULL);
        arena_init(&pool->arena);
        return pool;
}

void text_pool_destroy(struct text_pool *pool)
{
        if (pool == NULL)
                return;
        pthread_mutex_destroy(&pool->lock);
        arena_release(&pool->arena);
        free(pool->slots);
        free(pool);
}

static bool grow(struct text_pool *pool)
{
        size_t capacity = pool->capacity == 0 ? 64 : pool->capacity * 2;
        const char **slots = calloc(capacity, sizeof(*slots));

        if (slots == NULL)
                return false;
        for (size_t i = 0; i < pool->capacity; i++) {
                size_t at;

                if (pool->slots[i] == NULL)
                        continue;
                at = hash_text(pool->slots[i]) & (capacity - 1);
                while (slots[at] != NULL)
                        at = (at + 1) & (capacity - 1);
                slots[at] = pool->slots[i];
        }
        free(pool->slots);
        pool->slots = slots;
        pool->capacity = capacity;
        return true;
}

static const char *keep(struct text_pool *pool, const char *text)
{
        size_t at;

        if (2 * pool->count >= pool->capacity && !grow(pool))
                return NULL;
        at = hash_text(text) & (pool->capacity - 1);
        while (pool->slots[at] != NULL) {
                if (strcmp(pool->slots[at], text) == 0)
                        return pool->slots[at];
                at = (at + 1) & (pool->capacity - 1);
        }
        pool->slots[at] = arena_text(&pool->arena, text);
        pool->count += pool->slots[at] != NULL;
        return pool->slots[at];
}

const char *text_pool_keep(struct text_pool *pool, const char *text)
{
        const char *kept;

        if (text == NULL || text[0] == '\0')
                return "";
        pthread_mutex_lock(&pool->lock);
        kept = keep(pool, text);
        pthread_mutex_unlock(&pool->lock);
        return kept;
}
