/* bench_healing_cost.c - what one sample costs the healer, whether it grows, and its share of a run.
 *
 * bench_healing_cost CHAOS-RUN FOLDER/SCENARIO
 * bench_healing_cost pass INSTANCES-OF-A-SERVICE BATCHES PREDICTION ANOMALY   (under callgrind)
 *
 * Samples of instances of a calm fleet with noise are shown, batch by batch, and a tick
 * follows each batch, as in a run. Best of several passes, in time of the processor,
 * so that others on the machine count less; and instructions by callgrind, where there is
 * valgrind, which nobody else on the machine moves. Twice the history and ten
 * times the instances must not make a sample dearer: detection is O(1) a sample.
 *
 *   taken in   the sample through detection: monitors, what is usual, tracks (aim: 200 ns);
 *              also in units of a bare loop, which compares the same ten numbers of the
 *              same samples with their limits and keeps the last
 *   anomaly    its part of the four detectors of its service, which take a row a batch
 *              whatever the number of instances: the tick with them less that without
 *   tick       all else that a tick does
 *
 * The share is that of user time of the whole program, with the default strategy against
 * a healer that looks and changes nothing, over the same replications and arms. The two run in
 * turn, so that what else happens on the machine meets both; the middle of the pairs
 * counts. It holds all that comes with the healer: telemetry that is shown to it,
 * protections on calls, and a fleet that does more since it is well. Of the instructions of
 * a run it is said which part is the supervisor's own, below its entry points.
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

static struct healer *make(uint32_t each, bool predict, bool anomaly)
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
        config.detection.anomaly = anomaly;
        if (instances == NULL ||
            healer_create(&config, &topology, &callbacks, NULL, 0, &healer) != HEALER_OK)
                exit(1);
        free(instances);
        return healer;
}

struct cost {
        double observe_ns, tick_ns; /* a sample */
};

static struct healer_instance_sample sample_of(uint32_t instance, uint64_t *state)
{
        double noise = 0.9 + 0.2 * unit(state);

        return (struct healer_instance_sample){
                .instance = instance, .cpu_ratio = 0.3 * noise, .memory_ratio = 0.4 * noise,
                .disk_ratio = NAN, .fd_ratio = NAN, .pool_ratio = NAN, .token_ratio = NAN,
                .queue_depth = 0, .throughput_per_s = 30 * noise, .error_ratio = 0,
                .latency_p50_s = 0.01 * noise, .latency_p95_s = 0.03 * noise,
                .latency_p99_s = 0.04 * noise, .connection_failures = 0};
}

static struct cost one_pass(uint32_t each, uint32_t rounds, bool predict, bool anomaly)
{
        struct healer *healer = make(each, predict, anomaly);
        struct cost cost = {0, 0};
        uint64_t state = 1;
        double from, between;
        int64_t at_ns = 0, next_ns;
        double count = (double)SERVICES * each * rounds;

        for (uint32_t round = 0; round < rounds; round++) {
                at_ns += 5 * second_ns;
                from = now_ns();
                for (uint32_t i = 0; i < SERVICES * each; i++) {
                        const struct healer_instance_sample sample = sample_of(i, &state);

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

static struct cost best(uint32_t each, uint32_t rounds, bool predict, bool anomaly)
{
        struct cost least = one_pass(each, rounds, predict, anomaly);

        for (int pass = 1; pass < PASSES; pass++) {
                struct cost cost = one_pass(each, rounds, predict, anomaly);

                least.observe_ns = fmin(least.observe_ns, cost.observe_ns);
                least.tick_ns = fmin(least.tick_ns, cost.tick_ns);
        }
        return least;
}

/* The ruler: limits held against ten numbers of each instance, and nothing known of before. */
struct kept {
        double value[10];
        int64_t seen_ns, broken_ns;
};

static uint32_t hold(struct kept *kept, const struct healer_instance_sample *sample, int64_t at_ns)
{
        static const double limits[10] = {0.8, 0.8, 0.85, 0.85, 0.9, 0.8, 4, 0.05, 2, 0.05};
        const double values[10] = {sample->cpu_ratio,     sample->memory_ratio, sample->disk_ratio,
                                   sample->fd_ratio,      sample->pool_ratio,   sample->token_ratio,
                                   sample->queue_depth,   sample->error_ratio,  sample->latency_p95_s,
                                   sample->connection_failures};
        uint32_t broken = 0;

        for (int k = 0; k < 10; k++) {
                broken += values[k] >= limits[k];
                kept->value[k] = values[k];
        }
        kept->seen_ns = at_ns;
        if (broken > 0)
                kept->broken_ns = at_ns;
        return broken;
}

static double bare(uint32_t each, uint32_t rounds)
{
        struct kept *kept = calloc(SERVICES * each, sizeof(*kept));
        double least = INFINITY;
        uint32_t broken = 0;

        if (kept == NULL)
                exit(1);
        for (int pass = 0; pass < PASSES; pass++) {
                uint64_t state = 1;
                double from = now_ns();

                for (uint32_t round = 0; round < rounds; round++) {
                        for (uint32_t i = 0; i < SERVICES * each; i++) {
                                const struct healer_instance_sample sample = sample_of(i, &state);

                                broken += hold(&kept[i], &sample, round * second_ns);
                        }
                }
                least = fmin(least, now_ns() - from);
        }
        free(kept);
        if (broken > 0)
                printf("the ruler is broken\n");
        return least / ((double)SERVICES * each * rounds);
}

static const char *met(bool is)
{
        return is ? "met" : "MISSED";
}

static void show_times(void)
{
        static const struct {
                uint32_t each, rounds;
                bool predict;
        } rows[] = {{2, 400, false}, {5, 400, false}, {5, 800, false}, {50, 400, false},
                    {2, 400, true},  {5, 400, true},  {50, 400, true}};

        printf("a sample of an instance, ns; %d services\n%-36s %9s %9s %9s %9s\n", SERVICES, "",
               "taken in", "bare loop", "anomaly", "tick");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct cost cost = best(rows[i].each, rows[i].rounds, rows[i].predict, true);
                struct cost without = best(rows[i].each, rows[i].rounds, rows[i].predict, false);
                double ruler = bare(rows[i].each, rows[i].rounds);
                double anomaly_ns = fmax(0, cost.tick_ns - without.tick_ns);

                printf("%4u instances, %3u batches%12s %9.0f %5.0f %3.0fx %8.0f %9.0f   "
                       "aim %d: %s, with anomaly: %s\n",
                       SERVICES * rows[i].each, rows[i].rounds, rows[i].predict ? ", predicted" : "",
                       cost.observe_ns, ruler, cost.observe_ns / ruler, anomaly_ns,
                       cost.tick_ns - anomaly_ns, AIM_NS, met(cost.observe_ns <= AIM_NS),
                       met(cost.observe_ns + anomaly_ns <= AIM_NS));
        }
        fflush(stdout);
}

/* ---- counted: instructions, by callgrind */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
        (void)info;
        (void)kind;
        (void)at;
        return remove(path);
}

enum { NAMES_MAX = 1 << 16 };

struct tally {
        double all, within; /* of all instructions, those below the entry points of the supervisor */
        bool entry[NAMES_MAX], own[NAMES_MAX]; /* by number of a function */
};

static bool is_entry(const char *name)
{
        static const char *const names[] = {"healer_tick", "healer_observe_", "healer_create",
                                            "healer_destroy", "healer_health_", "healer_overview",
                                            "healer_export", "healer_import", "healer_outlook_of"};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (strncmp(name, names[i], strlen(names[i])) == 0)
                        return true;
        }
        return false;
}

/* The number of "fn=(12) name", where the name is told the first time only. */
static uint32_t number_of(struct tally *tally, const char *text)
{
        char *end;
        unsigned long number = strtoul(text + 1, &end, 10) % NAMES_MAX;

        if (end[0] == ')' && end[1] == ' ') {
                tally->entry[number] = is_entry(end + 2);
                tally->own[number] = strncmp(end + 2, "healer_", 7) == 0 ||
                                     strncmp(end + 2, "hlr_", 4) == 0;
        }
        return (uint32_t)number;
}

static bool read_counts(const char *path, struct tally *tally)
{
        uint32_t caller = 0, callee = 0;
        bool call = false;
        char *line = NULL;
        size_t room = 0;
        FILE *in = fopen(path, "r");

        memset(tally, 0, sizeof(*tally));
        while (in != NULL && getline(&line, &room, in) > 0) {
                if (strncmp(line, "fn=(", 4) == 0)
                        caller = number_of(tally, line + 3);
                else if (strncmp(line, "cfn=(", 5) == 0)
                        callee = number_of(tally, line + 4);
                else if (strncmp(line, "calls=", 6) == 0)
                        call = true;
                else if (strncmp(line, "totals:", 7) == 0 || strncmp(line, "summary:", 8) == 0)
                        tally->all = strtod(strchr(line, ':') + 1, NULL);
                else if (call) {
                        call = false;
                        if (tally->entry[callee] && !tally->own[caller])
                                tally->within += strtod(strchr(line, ' ') ? strchr(line, ' ') : "", NULL);
                }
        }
        free(line);
        if (in != NULL)
                (void)fclose(in);
        return in != NULL && tally->all > 0;
}

/* Runs it under callgrind, counting everything or, `within` a function, that. */
static bool count(const char *const *command, const char *within, struct tally *tally)
{
        char folder[] = "/tmp/bench-counted-XXXXXX", path[64], run[64], out[128], toggle[64];
        const char *words[24] = {"valgrind", "--tool=callgrind", "--quiet", out};
        posix_spawn_file_actions_t files;
        pid_t child;
        int status, n = 4;
        bool done;

        if (mkdtemp(folder) == NULL)
                return false;
        snprintf(path, sizeof(path), "%s/counts", folder);
        snprintf(run, sizeof(run), "%s/run", folder);
        snprintf(out, sizeof(out), "--callgrind-out-file=%s", path);
        snprintf(toggle, sizeof(toggle), "--toggle-collect=%s", within ? within : "");
        if (within != NULL) {
                words[n++] = "--collect-atstart=no";
                words[n++] = toggle;
        }
        for (; *command != NULL && n < 23; command++)
                words[n++] = strcmp(*command, "FOLDER") == 0 ? run : *command;
        words[n] = NULL;
        done = posix_spawn_file_actions_init(&files) == 0 &&
               posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) == 0 &&
               posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0) == 0 &&
               posix_spawnp(&child, words[0], &files, NULL, (char *const *)(uintptr_t)words,
                            environ) == 0 &&
               waitpid(child, &status, 0) == child && WIFEXITED(status) &&
               WEXITSTATUS(status) <= 1 && read_counts(path, tally);
        (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        return done;
}

static bool counted_pass(const char *self, const char *each, const char *anomaly,
                         const char *within, double samples, double *instructions)
{
        static struct tally tally;
        const char *const words[] = {self, "pass", each, "200", "0", anomaly, NULL};

        if (!count(words, within, &tally))
                return false;
        *instructions = tally.all / samples;
        return true;
}

static void show_instructions(const char *self)
{
        static const char *const sizes[] = {"2", "5", "50"};
        double taken, with, without;

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                double samples = SERVICES * 200 * strtod(sizes[i], NULL);

                if (!counted_pass(self, sizes[i], "1", "healer_observe_instance", samples, &taken) ||
                    !counted_pass(self, sizes[i], "1", "healer_tick", samples, &with) ||
                    !counted_pass(self, sizes[i], "0", "healer_tick", samples, &without)) {
                        printf("instructions: not counted (valgrind is needed)\n");
                        return;
                }
                printf("instructions a sample, %2s instances a service: %5.0f taken in, %5.0f anomaly, "
                       "%5.0f tick\n",
                       sizes[i], taken, with - without, without);
                fflush(stdout);
        }
}

static void show_counted_share(const char *program, const char *scenario)
{
        static const char *const strategies[] = {"none", "reference:placebo", "default"};
        static struct tally tally;
        double all[3], within[3], share;

        for (int i = 0; i < 3; i++) {
                const char *const words[] = {program,   scenario, "--strategy", strategies[i], "--runs", "1",
                                             "--jobs",  "1",      "--quiet",    "--no-plots",  "--format",
                                             "csv",     "--out",  "FOLDER",     NULL};

                if (!count(words, NULL, &tally)) {
                        printf("share of instructions: not counted (valgrind is needed)\n");
                        return;
                }
                all[i] = tally.all;
                within[i] = tally.within;
        }
        /* The program runs the arm without healing as well: the rest is the run with it. */
        share = 100 * within[2] / (all[2] - all[0]);
        printf("instructions, millions: %.0f without healing, %.0f more with a placebo, %.0f more with "
               "healing; the supervisor's own %.0f are %.1f %% of these   aim %d %%: %s\n",
               all[0] / 1e6, (all[1] - all[0]) / 1e6, (all[2] - all[0]) / 1e6, within[2] / 1e6, share,
               AIM_PERCENT, met(share <= AIM_PERCENT));
}

/* ---- its share of a run */

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
               AIM_PERCENT, met(shares[PAIRS / 2] <= AIM_PERCENT));
}

int main(int argc, char **argv)
{
        if (argc == 6 && strcmp(argv[1], "pass") == 0) {
                (void)one_pass((uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10),
                               argv[4][0] == '1', argv[5][0] == '1');
                return 0;
        }
        show_times();
        show_instructions(argv[0]);
        if (argc == 3 && strchr(argv[2], '/') != NULL) {
                show_counted_share(argv[1], argv[2]);
                show_share(argv[1], argv[2]);
        }
        return 0;
}
