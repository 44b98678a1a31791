/* hlr_window.h - sums over the last while, for any number of threads.
 *
 * The window is cut into `count` buckets. Each has two words of two 32-bit
 * counters: {a_low, a_high} and {b_low, b_high}. A record is one atomic add to
 * the bucket of now; the sums of all other live buckets are kept beside it and
 * made anew only when time moves into the next bucket. So record-and-judge is
 * one locked instruction, whatever the number of buckets.
 *
 * Moving on is done by whoever gets there first; the others do not wait, they
 * add to the bucket they see. An entry therefore stays up to one bucket too
 * short, and while threads race at the seam up to one too long. One thread
 * alone is exact: an entry goes when its bucket is a full window old.
 *
 * A record carries a generation. A newer one empties the window, an older one
 * is dropped, so nobody has to stop the others to clear it.
 */
#ifndef HLR_WINDOW_H
#define HLR_WINDOW_H

#include "healer/hlr_base.h"

struct hlr_bucket {
        _Atomic uint64_t a;
        _Atomic uint64_t b;
};

struct hlr_sums {
        uint64_t a_low;
        uint64_t a_high;
        uint64_t b_low;
        uint64_t b_high;
};

struct hlr_window {
        _Atomic int64_t ends_at_ns; /* of the current bucket */
        _Atomic uint64_t generation;
        _Atomic uint64_t at; /* number of the current bucket, from 0 at base */
        _Atomic uint64_t index;
        _Atomic uint64_t others[4]; /* sums of the live buckets but the current */
        _Atomic uint64_t moving;
        int64_t base_ns;
        int64_t bucket_ns;
        uint32_t count;
        bool shared;
        struct hlr_bucket *buckets;
};

static inline uint64_t hlr_pack(uint32_t low, uint32_t high)
{
        return (uint64_t)high << 32 | low;
}

/* `buckets` is zeroed memory for `count` of them, the caller's. */
void hlr_window_init(struct hlr_window *w, struct hlr_bucket *buckets, uint32_t count,
                     int64_t window_ns, int64_t now_ns, bool shared);

/* Moves on to now_ns; off the hot path, called by hlr_window_add. */
void hlr_window_move(struct hlr_window *w, uint64_t generation, int64_t now_ns);

/* Sums without moving on, for export; zeros for another generation. O(count). */
struct hlr_sums hlr_window_sums(const struct hlr_window *w, uint64_t generation, int64_t now_ns);

/* Adds, and answers the sums with it. False: older generation, nothing done. */
static inline bool hlr_window_add(struct hlr_window *w, uint64_t generation, int64_t now_ns,
                                  uint64_t a, uint64_t b, struct hlr_sums *sums)
{
        struct hlr_bucket *bucket;
        uint64_t value;

        if (HLR_UNLIKELY(now_ns >= hlr_load_acq(&w->ends_at_ns) ||
                         generation != hlr_load(&w->generation))) {
                if ((int32_t)(uint32_t)(generation - hlr_load(&w->generation)) < 0)
                        return false;
                hlr_window_move(w, generation, now_ns);
        }
        bucket = &w->buckets[hlr_load(&w->index)];
        /* a bucket at its brim takes no more; better a count short than a carry */
        if (HLR_UNLIKELY(((uint32_t)hlr_load(&bucket->a) | hlr_load(&bucket->a) >> 32) >
                         0xfffffff0u - 0x10000u))
                a = 0;
        if (a)
                value = hlr_fetch_add(&bucket->a, a, w->shared) + a;
        else
                value = hlr_load(&bucket->a);
        sums->a_low = hlr_load(&w->others[0]) + (uint32_t)value;
        sums->a_high = hlr_load(&w->others[1]) + (value >> 32);
        if (b)
                value = hlr_fetch_add(&bucket->b, b, w->shared) + b;
        else
                value = hlr_load(&bucket->b);
        sums->b_low = hlr_load(&w->others[2]) + (uint32_t)value;
        sums->b_high = hlr_load(&w->others[3]) + (value >> 32);
        return true;
}

#endif
