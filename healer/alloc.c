/* alloc.c - aligned memory from the caller's allocator, and config copies.
 *
 * Objects are aligned to a cache line, so that the word every call reads does
 * not share a line with a stranger's counters. The allocator promises less
 * than that, so a little more is asked for, and the block's own address is
 * kept just below what is handed out.
 */
#include "healer/hlr_base.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 };

void *hlr_alloc(const struct healer_allocator *allocator, size_t size)
{
        size_t bytes = hlr_bytes(size, 1, LINE_BYTES + sizeof(void *));
        uintptr_t at;
        void *block;

        if (bytes == SIZE_MAX)
                return NULL;
        block = allocator ? allocator->alloc(allocator->ctx, bytes) : malloc(bytes);
        if (!block)
                return NULL;
        at = ((uintptr_t)block + sizeof(void *) + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1);
        memcpy((void *)(at - sizeof(void *)), &block, sizeof(block));
        return memset((void *)at, 0, size);
}

void hlr_free(const struct healer_allocator *allocator, void *memory)
{
        void *block;

        if (!memory)
                return;
        memcpy(&block, (char *)memory - sizeof(void *), sizeof(block));
        if (allocator)
                allocator->release(allocator->ctx, block);
        else
                free(block);
}

enum healer_err hlr_config_copy(void *out, uint32_t out_size, const void *config,
                                uint32_t size_min)
{
        uint32_t size;

        if (!config)
                return HEALER_E_RANGE;
        memcpy(&size, config, sizeof(size));
        if (size < size_min || size > out_size)
                return HEALER_E_SIZE;
        memcpy(out, config, size);
        memcpy(out, &out_size, sizeof(out_size));
        return HEALER_OK;
}

_Thread_local char hlr_thread_mark;

uint32_t hlr_lane_find(struct hlr_lanes *lanes, uint64_t me, uint32_t first)
{
        for (uint32_t i = 0; i < HLR_LANES; i++) {
                uint32_t lane = (first + i) % HLR_LANES;
                uint64_t owner = hlr_load(&lanes->owner[lane]);

                if (owner == me ||
                    (owner == 0 && hlr_cas(&lanes->owner[lane], &owner, me, true)))
                        return lane;
        }
        return HLR_COMMON_LANE;
}
