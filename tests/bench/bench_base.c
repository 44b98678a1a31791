/* bench_base.c - what the innermost calls cost, in ns each.
 *
 * Every figure is the best of several passes over enough calls to dwarf the
 * clock. "Chain" feeds each result into the next call and so shows latency;
 * the others show throughput, as where a draw waits for nothing. Results are
 * summed and printed, so that no call can be left out.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "harness/base/arena.h"
#include "harness/base/detmath.h"
#include "harness/base/dist.h"
#include "harness/base/hist.h"
#include "harness/base/rng.h"

enum { CALLS = 1 << 21, UNIFORMS = 1 << 14, PASSES = 5 };

static double uniform[UNIFORMS];
static int64_t duration_ns[UNIFORMS];
static struct hist hist;

static double now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* One pass of CALLS calls; what it answers depends on every one of them. */
typedef double pass(const void *subject);

static void measure(const char *name, pass *run, const void *subject)
{
        double best_ns = 1e300;
        double sum = 0;

        for (int i = 0; i < PASSES; i++) {
                double started_ns = now_ns();
                double for_ns;

                sum += run(subject);
                for_ns = now_ns() - started_ns;
                if (for_ns < best_ns)
                        best_ns = for_ns;
        }
        printf("%-34s %7.2f ns   (sum %.6g)\n", name, best_ns / CALLS, sum);
}

static double draw_independent(const void *subject)
{
        uint64_t sum = 0;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++) {
                struct rng_block block = rng_draw(1, 7, RNG_HOP, i);

                sum += block.word[0] ^ block.word[1];
        }
        return (double)sum;
}

static double draw_chain(const void *subject)
{
        struct rng_block block = {{1, 2}};

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                block = rng_draw(1, block.word[0] ^ block.word[1], RNG_HOP, i);
        return (double)block.word[0];
}

static double mix_chain(const void *subject)
{
        uint64_t hash = 1;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                hash = hash_mix(hash, i);
        return (double)hash;
}

static double read_uniforms(const void *subject)
{
        double sum = 0;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                sum += uniform[i % UNIFORMS];
        return sum;
}

static double logs(const void *subject)
{
        double sum = 0;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                sum += det_log(uniform[i % UNIFORMS]);
        return sum;
}

static double log_chain(const void *subject)
{
        double x = 0.3;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                x = det_log(x) + 3.2;
        return x;
}

static double exps(const void *subject)
{
        double sum = 0;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                sum += det_exp(-20 * uniform[i % UNIFORMS]);
        return sum;
}

static double exp_chain(const void *subject)
{
        double x = 0.3;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                x = det_exp(-x);
        return x;
}

static double pows(const void *subject)
{
        double sum = 0;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                sum += det_pow(uniform[i % UNIFORMS], -0.7);
        return sum;
}

static double probits(const void *subject)
{
        double sum = 0;

        (void)subject;
        for (uint32_t i = 0; i < CALLS; i++)
                sum += det_probit(uniform[i % UNIFORMS]);
        return sum;
}

static double samples(const void *subject)
{
        const struct dist *dist = subject;
        int64_t sum_ns = 0;

        for (uint32_t i = 0; i < CALLS; i++)
                sum_ns += dist_sample_ns(dist, uniform[i % UNIFORMS]);
        return (double)sum_ns;
}

static double hist_adds(const void *subject)
{
        (void)subject;
        hist_reset(&hist);
        for (uint32_t i = 0; i < CALLS; i++)
                hist_add(&hist, duration_ns[i % UNIFORMS]);
        return hist_quantile_ns(&hist, 0.5);
}

static const struct dist_branch branches[] = {{0.9, 1e6}, {0.1, 2e7}};
static double values_ns[1000];

static const struct {
        const char *name;
        struct dist dist;
} kinds[] = {
        {"constant", {.kind = DIST_CONSTANT, .a_ns = 1e6}},
        {"exponential", {.kind = DIST_EXPONENTIAL, .a_ns = 1e6}},
        {"lognormal", {.kind = DIST_LOGNORMAL, .p = 15, .q = 0.8}},
        {"lognormal, heavy", {.kind = DIST_LOGNORMAL, .p = 15, .q = 2.5}},
        {"uniform", {.kind = DIST_UNIFORM, .a_ns = 1e6, .b_ns = 2e6}},
        {"normal", {.kind = DIST_NORMAL, .a_ns = 1e6, .b_ns = 2e5}},
        {"gamma", {.kind = DIST_GAMMA, .a_ns = 1e6, .p = 0.5}},
        {"weibull", {.kind = DIST_WEIBULL, .a_ns = 1e6, .p = 0.7}},
        {"pareto", {.kind = DIST_PARETO, .a_ns = 1e6, .p = 2.5}},
        {"erlang", {.kind = DIST_ERLANG, .a_ns = 1e6, .p = 3}},
        {"hyperexponential",
         {.kind = DIST_HYPEREXPONENTIAL, .branches = branches, .branch_count = 2}},
        {"empirical", {.kind = DIST_EMPIRICAL, .values_ns = values_ns, .value_count = 1000}},
};

static bool measure_kind(size_t index, struct arena *arena)
{
        struct dist dist = kinds[index].dist;
        char name[64];
        double started_ns = now_ns();

        if (!dist_prepare(&dist, arena)) {
                fprintf(stderr, "bench_base: out of memory\n");
                return false;
        }
        snprintf(name, sizeof(name), "dist_prepare %s", kinds[index].name);
        printf("%-34s %7.2f us\n", name, (now_ns() - started_ns) / 1e3);
        snprintf(name, sizeof(name), "dist_sample_ns %s", kinds[index].name);
        measure(name, samples, &dist);
        return true;
}

static void make_inputs(void)
{
        for (uint32_t i = 0; i < UNIFORMS; i++) {
                uniform[i] = rng_u01(rng_draw(1, 1, RNG_DATA, i).word[0]);
                duration_ns[i] = (int64_t)(1e6 / uniform[i]);
        }
        for (uint32_t i = 0; i < 1000; i++)
                values_ns[i] = 1e6 * uniform[i];
}

int main(void)
{
        struct arena arena;
        bool ok = true;

        arena_init(&arena);
        make_inputs();
        measure("rng_draw, a block", draw_independent, NULL);
        measure("rng_draw, a block, chain", draw_chain, NULL);
        measure("hash_mix, chain", mix_chain, NULL);
        measure("reading the arguments alone", read_uniforms, NULL);
        measure("det_log", logs, NULL);
        measure("det_log, chain", log_chain, NULL);
        measure("det_exp", exps, NULL);
        measure("det_exp, chain", exp_chain, NULL);
        measure("det_pow", pows, NULL);
        measure("det_probit", probits, NULL);
        for (size_t i = 0; ok && i < sizeof(kinds) / sizeof(kinds[0]); i++)
                ok = measure_kind(i, &arena);
        measure("hist_add", hist_adds, NULL);
        arena_release(&arena);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
