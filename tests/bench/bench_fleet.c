/* bench_fleet.c - requests per CPU second of the simulated fleet, beside bare C.
 *
 * mm1: one queue at rho 0.9. fleet: 100 servers, random routing, rho 0.7. chain:
 * three tiers of ten servers, hold "work", rho 0.48, client timeout of 15
 * service times, one retry, abandoned work still served. Histograms, telemetry
 * and all outcomes are on. Median of five seeds, CPU time of this process; the
 * bare reference (bare.h) runs in the same minutes. A run that misses its closed
 * form does not count: mean sojourn 10, 3.333 and, without timeouts, 5.769
 * service times.
 */
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "harness/fleet/model.h"
#include "tests/bench/bare.h"
#include "tests/fleet_builder.h"

enum { SEEDS = 5 };

static struct builder b;

static double cpu_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void one_service(uint32_t instances, double rho)
{
        build_service(&b, "only", exponential(NS_PER_MS))->instance_count = instances;
        build_load(&b, "users", 0, 1000 * rho * instances);
}

static void three_tiers(int64_t timeout_ns)
{
        static const char *const names[] = {"front", "middle", "back"};

        for (int i = 0; i < 3; i++) {
                struct service_spec *service = build_service(&b, names[i], exponential(NS_PER_MS));

                service->instance_count = 10;
                service->hold = HOLD_WORK;
        }
        build_call(&b, 0, 1)->balancing = BALANCE_RANDOM;
        build_call(&b, 1, 2)->balancing = BALANCE_RANDOM;
        build_load(&b, "users", 0, 4800);
        b.loads[0].timeout_ns = timeout_ns;
        b.loads[0].retry.max = 1;
}

struct figure {
        double per_s, sojourn; /* in service times */
};

/* Simulates about `wanted` requests of the fleet that was built. */
static struct figure run(uint64_t seed, uint64_t wanted)
{
        double rate = b.loads[0].rate_per_s, before = cpu_s(), spent;
        struct fleet *fleet;
        struct books books;
        struct figure figure;

        b.telemetry = true;
        b.loads[0].balancing = BALANCE_RANDOM;
        fleet = build_fleet(&b, seed, NS_PER_S);
        if (!fleet_run_until(fleet, (int64_t)((double)wanted / rate) * NS_PER_S) ||
            !books_close(&books, &b, fleet))
                exit(1);
        spent = cpu_s() - before;
        figure.per_s = (double)books.totals.root_requests / spent;
        figure.sojourn = books_latency_s(&books, 0) * 1000;
        books_free(&books);
        build_end(&b);
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

static bool row(const char *name, int kind, uint64_t wanted, double theory, double tolerance)
{
        double ours[SEEDS], bare[SEEDS], sojourn = 0, bare_sojourn = 0;

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                struct bare_result result;
                struct figure figure;
                double before;

                build_begin(&b);
                if (kind == 0)
                        one_service(1, 0.9);
                else if (kind == 1)
                        one_service(100, 0.7);
                else
                        three_tiers(kind == 2 ? 15 * NS_PER_MS : TIME_NEVER);
                figure = run(seed + 1, wanted);
                ours[seed] = figure.per_s;
                sojourn += figure.sojourn / SEEDS;
                before = cpu_s();
                result = kind == 0   ? bare_servers(1, 0.9, wanted, seed + 1)
                         : kind == 1 ? bare_servers(100, 0.7, wanted, seed + 1)
                                     : bare_chain(0.48, kind == 2 ? 15 : 1e9, wanted, seed + 1);
                bare[seed] = (double)result.completed / (cpu_s() - before);
                bare_sojourn += result.sojourn_mean / SEEDS;
        }
        printf("%-16s ours %6.2f M/s   bare %6.2f M/s   ratio %.2f   sojourn %.3f (bare %.3f",
               name, median(ours) / 1e6, median(bare) / 1e6, median(ours) / median(bare), sojourn,
               bare_sojourn);
        printf(theory > 0 ? ", theory %.3f)\n" : ")\n", theory);
        return theory <= 0 || (fabs(sojourn / theory - 1) < tolerance &&
                               fabs(bare_sojourn / theory - 1) < tolerance);
}

int main(void)
{
        struct rusage usage;
        bool ok;

        bare_begin();
        ok = row("mm1", 0, 2000000, 10, 0.05);
        getrusage(RUSAGE_SELF, &usage);
        printf("%-16s %ld KB at most so far\n", "memory", usage.ru_maxrss);
        ok = row("fleet", 1, 2000000, 10.0 / 3, 0.02) && ok;
        ok = row("chain", 2, 1000000, 0, 0) && ok;
        ok = row("chain, no timer", 3, 500000, 3 / 0.52, 0.02) && ok;
        if (!ok)
                fprintf(stderr, "bench_fleet: a mean sojourn is not what theory says\n");
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
