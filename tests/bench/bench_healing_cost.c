/* bench_healing_cost.c - what one sample costs the healer, and whether it grows.
 *
 * Samples of instances of a calm fleet with noise are shown, batch by batch, and a tick
 * follows each batch, as in a run. Best of several passes, in time of the processor,
 * so that others on the machine count less. Twice the history and ten
 * times the instances must not make a sample dearer: detection is O(1) a sample. The
 * aim is 200 ns a sample through detection; prediction, which looks at the trends of
 * each instance in a tick, is shown apart.
 */
#include "healer/healer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PASSES = 5, SERVICES = 20, AIM_NS = 200 };

static const int64_t second_ns = 1000000000;

static double now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double unit(uint64_t *state)
{
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return ((double)(*state >> 33) + 0.5) / 2147483648.0;
}

static void drop_command(void *user, const struct healer_command *command)
{
        (void)user;
        (void)command;
}

static void drop_notice(void *user, const struct healer_notice *notice)
{
        (void)user;
        (void)notice;
}

static struct healer *make(uint32_t each, bool predict)
{
        static const char *const names[SERVICES] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                                                    "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
        struct healer_service_info services[SERVICES] = {0};
        struct healer_instance_info *instances = calloc(SERVICES * each, sizeof(*instances));
        const struct healer_callbacks callbacks = {NULL, drop_command, drop_notice};
        struct healer_topology topology = {0};
        struct healer_config config;
        struct healer *healer = NULL;

        for (uint32_t i = 0; i < SERVICES; i++)
                services[i] = (struct healer_service_info){.name = names[i], .workers = 8};
        for (uint32_t i = 0; instances != NULL && i < SERVICES * each; i++)
                instances[i] = (struct healer_instance_info){i / each, "one"};
        topology.services = services;
        topology.service_count = SERVICES;
        topology.instances = instances;
        topology.instance_count = SERVICES * each;
        topology.actions_available = UINT32_MAX;
        healer_config_defaults(&config);
        config.prediction.enabled = predict;
        if (instances == NULL ||
            healer_create(&config, &topology, &callbacks, NULL, 0, &healer) != HEALER_OK)
                exit(1);
        free(instances);
        return healer;
}

struct cost {
        double observe_ns, tick_ns; /* a sample */
};

static struct cost one_pass(uint32_t each, uint32_t rounds, bool predict)
{
        struct healer *healer = make(each, predict);
        struct cost cost = {0, 0};
        uint64_t state = 1;
        double from, between;
        int64_t at_ns = 0, next_ns;
        double count = (double)SERVICES * each * rounds;

        for (uint32_t round = 0; round < rounds; round++) {
                at_ns += 5 * second_ns;
                from = now_ns();
                for (uint32_t i = 0; i < SERVICES * each; i++) {
                        double noise = 0.9 + 0.2 * unit(&state);
                        const struct healer_instance_sample sample = {
                                .instance = i, .cpu_ratio = 0.3 * noise, .memory_ratio = 0.4 * noise,
                                .disk_ratio = NAN, .fd_ratio = NAN, .pool_ratio = NAN, .token_ratio = NAN,
                                .queue_depth = 0, .throughput_per_s = 30 * noise, .error_ratio = 0,
                                .latency_p50_s = 0.01 * noise, .latency_p95_s = 0.03 * noise,
                                .latency_p99_s = 0.04 * noise, .connection_failures = 0};

                        (void)healer_observe_instance(healer, at_ns, &sample);
                }
                between = now_ns();
                (void)healer_tick(healer, at_ns, &next_ns);
                cost.tick_ns += (now_ns() - between) / count;
                cost.observe_ns += (between - from) / count;
        }
        healer_destroy(healer);
        return cost;
}

static struct cost best(uint32_t each, uint32_t rounds, bool predict)
{
        struct cost least = one_pass(each, rounds, predict);

        for (int pass = 1; pass < PASSES; pass++) {
                struct cost cost = one_pass(each, rounds, predict);

                least.observe_ns = fmin(least.observe_ns, cost.observe_ns);
                least.tick_ns = fmin(least.tick_ns, cost.tick_ns);
        }
        return least;
}

int main(void)
{
        static const struct {
                uint32_t each, rounds;
                bool predict;
        } rows[] = {{5, 400, false}, {5, 800, false}, {50, 400, false}, {5, 400, true}, {50, 400, true}};

        printf("%-46s %12s %12s\n", "a sample of an instance", "taken in", "its tick");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct cost cost = best(rows[i].each, rows[i].rounds, rows[i].predict);

                printf("%5u instances, %4u batches, prediction %-6s %9.0f ns %9.0f ns", SERVICES * rows[i].each,
                       rows[i].rounds, rows[i].predict ? "on" : "off", cost.observe_ns, cost.tick_ns);
                if (rows[i].predict)
                        printf("\n");
                else
                        printf("   aim %d ns together: %s\n", AIM_NS,
                               cost.observe_ns + cost.tick_ns <= AIM_NS ? "met" : "MISSED");
        }
        return 0;
}
