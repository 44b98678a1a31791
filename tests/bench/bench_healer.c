/* bench_healer.c - what the supervisor costs: by sample, by tick, by fleet, in ten million events.
 *
 *   sample     one instance's sample through detection (aim: 200 ns)
 *   tick       thinking over a whole fleet, by its size: what one instance more costs
 *   overhead   CPU at the defaults, a batch every five seconds: share of one core (aim: 1 %)
 *   events     ten million of them; the allocator must be asked for nothing
 *
 * Figures are the best of several passes; growth is the exponent of a power law
 * through the first and the last size: 1 is linear. It fails where memory grew, and
 * where ninety instances take more than 1 % of a core.
 */
#include "healer/healer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND INT64_C(1000000000)
enum { EACH = 3, PASSES = 5 };

static double now_s(void)
{
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint64_t asked;

static void *counted(void *ctx, size_t size)
{
        (void)ctx;
        asked++;
        return malloc(size);
}

static void release(void *ctx, void *memory)
{
        (void)ctx;
        free(memory);
}

static const struct healer_allocator allocator = {counted, release, NULL};

static struct healer *make(uint32_t services)
{
        const struct healer_callbacks callbacks = {NULL, NULL, NULL};
        struct healer_service_info *infos = calloc(services, sizeof(*infos));
        struct healer_edge_info *edges = calloc(services, sizeof(*edges));
        struct healer_instance_info *instances = calloc(EACH * services, sizeof(*instances));
        struct healer_topology topology = {.services = infos, .service_count = services,
                                           .edges = edges, .edge_count = services,
                                           .instances = instances,
                                           .instance_count = EACH * services,
                                           .actions_available = UINT32_MAX};
        struct healer_config config;
        struct healer *healer = NULL;

        healer_config_defaults(&config);
        for (uint32_t i = 0; infos && edges && instances && i < services; i++) {
                infos[i] = (struct healer_service_info){.name = "service", .workers = 4};
                edges[i] = (struct healer_edge_info){"edge", i == 0 ? HEALER_NONE : i - 1, i};
                for (uint32_t k = 0; k < EACH; k++)
                        instances[EACH * i + k] = (struct healer_instance_info){i, "instance"};
        }
        if (healer_create(&config, &topology, &callbacks, &allocator, 0, &healer) != HEALER_OK)
                exit(1);
        free(infos);
        free(edges);
        free(instances);
        return healer;
}

static struct healer_instance_sample sample_of(uint32_t instance, int64_t step)
{
        double wave = 0.05 * (double)((step * 7 + instance * 13) % 11) / 11;

        return (struct healer_instance_sample){
                .instance = instance, .cpu_ratio = 0.3 + wave, .memory_ratio = 0.4 + wave,
                .disk_ratio = 0.2, .fd_ratio = NAN, .pool_ratio = NAN, .token_ratio = NAN,
                .queue_depth = 0, .throughput_per_s = 10, .error_ratio = 0,
                .latency_p50_s = 0.010 + 0.01 * wave, .latency_p95_s = 0.03,
                .latency_p99_s = 0.04};
}

/* Seconds in samples and in ticks of `steps` batches. */
static void run(struct healer *healer, uint32_t services, int64_t *step, int64_t steps,
                double *samples_s, double *ticks_s)
{
        *samples_s = *ticks_s = 0;
        for (int64_t end = *step + steps; *step < end; (*step)++) {
                int64_t at_ns = (*step + 1) * 5 * SECOND, next;
                double from_s = now_s();

                for (uint32_t i = 0; i < EACH * services; i++) {
                        struct healer_instance_sample sample = sample_of(i, *step);

                        (void)healer_observe_instance(healer, at_ns, &sample);
                }
                *samples_s += now_s() - from_s;
                from_s = now_s();
                (void)healer_tick(healer, at_ns, &next);
                *ticks_s += now_s() - from_s;
        }
}

static int by_size(void)
{
        static const uint32_t sizes[] = {10, 30, 100, 300, 1000};
        enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };
        double sample_ns[SIZES], tick_ns[SIZES];
        int failed = 0;

        for (int k = 0; k < SIZES; k++) {
                struct healer *healer = make(sizes[k]);
                int64_t step = 0, steps = 20000 / sizes[k];
                double samples_s, ticks_s, best_sample = 1e300, best_tick = 1e300;

                run(healer, sizes[k], &step, 20, &samples_s, &ticks_s);
                for (int pass = 0; pass < PASSES; pass++) {
                        run(healer, sizes[k], &step, steps, &samples_s, &ticks_s);
                        best_sample = fmin(best_sample, samples_s);
                        best_tick = fmin(best_tick, ticks_s);
                }
                sample_ns[k] = best_sample * 1e9 / (double)(steps * EACH * sizes[k]);
                tick_ns[k] = best_tick * 1e9 / (double)steps;
                printf("%5u instances: %6.0f ns a sample, %9.0f ns a tick (%4.0f an instance), "
                       "%.5f %% of a core at the defaults\n",
                       EACH * sizes[k], sample_ns[k], tick_ns[k],
                       tick_ns[k] / (EACH * sizes[k]),
                       100 * (best_sample + best_tick) / ((double)steps * 5));
                failed |= EACH * sizes[k] <= 90 &&
                          best_sample + best_tick > 0.01 * (double)steps * 5;
                healer_destroy(healer);
        }
        printf("growth: a sample %.2f (0 is flat), a tick %.2f (1 is linear)\n",
               log(sample_ns[SIZES - 1] / sample_ns[0]) / log(100),
               log(tick_ns[SIZES - 1] / tick_ns[0]) / log(100));
        return failed;
}

static int ten_million_events(void)
{
        enum { SERVICES = 20 };
        struct healer *healer = make(SERVICES);
        struct healer_occurrence event = {.edge = HEALER_NONE, .text = "out of memory"};
        uint64_t before = asked;
        double from_s = now_s();
        int64_t next;

        for (int64_t i = 0; i < 10000000; i++) {
                event.at_ns = i * SECOND / 10;
                event.kind = (enum healer_occurrence_kind)(i % HEALER_OCCURRED_INSTANCE_ADDED);
                event.instance = (uint32_t)(i * 7 % (EACH * SERVICES));
                event.service = event.instance / EACH;
                event.code = (int)(i % 3);
                (void)healer_observe_event(healer, &event);
                if (i % 100 == 0)
                        (void)healer_tick(healer, event.at_ns, &next);
        }
        printf("ten million events: %.0f ns each with a tick a hundred, %llu episodes, "
               "%llu allocations since the start\n",
               (now_s() - from_s) * 1e2, (unsigned long long)healer_stats(healer).episodes,
               (unsigned long long)(asked - before));
        healer_destroy(healer);
        return asked == before ? 0 : 1;
}

int main(void)
{
        int failed = by_size();

        return ten_million_events() | failed;
}
