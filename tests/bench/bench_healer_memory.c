/* bench_healer_memory.c - ten million events, and not a byte more than at the start.
 *
 * A supervisor with everything switched on is told of a shop in which something is
 * always wrong. Printed are its bytes and allocations at create, after growth, and
 * at the end, the bound that healer.h states, and what an event costs. It fails when
 * the bound is passed or anything is taken while observing or ticking.
 *
 *     bench_healer_memory [events=N]
 */
#include <stdio.h>
#include <time.h>

#include "tests/healer_load.h"

int main(int argc, char **argv)
{
        uint64_t wanted = 10000000, events = 0, state = 1, settled_allocations = 0, settled_bytes = 0;
        uint64_t stated, at_create;
        struct counted counted = {0};
        const struct healer_allocator allocator = {counted_alloc, counted_release, &counted};
        struct rig *rig = rig_create();
        struct timespec from, to;
        uint32_t added = 0;
        bool good;

        if (argc > 1 && sscanf(argv[1], "events=%lu", &wanted) != 1) {
                fprintf(stderr, "bench_healer_memory: events=N\n");
                return 2;
        }
        rig->config.detection.anomaly = true;
        load_start(rig, &allocator);
        at_create = counted.bytes;
        printf("at create          %8.0f KiB in %llu allocations\n", (double)counted.bytes / 1024,
               (unsigned long long)counted.allocations);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        while (events < wanted) {
                events += load_step(rig, &state, &added);
                if (settled_bytes == 0 && added > 4 * RIG_INSTANCES + 256 - RIG_INSTANCES) {
                        settled_bytes = counted.bytes;
                        settled_allocations = counted.allocations;
                        printf("all it may follow  %8.0f KiB in %llu allocations, after %llu events\n",
                               (double)counted.bytes / 1024,
                               (unsigned long long)counted.allocations, (unsigned long long)events);
                }
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        stated = stated_bytes(rig, 4 * RIG_INSTANCES + 256);
        printf("at the end         %8.0f KiB in %llu allocations, after %llu events\n",
               (double)counted.bytes / 1024, (unsigned long long)counted.allocations,
               (unsigned long long)events);
        printf("stated             %8.0f KiB at most\n", (double)stated / 1024);
        printf("taken meanwhile    %8llu allocations   aim: 0\n",
               (unsigned long long)(counted.allocations - settled_allocations));
        printf("an event           %8.0f ns\n",
               ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
                       (double)events);
        printf("episodes %llu, orders %llu, dropped %llu\n",
               (unsigned long long)healer_stats(rig->healer).episodes,
               (unsigned long long)healer_stats(rig->healer).orders,
               (unsigned long long)healer_stats(rig->healer).dropped);
        good = settled_bytes > 0 && counted.bytes == settled_bytes &&
               counted.allocations == settled_allocations && counted.bytes <= stated &&
               at_create <= stated;
        printf("%s\n", good ? "held" : "NOT HELD");
        rig_free(rig);
        return good && counted.bytes == 0 ? 0 : 1;
}
