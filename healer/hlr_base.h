/* hlr_base.h - what every policy needs and no user sees: saturating time,
 * seeded numbers, atomics that know whether anybody else is looking, config
 * copies and aligned memory.
 *
 * An object made for one thread (`threads = HEALER_THREADS_ONE`) uses plain
 * loads and stores where a shared one uses locked instructions: 1 ns against
 * 6 to 10. That is what a simulation with one world per thread pays. The
 * `shared` argument below is a field the compiler and the branch predictor
 * see as constant.
 *
 * Time never goes back inside an object: hlr_observe() answers the newest
 * instant seen so far and counts the caller's steps back.
 */
#ifndef HLR_BASE_H
#define HLR_BASE_H

#include "healer/alloc.h"
#include "healer/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HLR_SECOND INT64_C(1000000000)
#define HLR_MILLISECOND INT64_C(1000000)
#define HLR_LIKELY(x) __builtin_expect(!!(x), 1)
#define HLR_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define HLR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- saturating time ---- */

static inline int64_t hlr_add(int64_t a, int64_t b)
{
        int64_t sum;

        if (__builtin_add_overflow(a, b, &sum))
                return b > 0 ? INT64_MAX : INT64_MIN;
        return sum;
}

static inline int64_t hlr_sub(int64_t a, int64_t b)
{
        int64_t difference;

        if (__builtin_sub_overflow(a, b, &difference))
                return b > 0 ? INT64_MIN : INT64_MAX;
        return difference;
}

static inline int64_t hlr_mul(int64_t a, int64_t b)
{
        int64_t product;

        if (__builtin_mul_overflow(a, b, &product))
                return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
        return product;
}

/* A double as nanoseconds: NaN and negatives are 0, too large is INT64_MAX. */
static inline int64_t hlr_from_double(double ns)
{
        if (!(ns > 0))
                return 0;
        if (ns >= 9223372036854774784.0)
                return INT64_MAX;
        return (int64_t)ns;
}

static inline int64_t hlr_min(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static inline int64_t hlr_max(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

/* ---- seeded numbers ---- */

/* splitmix64: one step of state, one well-mixed word. */
static inline uint64_t hlr_mix(uint64_t x)
{
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

/* 53 bits as a number in [0, 1). */
static inline double hlr_unit(uint64_t bits)
{
        return (double)(bits >> 11) * 0x1p-53;
}

/* ---- atomics ---- */

#define hlr_load(p) atomic_load_explicit((p), memory_order_relaxed)
#define hlr_load_acq(p) atomic_load_explicit((p), memory_order_acquire)
#define hlr_store(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define hlr_store_rel(p, v) atomic_store_explicit((p), (v), memory_order_release)

/* Adds and answers the old value. */
static inline uint64_t hlr_fetch_add(_Atomic uint64_t *p, uint64_t n, bool shared)
{
        uint64_t old;

        if (shared)
                return atomic_fetch_add_explicit(p, n, memory_order_acq_rel);
        old = hlr_load(p);
        hlr_store(p, old + n);
        return old;
}

static inline void hlr_count(_Atomic uint64_t *p, uint64_t n, bool shared)
{
        if (shared)
                atomic_fetch_add_explicit(p, n, memory_order_relaxed);
        else
                hlr_store(p, hlr_load(p) + n);
}

static inline bool hlr_cas(_Atomic uint64_t *p, uint64_t *expected, uint64_t wanted, bool shared)
{
        uint64_t old;

        if (shared)
                return atomic_compare_exchange_strong_explicit(
                        p, expected, wanted, memory_order_seq_cst, memory_order_acquire);
        old = hlr_load(p);
        if (old != *expected) {
                *expected = old;
                return false;
        }
        hlr_store(p, wanted);
        return true;
}

static inline bool hlr_cas_i64(_Atomic int64_t *p, int64_t *expected, int64_t wanted, bool shared)
{
        int64_t old;

        if (shared)
                return atomic_compare_exchange_strong_explicit(
                        p, expected, wanted, memory_order_seq_cst, memory_order_acquire);
        old = hlr_load(p);
        if (old != *expected) {
                *expected = old;
                return false;
        }
        hlr_store(p, wanted);
        return true;
}

/* The newest instant seen by this object; a step back is counted and ignored. */
static inline int64_t hlr_observe(_Atomic int64_t *newest, _Atomic uint64_t *steps_back,
                                  int64_t now_ns, bool shared)
{
        int64_t seen = hlr_load(newest);

        if (HLR_LIKELY(now_ns == seen))
                return now_ns;
        while (now_ns > seen)
                if (hlr_cas_i64(newest, &seen, now_ns, shared))
                        return now_ns;
        if (now_ns < seen)
                hlr_count(steps_back, 1, shared);
        return seen;
}

/* ---- counters without locked instructions ----
 *
 * A counter that every call raises would cost each call a locked instruction.
 * So it is kept in lanes: each of the first few threads owns one, in which it
 * alone counts with plain stores; all the others share the last, with locked
 * ones. Only the sum of the lanes means anything. Who owns what is decided
 * once, by a compare-and-swap; a thread is known by the address of a variable
 * of its own, which chooses the place of a count and nothing else. Not for
 * signal handlers: one that counts in the middle of a count loses it.
 */

enum { HLR_LANES = 4, HLR_COMMON_LANE = HLR_LANES };

struct hlr_lanes {
        _Atomic uint64_t owner[HLR_LANES]; /* 0: nobody's yet */
};

extern _Thread_local char hlr_thread_mark
        __attribute__((visibility("hidden"), tls_model("initial-exec")));

/* The slow half: looks through all lanes, takes a free one, or the common one. */
uint32_t hlr_lane_find(struct hlr_lanes *lanes, uint64_t me, uint32_t first);

/* The caller's lane; count in it with hlr_count(.., lane == HLR_COMMON_LANE). */
static inline uint32_t hlr_lane(struct hlr_lanes *lanes, bool shared)
{
        uint64_t me;
        uint32_t first;

        if (!shared)
                return 0;
        me = (uint64_t)(uintptr_t)&hlr_thread_mark;
        first = (uint32_t)(me >> 12) * 0x9e3779b9u >> 30;
        if (HLR_LIKELY(hlr_load(&lanes->owner[first]) == me))
                return first;
        return hlr_lane_find(lanes, me, first);
}

/* ---- memory and configs ---- */

/* Zeroed and aligned to 64 bytes, or NULL. `allocator` may be NULL. */
void *hlr_alloc(const struct healer_allocator *allocator, size_t size);
void hlr_free(const struct healer_allocator *allocator, void *memory);

/* count * size + extra, or SIZE_MAX where that does not fit. */
static inline size_t hlr_bytes(size_t extra, size_t count, size_t size)
{
        size_t bytes;

        if (__builtin_mul_overflow(count, size, &bytes) ||
            __builtin_add_overflow(bytes, extra, &bytes))
                return SIZE_MAX;
        return bytes;
}

/* Lays a caller's config, maybe of an older and shorter layout, over the
 * defaults in `out`. The first field of both is `uint32_t size`. */
HEALER_NODISCARD enum healer_err hlr_config_copy(void *out, uint32_t out_size,
                                                 const void *config, uint32_t size_min);

#endif
