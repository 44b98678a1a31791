/* memory.c - the flag that an allocation failed, and jansson's way to raise it. */
#include "harness/base/memory.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_bool ran_out;

bool memory_ran_out(void)
{
        return atomic_load_explicit(&ran_out, memory_order_relaxed);
}

void memory_note_lack(void)
{
        atomic_store_explicit(&ran_out, true, memory_order_relaxed);
}

static void *watched_malloc(size_t size)
{
        void *memory = malloc(size);

        if (memory == NULL && size != 0)
                memory_note_lack();
        return memory;
}

void memory_watch_json(void)
{
        json_set_alloc_funcs(watched_malloc, free);
}
