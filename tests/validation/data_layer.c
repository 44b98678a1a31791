/* data_layer.c - pools, caches, databases and message queues against closed forms.
 *
 * A pool of c connections is a station of c servers whose service is the callee's
 * time; the one lock of a database and the consumers of a queue are stations too.
 * Unit of time: mean service of 10 ms; many seeds, see estimate.h.
 */
#include "harness/fleet/data_layer.h"
#include "tests/fleet_builder.h"
#include "tests/validation/estimate.h"

#define MEAN_S 0.010
#define MEAN_NS (10 * NS_PER_MS)

enum { FRONT = 0, BACK = 1 };

static struct builder b;
static struct books books;
static uint64_t system_number;

static double erlang_c(int c, double a)
{
        double blocked = 1;

        for (int i = 1; i <= c; i++)
                blocked = a * blocked / (i + a * blocked);
        return blocked / (1 - a / c * (1 - blocked));
}

static double mmc_wait_s(int c, double rho)
{
        return erlang_c(c, rho * c) * MEAN_S / (c * (1 - rho));
}

/* Front, which costs next to nothing, calls back, where nobody ever waits. */
static void two_tiers(double rate_per_s)
{
        build_begin(&b);
        system_number++;
        build_service(&b, "front", constant(NS_PER_US))->concurrency = 10000;
        build_service(&b, "back", exponential(MEAN_NS))->concurrency = 10000;
        build_call(&b, FRONT, BACK);
        build_load(&b, "users", FRONT, rate_per_s);
}

static struct fleet *begin(uint64_t seed)
{
        return build_fleet(&b, 5000 + 1000 * system_number + seed, 20 * NS_PER_S);
}

static void end(struct fleet *fleet, int64_t seconds)
{
        if (!fleet_run_until(fleet, seconds * NS_PER_S) || !books_close(&books, &b, fleet))
                exit(1);
}

static void pools(void)
{
        static const struct {
                int c;
                double rho;
        } cases[] = {{1, 0.7}, {4, 0.8}, {16, 0.9}};
        char name[96];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct estimate latency = {0}, busy = {0};
                int c = cases[i].c;

                two_tiers(cases[i].rho * c / MEAN_S);
                b.edges[0].pool = (uint32_t)c;
                for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                        end(begin(seed), 800 / c);
                        estimate_add(&latency, books_latency_s(&books, BACK));
                        estimate_add(&busy, books.services[BACK].busy_area_s /
                                                    books.services[BACK].observed_s);
                        books_free(&books);
                }
                build_end(&b);
                snprintf(name, sizeof(name), "a pool of %d at %.2g is M/M/%d", c, cases[i].rho, c);
                agrees(name, &latency, MEAN_S + mmc_wait_s(c, cases[i].rho));
                snprintf(name, sizeof(name), "a pool of %d at %.2g is in use", c, cases[i].rho);
                agrees(name, &busy, cases[i].rho * c);
        }
}

static void caches(void)
{
        struct estimate misses = {0}, cold = {0};

        two_tiers(100);
        b.services[FRONT].data = DATA_CACHE;
        b.services[FRONT].cache = (struct cache_spec){0.8, 60 * NS_PER_S, 0};
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                struct fleet *fleet = begin(seed);

                end(fleet, 100);
                estimate_add(&misses, (double)books.services[BACK].calls / 100);
                books_free(&books);
                fleet = begin(seed + 100);
                fleet_run_until(fleet, 10 * NS_PER_S);
                fleet_cache_lose(fleet, 0, 1);
                end(fleet, 100);
                estimate_add(&cold, (double)books.services[BACK].calls);
                books_free(&books);
        }
        build_end(&b);
        agrees("a cache with hit ratio h sends (1 - h) of what comes", &misses, 20);
        agrees("a cache that lost all sends h of half a warm-up more", &cold,
               20 * 100 + 0.8 * 100 * 60 / 2);
}

static void databases(void)
{
        struct estimate leader = {0}, stale = {0}, locked = {0};
        const double writes_per_s = 400 * 0.25, lag_s = 5;

        two_tiers(400);
        b.services[BACK].instance_count = 3;
        b.services[BACK].data = DATA_DATABASE;
        b.services[BACK].database = (struct database_spec){(int64_t)(lag_s * 1e9), 0.75, 0};
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                struct fleet *fleet = begin(seed);
                double all = 0;

                fleet_run_until(fleet, 60 * NS_PER_S);
                for (uint32_t i = 1; i <= 3; i++)
                        all += (double)fleet->instances[i].requests;
                estimate_add(&leader, (double)fleet->instances[1].requests / all);
                end(fleet, 60);
                estimate_add(&stale, (double)books_outcome(&books, BACK, CALL_DEGRADED) /
                                             (double)books_ended(&books, BACK));
                books_free(&books);
        }
        build_end(&b);
        agrees("a leader has all writes and its part of the reads", &leader, 0.25 + 0.75 / 3);
        agrees("a read is stale when its row was written within the lag", &stale,
               0.75 * 2 / 3 * (1 - exp(-writes_per_s * lag_s / DATABASE_ROWS)));

        two_tiers(200);
        b.services[BACK].data = DATA_DATABASE;
        b.services[BACK].database = (struct database_spec){0, 0.2, 0.5}; /* 80/s need it */
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                end(begin(seed), 300);
                estimate_add(&locked, books_latency_s(&books, BACK));
                books_free(&books);
        }
        build_end(&b);
        agrees("the one lock is M/M/1", &locked, MEAN_S + 0.4 * mmc_wait_s(1, 0.8));
}

/* From n waiting to none a single consumer takes n / (mu - lambda) on average. */
static double drain_error_s(uint64_t seed)
{
        struct effect down = {.kind = EFFECT_HELD_DOWN, .layer = LAYER_HOST, .stream = 1, .probability = 1,
                              .ramp_down_from_ns = TIME_NEVER};
        struct fleet *fleet = begin(seed);
        int64_t from_ns, at_ns = 0;
        double n;

        fleet_effect_on_instance(fleet, 1, &down);
        fleet_instance_kill(fleet, 1, 137, "test");
        fleet_run_until(fleet, 20 * NS_PER_S);
        fleet_effect_lift(fleet, &down);
        while (fleet_instance_state(fleet, 1) != INSTANCE_UP)
                fleet_run_until(fleet, 20 * NS_PER_S + (at_ns += NS_PER_MS));
        from_ns = fleet_now(fleet);
        n = fleet->services[BACK].inside;
        while (fleet->services[BACK].inside > 0)
                fleet_run_until(fleet, fleet_now(fleet) + NS_PER_MS);
        n = (double)(fleet_now(fleet) - from_ns) * 1e-9 - n / (100 - 50);
        end(fleet, 400);
        books_free(&books);
        return n;
}

static void messages(void)
{
        struct estimate lag = {0}, producer = {0}, drain = {0};

        two_tiers(0.8 * 3 / MEAN_S);
        b.services[BACK].data = DATA_QUEUE;
        b.services[BACK].messages = (struct queue_spec){false, 0, QUEUE_UNBOUNDED};
        b.services[BACK].concurrency = 1;
        b.services[BACK].instance_count = 3;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                end(begin(seed), 300);
                estimate_add(&lag, books_latency_s(&books, BACK));
                estimate_add(&producer, books_latency_s(&books, FRONT));
                books_free(&books);
        }
        build_end(&b);
        agrees("three consumers are M/M/3", &lag, MEAN_S + mmc_wait_s(3, 0.8));
        agrees("and producers do not wait", &producer, 1e-6);

        two_tiers(50);
        b.services[BACK].data = DATA_QUEUE;
        b.services[BACK].messages = (struct queue_spec){false, 0, QUEUE_UNBOUNDED};
        b.services[BACK].concurrency = 1;
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
                estimate_add(&drain, drain_error_s(seed));
        build_end(&b);
        agrees("a backlog drains at the difference of the rates", &drain, 0);
}

int main(void)
{
        pools();
        caches();
        databases();
        messages();
        return estimates_end();
}
