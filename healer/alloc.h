/* healer/alloc.h - where the library takes its memory from.
 *
 * Every object is one allocation (or a few) when it is created and none
 * afterwards. A config's `allocator` may be NULL, which means malloc and free.
 * The struct and what it points to must outlive every object made with it.
 */
#ifndef HEALER_ALLOC_H
#define HEALER_ALLOC_H

#include "healer/err.h"

#include <stddef.h>

HEALER_BEGIN_DECLS

struct healer_allocator {
        /* `size` bytes aligned as malloc aligns, or NULL. */
        void *(*alloc)(void *ctx, size_t size);
        /* Takes back what alloc gave; never called with NULL. */
        void (*release)(void *ctx, void *memory);
        void *ctx;
};

HEALER_END_DECLS

#endif
