/* bench_healing_cost.c - what one sample costs the healer, whether it grows, and its share of a run.
 *
 * bench_healing_cost CHAOS-RUN FOLDER/SCENARIO
 *
 * Samples of instances of a calm fleet with noise are shown, batch by batch, and a tick
 * follows each batch, as in a run. Best of several passes, in time of the processor,
 * so that others on the machine count less. Twice the history and ten
 * times the instances must not make a sample dearer: detection is O(1) a sample. The
 * aim is 200 ns a sample through detection; prediction, which looks at the trends of
 * each instance in a tick, is shown apart.
 *
 * The share is that of user time of the whole program, with the default strategy against
 * a healer that looks and changes nothing, over the same replications and arms. The two run in
 * turn, so that what else happens on the machine meets both; the middle of the pairs
 * counts. It holds all that comes with the healer: telemetry that is shown to it,
 * protections on calls, and a fleet that does more since it is well.
 */
#include "healer/healer.h"

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PASSES = 5, SERVICES = 20, AIM_NS = 200, PAIRS = 9, AIM_PERCENT = 15 };

extern char **environ;

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

/* ---- its share of a run */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
        (void)info;
        (void)kind;
        (void)at;
        return remove(path);
}

static double user_s(const char *program, const char *scenario, const char *strategy)
{
        char folder[] = "/tmp/bench-healing-XXXXXX";
        const char *const words[] = {program,   scenario,     "--strategy", strategy, "--runs", "2",
                                     "--jobs",  "1",          "--quiet",    "--no-plots",
                                     "--format", "csv",       "--out",      folder,   NULL};
        struct rusage usage;
        posix_spawn_file_actions_t files;
        pid_t child;
        int status;

        if (mkdtemp(folder) == NULL || posix_spawn_file_actions_init(&files) != 0 ||
            posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) != 0 ||
            posix_spawn(&child, program, &files, NULL, (char *const *)(uintptr_t)words, environ) != 0 ||
            wait4(child, &status, 0, &usage) != child) {
                perror(program);
                (void)rmdir(folder);
                exit(1);
        }
        posix_spawn_file_actions_destroy(&files);
        (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) { /* 1: a threshold is not met */
                fprintf(stderr, "%s %s --strategy %s: status %d\n", program, scenario, strategy, status);
                exit(1);
        }
        return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6;
}

static int by_size(const void *left, const void *right)
{
        double a = *(const double *)left, b = *(const double *)right;

        return (a > b) - (a < b);
}

static void show_share(const char *program, const char *scenario)
{
        double shares[PAIRS], with_s = INFINITY, without_s = INFINITY;

        for (int i = 0; i < PAIRS; i++) {
                double without = user_s(program, scenario, "reference:placebo");
                double with = user_s(program, scenario, "default");

                shares[i] = 100 * (with - without) / with;
                with_s = fmin(with_s, with);
                without_s = fmin(without_s, without);
        }
        qsort(shares, PAIRS, sizeof(shares[0]), by_size);
        printf("a run of %s: %.2f s with healing, %.2f s without; its share %.1f %% (%.1f to %.1f in %d "
               "pairs)   aim %d %%: %s\n",
               strrchr(scenario, '/') + 1, with_s, without_s, shares[PAIRS / 2], shares[0], shares[PAIRS - 1], PAIRS,
               AIM_PERCENT, shares[PAIRS / 2] <= AIM_PERCENT ? "met" : "MISSED");
}

int main(int argc, char **argv)
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
        fflush(stdout);
        if (argc == 3 && strchr(argv[2], '/') != NULL)
                show_share(argv[1], argv[2]);
        return 0;
}
