/* guards.c - what makes callers wait before an edge, against closed forms.
 *
 * A callee with room for all behind a bulkhead of c is c servers with a line
 * before them; a rate limit that paces is a server of constant time.
 */
#include "harness/run/guards.h"
#include "tests/fleet_builder.h"
#include "tests/validation/estimate.h"

#define MEAN_S 0.010
#define MEAN_NS (10 * NS_PER_MS)
#define WARM_UP_NS (20 * NS_PER_S)

static struct builder b;
static struct books books;

struct results {
        struct estimate sojourn_s, refused;
};

/* front -> back at `rate_per_s`, the edge guarded by one rule. */
static void run_one(struct results *r, enum strategy_policy policy,
                    const struct strategy_rule *rule, double rate_per_s, uint64_t seed)
{
        struct edge_protection protection = {.edge = 0};
        struct guards *guards = guards_create(1, seed);
        struct fleet *fleet;
        uint64_t refused;

        build_begin(&b);
        build_service(&b, "front", constant(1))->concurrency = 1000000;
        build_service(&b, "back", policy == STRATEGY_BULKHEAD ? exponential(MEAN_NS) : constant(1))
                ->concurrency = 1000000;
        build_call(&b, 0, 1);
        build_load(&b, "users", 0, rate_per_s);
        fleet = build_fleet(&b, seed, WARM_UP_NS);
        protection.rules[policy] = rule;
        if (guards == NULL || !guards_set(guards, &protection, -WARM_UP_NS))
                exit(1);
        fleet_set_policies(fleet, &guards_policy_ops, guards);
        if (!fleet_run_until(fleet, (int64_t)(2e4 / rate_per_s * (double)NS_PER_S)))
                exit(1);
        refused = fleet_edge_refused(fleet, 0);
        if (!books_close(&books, &b, fleet))
                exit(1);
        estimate_add(&r->sojourn_s,
                     books.services[0].system_area_s / (double)books.services[0].arrived);
        estimate_add(&r->refused, (double)refused / (double)books.services[1].attempts);
        books_free(&books);
        build_end(&b);
        guards_destroy(guards);
}

static struct results run_seeds(enum strategy_policy policy, const struct strategy_rule *rule,
                                double rate_per_s)
{
        static uint64_t system;
        struct results r = {0};

        system++;
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
                run_one(&r, policy, rule, rate_per_s, 1000 * system + seed);
        return r;
}

/* Of birth and death with c servers, k places in all and a erlangs: the share that
 * finds all places taken, and the mean time that the others stay. */
static double full_share(int c, int k, double a, double *sojourn_s)
{
        double p = 1, sum = 0, inside = 0;

        for (int n = 0; n <= k; n++) {
                if (n > 0)
                        p *= a / (n < c ? n : c);
                sum += p;
                inside += n * p;
        }
        *sojourn_s = inside / sum / (a / MEAN_S * (1 - p / sum));
        return p / sum;
}

static void bulkhead_queues(void)
{
        static const struct {
                int c, places;
                double rho;
        } cases[] = {{1, 2000, 0.7}, {4, 2000, 0.8}, {3, 5, 1.1}, {8, 0, 0.9}};
        char name[96];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int c = cases[i].c, places = cases[i].places;
                struct strategy_rule rule = {.on = true};
                double a = cases[i].rho * c, sojourn_s, refused;
                struct results r;

                rule.bulkhead.max_concurrent = (uint32_t)c;
                rule.bulkhead.max_queue = (uint32_t)places;
                rule.bulkhead.max_wait_ns = HEALER_NEVER;
                refused = full_share(c, c + places, a, &sojourn_s);
                r = run_seeds(STRATEGY_BULKHEAD, &rule, a / MEAN_S);
                snprintf(name, sizeof(name),
                         "a bulkhead of %d with %d places at %.2g refuses as M/M/c/K", c, places,
                         cases[i].rho);
                if (refused > 1e-6)
                        agrees(name, &r.refused, refused);
                else
                        claims(name, estimate_mean(&r.refused) == 0);
                /* who is refused was in front for no time at all */
                snprintf(name, sizeof(name),
                         "a bulkhead of %d with %d places at %.2g is passed as M/M/c/K", c, places,
                         cases[i].rho);
                agrees(name, &r.sojourn_s, sojourn_s * (1 - refused));
        }
}

static void rate_limit_paces(void)
{
        const double rhos[] = {0.5, 0.8, 0.9};
        struct strategy_rule rule = {.on = true};
        char name[96];

        rule.rate_limit.rate_per_s = 1 / MEAN_S;
        rule.rate_limit.burst = 1;
        rule.rate_limit.max_wait_ns = NS_PER_HOUR;
        for (size_t i = 0; i < sizeof(rhos) / sizeof(rhos[0]); i++) {
                struct results r = run_seeds(STRATEGY_RATE_LIMIT, &rule, rhos[i] / MEAN_S);

                snprintf(name, sizeof(name), "a rate limit at %.2g makes wait as M/D/1", rhos[i]);
                agrees(name, &r.sojourn_s, rhos[i] * MEAN_S / (2 * (1 - rhos[i])) + 2e-9);
        }
}

int main(void)
{
        bulkhead_queues();
        rate_limit_paces();
        return estimates_end();
}
