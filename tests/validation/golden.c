/* golden.c - the two golden tests of metastability.
 *
 * The retry experiment (retry_experiment.h). One number is fitted, the load; the
 * rest follows. In the fluid limit, with full capacity 1 and load 0.38: while
 * 80 % is taken the backlog grows by 0.18 a second, and who comes after 3.3 s
 * waits longer than 3 s. Their second attempts come from 6.3 s on, the third from
 * 9.3 s. At 10 s the backlog is 3.45 s of full capacity: above the timeout, with
 * 1.14 of capacity coming in and more to follow. It stays. After 9 s it is 2.6 s
 * long, and so with 77.5 % taken for 10 s; at three quarters of the load 0.9 s:
 * below the timeout each of them drains.
 *
 * The vulnerable region: a chain of three tiers, clients with three attempts, tier
 * 3 five times slower for a while. Never a collapse where attempts x rho is
 * below 1, however long; collapse becomes no rarer as trigger or load grow. The
 * edge is a probability: P(collapse) with the 95 % interval of Clopper and
 * Pearson over seeds.
 */
#include "harness/fleet/model.h"
#include "tests/fleet_builder.h"
#include "tests/validation/estimate.h"
#include "tests/validation/retry_experiment.h"

static struct builder b;
static struct books books;

static void print_probability(const char *what, int down, int of)
{
        double low = down == 0 ? 0 : gsl_cdf_beta_Pinv(0.025, down, of - down + 1);
        double high = down == of ? 1 : gsl_cdf_beta_Pinv(0.975, down + 1, of - down);

        printf("# %s: P(collapse) %d/%d, %.2f to %.2f\n", what, down, of, low, high);
}

/* ---- the retry experiment */

enum { EXPERIMENT_SEEDS = 5 };

#define FITTED_RHO 0.38

static void experiment(const char *what, double rho, double cut, int64_t cut_for_s, bool collapses)
{
        struct retry_experiment setting = {rho, cut, cut_for_s * NS_PER_S, 4, 60 * NS_PER_S};
        uint64_t attempts = 0;
        int down = 0;

        for (uint64_t seed = 1; seed <= EXPERIMENT_SEEDS; seed++)
                down += retry_experiment_collapses(&b, &setting, seed, &attempts);
        print_probability(what, down, EXPERIMENT_SEEDS);
        claims(what, down == (collapses ? EXPERIMENT_SEEDS : 0));
}

static void retry_experiment(void)
{
        experiment("capacity -80 % for 10 s collapses", FITTED_RHO, 0.8, 10, true);
        experiment("capacity -77.5 % for 10 s recovers", FITTED_RHO, 0.775, 10, false);
        experiment("capacity -80 % for 9 s recovers", FITTED_RHO, 0.8, 9, false);
        experiment("capacity -80 % for 10 s at 0.75 of the load recovers", 0.75 * FITTED_RHO, 0.8, 10,
                   false);
}

/* ---- the vulnerable region */

enum { REGION_SEEDS = 8, REGION_LOADS = 6, REGION_TRIGGERS = 5, REGION_END_S = 100 };

static bool chain_collapses(double rho, int64_t trigger_ns, uint64_t seed)
{
        static const char *const names[] = {"front", "middle", "back"};
        struct effect slow = {.kind = EFFECT_CPU, .probability = 1, .ramp_down_from_ns = TIME_NEVER, .a = 4};
        struct fleet *fleet;
        struct load_spec *load;
        uint64_t good = 0, bad = 0;

        build_begin(&b);
        for (int i = 0; i < 3; i++)
                build_service(&b, names[i], exponential(10 * NS_PER_MS))->hold = HOLD_WORK;
        build_call(&b, 0, 1);
        build_call(&b, 1, 2);
        load = build_load(&b, "users", 0, 100 * rho);
        load->timeout_ns = NS_PER_S;
        load->retry = (struct retry_spec){2, 0, 1, NS_PER_S, 0, -1};
        fleet = build_fleet(&b, seed, 5 * NS_PER_S);
        fleet_run_until(fleet, NS_PER_S);
        fleet_effect_on_instance(fleet, 2, &slow);
        fleet_run_until(fleet, NS_PER_S + trigger_ns);
        fleet_effect_lift(fleet, &slow);
        if (!fleet_run_until(fleet, REGION_END_S * NS_PER_S + 1) || !books_close(&books, &b, fleet))
                exit(1);
        for (size_t s = REGION_END_S - 20; s < REGION_END_S; s++) {
                good += books.services[0].seconds[s].good;
                bad += books.services[0].seconds[s].bad;
        }
        books_free(&books);
        build_end(&b);
        return good < bad;
}

static void vulnerable_region(void)
{
        /* three attempts: 1/3 is where they fill the capacity */
        static const double rho[REGION_LOADS] = {0.2, 0.3, 0.37, 0.45, 0.55, 0.7};
        static const int64_t trigger_ms[REGION_TRIGGERS] = {100, 500, 1000, 2000, 8000};
        int down[REGION_LOADS][REGION_TRIGGERS] = {{0}};
        bool safe = true, by_trigger = true, by_load = true, both = true;

        for (int i = 0; i < REGION_LOADS; i++)
                for (int k = 0; k < REGION_TRIGGERS; k++) {
                        char what[80];

                        for (uint64_t seed = 1; seed <= REGION_SEEDS; seed++)
                                down[i][k] += chain_collapses(rho[i], trigger_ms[k] * NS_PER_MS, seed);
                        snprintf(what, sizeof(what), "chain, rho %.2f, tier 3 slow for %lld ms", rho[i],
                                 (long long)trigger_ms[k]);
                        print_probability(what, down[i][k], REGION_SEEDS);
                        safe = safe && (3 * rho[i] > 1 || down[i][k] == 0);
                        by_trigger = by_trigger && (k == 0 || down[i][k] >= down[i][k - 1]);
                        by_load = by_load && (i == 0 || down[i][k] >= down[i - 1][k]);
                }
        for (int i = 2; i < REGION_LOADS; i++) /* else the claims above say little */
                both = both && down[i][0] == 0 && down[i][REGION_TRIGGERS - 1] == REGION_SEEDS;
        claims("never a collapse where attempts x rho < 1", safe);
        claims("above that a long trigger always and a short one never tips it", both);
        claims("a longer trigger tips it no less often", by_trigger);
        claims("a higher load is tipped no less often", by_load);
}

int main(void)
{
        retry_experiment();
        vulnerable_region();
        return estimates_end();
}
