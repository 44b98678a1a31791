/* bench_metastability.c - the map of the retry experiment: where an overload stays.
 *
 * 7 loads x 6 triggers x 20 seeds of 10^5 requests each (and all their resends) of
 * tests/validation/retry_experiment.h. Each cell is P(collapse); below the line
 * load x attempts = 1 it must be 0. Runs on as many threads as it may use; the
 * project asks for the whole in 60 s on two.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "harness/fleet/model.h"
#include "tests/validation/retry_experiment.h"

enum { LOADS = 7, TRIGGERS = 6, SEEDS = 20, REQUESTS = 100000, RESENDS = 4, THREADS_MAX = 64 };

static const double rho[LOADS] = {0.12, 0.18, 0.24, 0.30, 0.34, 0.38, 0.46};
static const int64_t cut_for_s[TRIGGERS] = {2, 6, 8, 9, 10, 14};

static atomic_int next_run, down[LOADS][TRIGGERS];
static atomic_ullong attempts;

static void *work(void *unused)
{
        struct builder *b = malloc(sizeof(*b));

        (void)unused;
        if (b == NULL)
                abort();
        for (;;) {
                int run = next_run++, cell = run / SEEDS;
                int load = cell / TRIGGERS, trigger = cell % TRIGGERS;
                struct retry_experiment experiment;
                uint64_t made = 0;

                if (run >= LOADS * TRIGGERS * SEEDS)
                        break;
                experiment = (struct retry_experiment){
                        rho[load], 0.8, cut_for_s[trigger] * NS_PER_S, RESENDS,
                        (int64_t)(REQUESTS / (rho[load] * RETRY_EXPERIMENT_PER_S)) * NS_PER_S};
                down[load][trigger] += retry_experiment_collapses(b, &experiment,
                                                                  (uint64_t)(run % SEEDS + 1), &made);
                attempts += made;
        }
        free(b);
        return NULL;
}

static double now_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void)
{
        pthread_t thread[THREADS_MAX];
        cpu_set_t cpus;
        int threads = 1;
        double began_s = now_s(), for_s;
        bool ok = true;

        if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
                threads = CPU_COUNT(&cpus) < THREADS_MAX ? CPU_COUNT(&cpus) : THREADS_MAX;
        for (int i = 0; i < threads; i++)
                if (pthread_create(&thread[i], NULL, work, NULL) != 0)
                        return 1;
        for (int i = 0; i < threads; i++)
                pthread_join(thread[i], NULL);
        for_s = now_s() - began_s;

        printf("P(collapse), capacity -80 %% for so long; load is of first attempts\n%-24s", "load");
        for (int k = 0; k < TRIGGERS; k++)
                printf("%6lld s", (long long)cut_for_s[k]);
        printf("\n");
        for (int i = 0; i < LOADS; i++) {
                printf("%.2f (x %d attempts: %.2f)", rho[i], 1 + RESENDS, rho[i] * (1 + RESENDS));
                for (int k = 0; k < TRIGGERS; k++) {
                        printf("%8.2f", down[i][k] / (double)SEEDS);
                        ok = ok && (rho[i] * (1 + RESENDS) > 1 || down[i][k] == 0);
                }
                printf("\n");
        }
        printf("%d runs of %d requests, %.1f M attempts: %.1f s on %d threads, %.2f M attempts/s a thread\n",
               LOADS * TRIGGERS * SEEDS, REQUESTS, (double)attempts / 1e6, for_s, threads,
               (double)attempts / 1e6 / for_s / threads);
        if (!ok)
                fprintf(stderr, "bench_metastability: a collapse below load x attempts = 1\n");
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
