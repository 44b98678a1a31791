/* bench_fleet.c - requests per CPU second of whole worlds, beside bare C.
 *
 * The scenarios are tests/bench/scenarios/: mm1 (one queue at rho 0.9), fleet (100
 * servers, random routing, rho 0.7), chain (three tiers of ten servers, hold "work",
 * rho 0.48, client timeout of 15 service times, one retry, abandoned work still
 * served) and chain-patient (the same without timeouts). They are loaded and run as
 * any scenario is, in one arm: histograms, telemetry, journal and all outcomes are
 * on. `plain` is without a healer, `healed` with the default strategy: breakers,
 * deadlines, detection. Median of five seeds, CPU time of this process; the bare
 * reference (bare.h) runs in the same minutes. A run that misses its closed form
 * does not count: mean sojourn 10, 3.333 and, without timeouts, 5.769 service times.
 *
 * usage: bench_fleet FOLDER-OF-SCENARIOS
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "harness/base/rng.h"
#include "harness/run/reference.h"
#include "harness/run/run.h"
#include "harness/run/world.h"
#include "tests/bench/bare.h"

enum { SEEDS = 5 };

#define RATIO_AIM 0.5
#define HEALED_AIM 2.0
#define MEMORY_AIM_KB 8192

struct figure {
        double per_s, sojourn; /* in service times, of the entry's callers */
};

struct workload {
        const char *name;
        double theory, tolerance; /* 0: none */
        struct bare_result (*bare)(uint64_t wanted, uint64_t seed);
};

static struct bare_result bare_mm1(uint64_t wanted, uint64_t seed)
{
        return bare_servers(1, 0.9, wanted, seed);
}

static struct bare_result bare_fleet(uint64_t wanted, uint64_t seed)
{
        return bare_servers(100, 0.7, wanted, seed);
}

static struct bare_result bare_hasty_chain(uint64_t wanted, uint64_t seed)
{
        return bare_chain(0.48, 15, wanted, seed);
}

static struct bare_result bare_patient_chain(uint64_t wanted, uint64_t seed)
{
        return bare_chain(0.48, 1e9, wanted, seed);
}

static const struct workload workloads[] = {
        {"mm1", 10, 0.05, bare_mm1},
        {"fleet", 10.0 / 3, 0.02, bare_fleet},
        {"chain", 0, 0, bare_hasty_chain},
        {"chain-patient", 3 / 0.52, 0.02, bare_patient_chain},
};

static double cpu_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void give_up(const char *what)
{
        fprintf(stderr, "bench_fleet: %s\n", what);
        exit(EXIT_FAILURE);
}

static struct scenario *load(const char *folder, const char *name, const char *strategy)
{
        struct scenario_overrides overrides = {.strategy = strategy};
        struct scenario *scenario = NULL;
        struct diag_list diags;
        char path[4096];

        snprintf(path, sizeof(path), "%s/%s.json", folder, name);
        diag_list_init(&diags);
        if (!scenario_load(path, &overrides, &scenario, &diags)) {
                diag_list_print(&diags, stderr);
                give_up("the scenario cannot be read");
        }
        diag_list_release(&diags);
        return scenario;
}

/* Age at the end of the entry's requests, over all phases. */
static double mean_sojourn_s(const struct service_measure *entry)
{
        double sum_ns = 0, count = 0;

        for (int p = 0; p < PHASE_COUNT; p++) {
                sum_ns += (double)entry->phase[p].latency.sum_ns;
                count += (double)entry->phase[p].latency.count;
        }
        return sum_ns / count * 1e-9;
}

static struct figure run_world(const struct scenario *scenario, uint64_t seed, uint64_t *requests)
{
        struct run_healer healer = run_healer_of(scenario->strategy);
        struct text_pool *texts = text_pool_create();
        double before = cpu_s(), spent;
        struct world_options options = {
                .scenario = scenario,
                .arm = healer.ops == NULL ? ARM_UNTREATED : ARM_TREATED,
                .key = rng_key(seed, 0),
                .bin_ns = NS_PER_S,
                .healer = healer.ops,
                .healer_config = healer.config,
                .texts = texts,
        };
        struct arm_record *record = NULL;
        struct figure figure;
        struct arena arena;
        struct plan plan;
        struct world *world = NULL;

        arena_init(&arena);
        options.plan = &plan;
        if (!plan_make(scenario, options.key, &arena, &plan) ||
            (world = world_create(&options)) == NULL ||
            !world_advance(world, scenario->duration_ns) || (record = world_finish(world)) == NULL)
                give_up("the world did not come to its end");
        if (record->broken != NULL)
                give_up(record->broken);
        world_destroy(world);
        spent = cpu_s() - before;
        *requests = record->root_requests;
        figure = (struct figure){(double)record->root_requests / spent,
                                 mean_sojourn_s(&record->services[0]) * 1000};
        arm_record_free(record, scenario);
        arena_release(&arena);
        text_pool_destroy(texts);
        return figure;
}

static int by_size(const void *left, const void *right)
{
        double a = *(const double *)left, c = *(const double *)right;

        return (a > c) - (a < c);
}

static double median(double *values)
{
        qsort(values, SEEDS, sizeof(*values), by_size);
        return values[SEEDS / 2];
}

static const char *met(bool ok)
{
        return ok ? "met" : "MISSED";
}

/* Prints a row; false when a run misses its closed form. */
static bool row(const char *folder, const struct workload *workload)
{
        struct scenario *plain = load(folder, workload->name, "none");
        struct scenario *healed = load(folder, workload->name, "default");
        double ours[SEEDS], with[SEEDS], bare[SEEDS], sojourn = 0, bare_sojourn = 0;
        double ours_per_s, with_per_s, bare_per_s;

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                struct bare_result result;
                struct figure figure;
                uint64_t requests, ignored;
                double before;

                figure = run_world(plain, seed + 1, &requests);
                ours[seed] = figure.per_s;
                sojourn += figure.sojourn / SEEDS;
                with[seed] = run_world(healed, seed + 1, &ignored).per_s;
                before = cpu_s();
                result = workload->bare(requests, seed + 1);
                bare[seed] = (double)result.completed / (cpu_s() - before);
                bare_sojourn += result.sojourn_mean / SEEDS;
        }
        scenario_free(plain);
        scenario_free(healed);
        ours_per_s = median(ours);
        with_per_s = median(with);
        bare_per_s = median(bare);
        printf("%-14s %6.2f %6.2f %6.2f   %5.2f %-6s  %5.2f %-6s  %8.3f %8.3f", workload->name,
               bare_per_s / 1e6, ours_per_s / 1e6, with_per_s / 1e6, ours_per_s / bare_per_s,
               met(ours_per_s >= RATIO_AIM * bare_per_s), ours_per_s / with_per_s,
               met(ours_per_s <= HEALED_AIM * with_per_s), sojourn, bare_sojourn);
        printf(workload->theory > 0 ? " %8.3f\n" : "\n", workload->theory);
        fflush(stdout);
        return workload->theory <= 0 ||
               (fabs(sojourn / workload->theory - 1) < workload->tolerance &&
                fabs(bare_sojourn / workload->theory - 1) < workload->tolerance);
}

int main(int argc, char **argv)
{
        struct rusage usage;
        bool ok = true;

        if (argc != 2)
                give_up("usage: bench_fleet FOLDER-OF-SCENARIOS");
        bare_begin();
        printf("million requests a CPU second; aims: plain at least %.1f of bare, healed at most "
               "%.0f "
               "times as slow as plain\n%-14s %6s %6s %6s   %-12s  %-12s  %s\n",
               RATIO_AIM, HEALED_AIM, "", "bare", "plain", "healed", "plain/bare", "plain/healed",
               "sojourn: ours, bare, theory");
        for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
                ok = row(argv[1], &workloads[i]) && ok;
                getrusage(RUSAGE_SELF, &usage);
                if (i == 0)
                        printf("%-14s %ld KB at most so far (aim %d: %s)\n", "memory",
                               usage.ru_maxrss, MEMORY_AIM_KB,
                               met(usage.ru_maxrss <= MEMORY_AIM_KB));
        }
        if (!ok)
                fprintf(stderr, "bench_fleet: a mean sojourn is not what theory says\n");
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
