/* bench_event_queue.c - hold: pop the next event, push one a random time later.
 *
 * With 10^2 to 10^7 pending events; ns of CPU time a hold, best of three. Gaps
 * are exponential with the mean that keeps the density constant, and are drawn
 * beforehand so that they cost a read.
 */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "harness/base/rng.h"
#include "harness/sim/event_queue.h"

enum { GAPS = 1 << 12 };

static int64_t gap_ns[GAPS];

static double cpu_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double hold(size_t pending, size_t turns)
{
        struct event_queue queue;
        struct event event;
        double before, best = 1e300;

        event_queue_init(&queue);
        for (size_t i = 0; i < pending; i++)
                event_queue_push(&queue, gap_ns[i % GAPS] * (int64_t)(1 + i / GAPS % 7), i, i);
        for (int pass = 0; pass < 3; pass++) {
                before = cpu_ns();
                for (size_t i = 0; i < turns; i++) {
                        if (!event_queue_pop_before(&queue, TIME_NEVER, &event))
                                return -1;
                        event_queue_push(&queue, event.at_ns + gap_ns[(i * 7 + event.ident) % GAPS],
                                         event.ident, event.payload);
                }
                before = (cpu_ns() - before) / (double)turns;
                best = before < best ? before : best;
        }
        event_queue_release(&queue);
        return best;
}

int main(void)
{
        for (size_t i = 0; i < GAPS; i++)
                gap_ns[i] = 1 + (int64_t)(-log(rng_u01(rng_draw(1, i, RNG_DATA, 0).word[0])) * 1e9);
        printf("bytes an event: %zu\n", sizeof(struct event));
        for (size_t pending = 100; pending <= 10000000; pending *= 10) {
                double ns = hold(pending, pending < 1000000 ? 1000000 : 2000000);

                if (ns < 0)
                        return 1;
                printf("hold at %8zu pending: %6.1f ns\n", pending, ns);
        }
        return 0;
}
