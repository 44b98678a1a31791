/* hlr_window.c - moving a window on, and reading it whole.
 *
 * One thread at a time moves; it is chosen by a flag that nobody waits for. It
 * empties the buckets that time has passed over, adds up the rest once, and
 * only then lets the new bucket be seen.
 */
#include "healer/hlr_window.h"

void hlr_window_init(struct hlr_window *w, struct hlr_bucket *buckets, uint32_t count,
                     int64_t window_ns, int64_t now_ns, bool shared)
{
        w->base_ns = now_ns;
        w->bucket_ns = hlr_max(1, window_ns / count);
        w->count = count;
        w->shared = shared;
        w->buckets = buckets;
        hlr_store(&w->ends_at_ns, hlr_add(now_ns, w->bucket_ns));
}

static void empty(struct hlr_bucket *bucket)
{
        hlr_store(&bucket->a, 0);
        hlr_store(&bucket->b, 0);
}

static uint64_t number_at(const struct hlr_window *w, int64_t now_ns)
{
        return now_ns <= w->base_ns ? 0
                                    : (uint64_t)hlr_sub(now_ns, w->base_ns) / (uint64_t)w->bucket_ns;
}

static void sum_up(const struct hlr_window *w, uint64_t newest, uint64_t skip_newest,
                   uint64_t oldest, uint64_t sums[4])
{
        /* Walked down, since a division a bucket would cost more than all else here. */
        uint32_t index = (uint32_t)(newest % w->count);

        sums[0] = sums[1] = sums[2] = sums[3] = 0;
        for (uint64_t i = 0; i < w->count && i <= newest && newest - i >= oldest; i++) {
                const struct hlr_bucket *bucket = &w->buckets[index];
                uint64_t a, b;

                index = (index == 0 ? w->count : index) - 1;
                if (i < skip_newest)
                        continue;
                a = hlr_load(&bucket->a);
                b = hlr_load(&bucket->b);
                sums[0] += (uint32_t)a;
                sums[1] += a >> 32;
                sums[2] += (uint32_t)b;
                sums[3] += b >> 32;
        }
}

void hlr_window_move(struct hlr_window *w, uint64_t generation, int64_t now_ns)
{
        uint64_t idle = 0;
        uint64_t at, next, sums[4];
        bool fresh;

        if (!hlr_cas(&w->moving, &idle, 1, w->shared))
                return;
        at = hlr_load(&w->at);
        next = number_at(w, now_ns);
        if (next < at)
                next = at;
        fresh = (int32_t)(uint32_t)(generation - hlr_load(&w->generation)) > 0;
        if (next != at || fresh) {
                if (fresh || next - at >= w->count)
                        for (uint32_t i = 0; i < w->count; i++)
                                empty(&w->buckets[i]);
                else
                        for (uint64_t i = at + 1; i <= next; i++)
                                empty(&w->buckets[i % w->count]);
                sum_up(w, next, 1, 0, sums);
                for (int i = 0; i < 4; i++)
                        hlr_store(&w->others[i], sums[i]);
                hlr_store(&w->at, next);
                hlr_store(&w->index, next % w->count);
                if (fresh)
                        hlr_store(&w->generation, generation);
                hlr_store_rel(&w->ends_at_ns,
                              hlr_add(w->base_ns, hlr_mul((int64_t)hlr_min((int64_t)next,
                                                                           INT64_MAX - 1) +
                                                                  1,
                                                          w->bucket_ns)));
        }
        hlr_store_rel(&w->moving, 0);
}

struct hlr_sums hlr_window_sums(const struct hlr_window *w, uint64_t generation, int64_t now_ns)
{
        uint64_t now = number_at(w, now_ns);
        uint64_t at = hlr_load(&w->at);
        uint64_t oldest = now >= w->count ? now - w->count + 1 : 0;
        uint64_t sums[4] = {0, 0, 0, 0};

        if (hlr_load(&w->generation) == generation)
                sum_up(w, at, 0, oldest, sums);
        return (struct hlr_sums){sums[0], sums[1], sums[2], sums[3]};
}
