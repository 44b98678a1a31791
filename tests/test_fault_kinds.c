/* test_fault_kinds.c - what each kind of fault does, measured where it should be.
 *
 * One entry of `cases` is a kind on a target with arguments; the promises of all
 * (lifted exactly, also when it overlaps itself, when its target dies, and that
 * the neutral value changes nothing) loop over them. What is special to a kind
 * has a test of its own. The fleet: front calls back (3 instances in zones a, b,
 * c; 4 workers each; timeout 1 s); 50 requests/s.
 */
#include "faults/fault.h"
#include "tests/effort.h"
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/model.h"

enum { FRONT, BACK };
enum { FOR_S = EFFORT(400, 100) };

static const struct feature_spec back_features[] = {{"ranking", 0.5, 0.2, 250, 3}};

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct fault_run runs[2];

enum aim { AT_EDGE, AT_BACK, AT_BACK_WHOLE, AT_FRONT_WHOLE, AT_ZONE, AT_LOAD, AT_ZONES, AT_HEALER };

static const struct kind_case {
        const char *kind;
        enum aim aim;
        double arguments[FAULT_ARGUMENT_MAX];
        bool has_neutral;
        double neutral[FAULT_ARGUMENT_MAX]; /* arguments that do nothing */
} cases[] = {
        {"latency", AT_EDGE, {20e6}, true, {0}},
        {"latency_tail", AT_EDGE, {0.1, 50e6}, true, {0, 50e6}},
        {"latency_tail", AT_BACK, {0.1, 50e6}, true, {0.1, 0}},
        {"error", AT_BACK, {0.3, 500, 1}, true, {0, 500, 1}},
        {"timeout", AT_BACK, {0.3}, true, {0}},
        {"connection_reset", AT_EDGE, {0.3}, true, {0}},
        {"dns_failure", AT_BACK_WHOLE, {0.3}, true, {0}},
        {"dns_failure", AT_EDGE, {0.3}, true, {0}},
        {"certificate_expiry", AT_BACK_WHOLE, {0}, false, {0}},
        {"packet_loss", AT_EDGE, {0.3, 1}, true, {0, 1}},
        {"packet_loss", AT_EDGE, {0.3, 4}, true, {0, 4}},
        {"partition", AT_EDGE, {0}, false, {0}},
        {"partition", AT_ZONE, {0}, false, {0}},
        {"cpu_pressure", AT_BACK, {2}, true, {0}},
        {"memory_pressure", AT_BACK, {1e8, 0}, true, {0, 0}},
        {"memory_leak", AT_BACK, {1e5, 0}, true, {0, 0}},
        {"io_delay", AT_BACK, {10e6}, true, {0}},
        {"gc_pause", AT_BACK, {100e6, 1e9}, true, {0, 1e9}},
        {"thread_starvation", AT_BACK, {0.5}, true, {0}},
        {"crash", AT_BACK, {0}, false, {0}},
        {"oom_kill", AT_BACK, {0}, false, {0}},
        {"crash_loop", AT_BACK, {5e9}, false, {0}},
        {"hang", AT_BACK, {0}, false, {0}},
        {"pause", AT_BACK, {0}, false, {0}},
        {"zombie", AT_BACK, {0}, false, {0}},
        {"slow_start", AT_BACK, {5}, true, {1}},
        {"zone_outage", AT_ZONE, {0}, false, {0}},
        {"instance_flap", AT_BACK, {10e9, 5e9}, false, {0}},
        {"api_failure", AT_BACK_WHOLE, {0.3, 503}, true, {0, 503}},
        {"dependency_failure", AT_BACK_WHOLE, {0.3, 503}, true, {0, 503}},
        {"bad_deployment", AT_BACK_WHOLE, {0.3, 1, 0, 1}, true, {0, 1, 0, 1}},
        {"bad_deployment", AT_BACK_WHOLE, {0, 2, 1e6, 0.3}, true, {0.3, 2, 1e6, 0}},
        {"bad_configuration", AT_BACK_WHOLE, {PARAMETER_ERROR_RATE, 0.3}, true,
         {PARAMETER_ERROR_RATE, 0}},
        {"bad_configuration", AT_BACK_WHOLE, {PARAMETER_CONCURRENCY, 1}, true,
         {PARAMETER_CONCURRENCY, 4}},
        {"bad_configuration", AT_EDGE, {PARAMETER_TIMEOUT, 1e6}, true, {PARAMETER_TIMEOUT, 1e9}},
        {"bad_configuration", AT_EDGE, {PARAMETER_CALL_COUNT, 9}, true, {PARAMETER_CALL_COUNT, 1}},
        {"feature_flag_flip", AT_BACK_WHOLE, {0}, false, {0}},
        {"peer_cost", AT_BACK_WHOLE, {0.5}, true, {0}},
        {"credential_stale", AT_BACK, {0}, false, {0}},
        {"placement_blocked", AT_BACK_WHOLE, {0}, false, {0}},
        {"misroute", AT_BACK_WHOLE, {0.3}, true, {0}},
        {"health_check_fault", AT_BACK_WHOLE, {0}, false, {0}},
        {"health_check_fault", AT_BACK_WHOLE, {1}, false, {0}},
        {"autoscaler_fault", AT_BACK_WHOLE, {0}, false, {0}},
        {"reapplying_actor", AT_BACK_WHOLE, {0, 10e9}, false, {0}},
        {"shared_host", AT_BACK, {2}, true, {0}},
        {"clock_skew", AT_BACK, {120e9}, true, {0}},
        {"clock_jump", AT_BACK, {120e9}, true, {0}},
        {"clock_drift", AT_BACK, {20}, true, {0}},
        {"traffic_surge", AT_LOAD, {3}, true, {1}},
        {"traffic_surge", AT_FRONT_WHOLE, {3}, true, {1}},
        {"retry_storm", AT_LOAD, {3}, true, {0}},
        {"thundering_herd", AT_LOAD, {1}, true, {0}},
        {"telemetry_drop", AT_HEALER, {1}, true, {0}},
        {"telemetry_drop", AT_BACK_WHOLE, {0.5}, true, {0}},
        {"telemetry_delay", AT_HEALER, {60e9}, true, {0}},
        {"telemetry_noise", AT_HEALER, {0.5}, true, {0}},
        {"telemetry_lie", AT_BACK_WHOLE, {0, 0.5}, false, {0}},
        {"decoy_precursor", AT_BACK_WHOLE, {1, 0.01, 0.8}, true, {1, 0, 0.8}},
        {"actuator_fail", AT_HEALER, {1, 0}, true, {0, 0}},
        {"actuator_slow", AT_HEALER, {5, 0}, true, {1, 0}},
        {"healer_crash", AT_HEALER, {60e9}, false, {0}},
        {"disk_fill", AT_BACK, {1e6}, true, {0}},
        {"token_exhaustion", AT_BACK_WHOLE, {0}, false, {0}},
        {"quota_cut", AT_BACK_WHOLE, {1}, true, {0}},
        {"fd_exhaustion", AT_BACK, {0.5}, true, {0}},
        {"connection_pool_exhaustion", AT_EDGE, {0.5}, true, {0}},
        {"connection_pool_exhaustion", AT_BACK, {1}, true, {0}},
        {"connection_drop", AT_EDGE, {0.5}, true, {0}},
        {"connection_drop", AT_BACK, {1}, true, {0}},
        {"database_failover", AT_BACK_WHOLE, {5e9}, false, {0}},
        {"replica_lag", AT_BACK_WHOLE, {30e9}, true, {0}},
        {"cache_loss", AT_BACK, {0.5}, true, {0}},
        {"lock_contention", AT_BACK_WHOLE, {0.3}, true, {0}},
        {"split_brain", AT_BACK_WHOLE, {0}, false, {0}},
        {"data_corruption", AT_BACK_WHOLE, {0.3}, true, {0}},
        {"poison_message", AT_BACK_WHOLE, {0.1}, true, {0}},
        {"consumer_lag", AT_BACK, {3}, true, {1}},
        {"cascade", AT_BACK, {0, 5e9}, false, {0}}, /* its kinds: prepare() */
        {"slow_close", AT_EDGE, {20e6}, true, {0}},
        {"bandwidth", AT_EDGE, {1e6}, false, {0}},
        {"packet_duplicate", AT_EDGE, {0.3}, true, {0}},
        {"packet_loss", AT_ZONES, {0.3, 1}, true, {0, 1}},
        {"latency", AT_ZONES, {20e6}, true, {0}},
        {"latency", AT_EDGE, {20e6, 10e6, 0, 0.5}, true, {0, 0, 0, 0.5}},
        {"partition", AT_ZONES, {0}, false, {0}},
        {"packet_duplicate", AT_ZONES, {0.3}, true, {0}},
        {"poison_request", AT_LOAD, {0.01}, true, {0}},
        {"costly_request", AT_FRONT_WHOLE, {0.3, 10}, true, {0.3, 1}},
        {"gray_failure", AT_BACK, {0.3, 50e6, 0.3}, true, {0, 50e6, 0.3}},
        {"gray_failure", AT_EDGE, {0.3, 50e6, 0.3}, true, {0.3, 0, 0}},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static const uint32_t back_instances[] = {1, 2, 3};

static void make_fleet(void)
{
        fleet = build_fleet(&b, 1, 0);
}

static void setup(void)
{
        build_begin(&b);
        memset(&books, 0, sizeof(books));
        build_service(&b, "front", exponential(2 * NS_PER_MS))->concurrency = 64;
        build_service(&b, "back", exponential(2 * NS_PER_MS))->concurrency = 4;
        b.services[BACK].instance_count = 3;
        b.services[BACK].zone_count = 3;
        b.services[BACK].memory_base_bytes = 100000000;
        b.services[BACK].memory_limit_bytes = 1000000000;
        b.services[BACK].features = back_features;
        b.services[BACK].feature_count = 1;
        b.services[BACK].disk = (struct disk_spec){1000000000, 0, 0};
        b.services[BACK].quota = (struct quota_spec){1e6, NS_PER_S, 1, false};
        build_call(&b, FRONT, BACK)->timeout_ns = NS_PER_S;
        build_load(&b, "users", FRONT, 50);
        b.telemetry = true;
        make_fleet();
}

/* A fleet that has what a kind acts on; the plain one for most. */
static void fit(const struct fault_ops *ops)
{
        static const enum fleet_data_kind kept[] = {
                [FAULT_NEEDS_CACHE] = DATA_CACHE,
                [FAULT_NEEDS_DATABASE] = DATA_DATABASE,
                [FAULT_NEEDS_REPLICA] = DATA_DATABASE,
                [FAULT_NEEDS_QUEUE] = DATA_QUEUE,
        };

        if (ops->needs < FAULT_NEEDS_FDS || ops->needs > FAULT_NEEDS_QUEUE)
                return;
        fleet_destroy(fleet);
        build_data(&b, 1, kept[ops->needs]);
        fleet = build_fleet(&b, 1, 0);
}

static void teardown(void)
{
        books_free(&books);
        build_end(&b);
}

static struct fault_run *prepare(const char *kind, enum aim aim, const double *arguments,
                                 uint32_t n)
{
        static double chain[2][FAULT_ARGUMENT_MAX];

        if (strcmp(kind, "cascade") == 0) {
                chain[n][0] = fault_kinds_add(fault_kinds_add(0, 0, fault_find("error")), 1,
                                              fault_find("zombie"));
                chain[n][1] = arguments[1];
                arguments = chain[n];
        }
        runs[n] = (struct fault_run){
                .ops = fault_find(kind),
                .fleet = fleet,
                .arguments = arguments,
                .probability = 1,
                .rank = n,
                .stream = 77 + n,
                .now_ns = fleet_now(fleet),
                .has_end = true,
                .edge = aim == AT_EDGE ? 0 : FLEET_NO_INDEX,
                .load = aim == AT_LOAD ? 0 : FLEET_NO_INDEX,
                .service = aim == AT_BACK_WHOLE    ? BACK
                           : aim == AT_FRONT_WHOLE ? FRONT
                                                   : FLEET_NO_INDEX,
                .zone = aim == AT_ZONE ? 1 : FLEET_NO_INDEX,
                .between_zones = aim == AT_ZONES, /* front is in a, one of back in b */
                .from_zone = 0,
                .to_zone = 1,
                .instances = back_instances,
                .instance_count = aim == AT_BACK ? 3 : 0,
        };
        ck_assert_ptr_nonnull(runs[n].ops);
        return &runs[n];
}

static void inject(const char *kind, enum aim aim, const double *arguments, uint32_t n)
{
        struct fault_run *run = prepare(kind, aim, arguments, n);

        run->ops->inject(run);
}

static uint64_t touched(const struct fault_run *run)
{
        uint64_t sum = run->touched;

        for (uint32_t i = 0; i < run->effect_count; i++)
                sum += run->effects[i].touched;
        return sum;
}

static double share_of(const struct effect *effect)
{
        return effect->measured_sum / (double)effect->measured_count;
}

static void run_for(int64_t seconds)
{
        ck_assert(fleet_run_until(fleet, fleet_now(fleet) + seconds * NS_PER_S));
}

static void close_books(void)
{
        ck_assert(books_close(&books, &b, fleet));
}

/* What the fault left in the fleet would go on killing. */
static void take_out_poison(const char *kind)
{
        if (strcmp(kind, "poison_message") == 0)
                build_act(fleet, ACTION_PURGE_QUEUE, BACK, FLEET_NO_INDEX, 0);
}

/* ---- promises of all */

START_TEST(every_kind_has_a_case)
{
        bool there = false;

        for (int i = 0; i < CASES; i++)
                there = there || strcmp(cases[i].kind, fault_catalogue[_i]->name) == 0;
        ck_assert_msg(there, "no case for %s", fault_catalogue[_i]->name);
        close_books();
}
END_TEST

/* A failure, an action, somebody who hears of telemetry's delay. */
static bool waits_for_something(const char *kind)
{
        static const char *const kinds[] = {"retry_storm", "slow_start", "telemetry_delay",
                                            "actuator_fail", "actuator_slow", "placement_blocked",
                                            "health_check_fault", "autoscaler_fault",
                                            "reapplying_actor"};

        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(kinds[i], kind) == 0)
                        return true;
        return false;
}

START_TEST(it_is_lifted_exactly_also_when_it_overlaps_itself)
{
        const struct kind_case *c = &cases[_i];
        uint64_t before;

        fit(fault_find(c->kind));
        before = fleet_overlay_digest(fleet);
        inject(c->kind, c->aim, c->arguments, 0);
        run_for(7);
        inject(c->kind, c->aim, c->arguments, 1);
        run_for(7);
        runs[0].ops->lift(&runs[0]);
        run_for(7);
        if (!waits_for_something(c->kind))
                ck_assert_uint_gt(touched(&runs[0]), 0);
        runs[1].ops->lift(&runs[1]);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        take_out_poison(c->kind);
        run_for(FOR_S);
        for (uint32_t i = 0; i < 4; i++)
                ck_assert_int_eq(fleet_instance_state(fleet, i), INSTANCE_UP);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        close_books();
}
END_TEST

START_TEST(targets_that_die_or_are_replaced_leave_no_trace)
{
        const struct kind_case *c = &cases[_i];
        uint64_t before;

        fit(fault_find(c->kind));
        before = fleet_overlay_digest(fleet);
        inject(c->kind, c->aim, c->arguments, 0);
        run_for(3);
        fleet_instance_kill(fleet, 1, 139, "test");
        build_act(fleet, ACTION_REPLACE_INSTANCE, BACK, 2, 0);
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 3, 0);
        build_act(fleet, ACTION_SCALE_RESOURCES, BACK, FLEET_NO_INDEX, 1);
        run_for(100);
        runs[0].ops->lift(&runs[0]);
        ck_assert_uint_eq(fleet_overlay_digest(fleet), before);
        take_out_poison(c->kind);
        run_for(FOR_S);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        ck_assert_int_eq(fleet_instance_state(fleet, 3), INSTANCE_UP);
        close_books();
}
END_TEST

START_TEST(its_neutral_value_changes_nothing)
{
        const struct kind_case *c = &cases[_i];
        uint64_t sum[2], count[2], arrivals[2];

        fit(fault_find(c->kind));
        for (int with = 0; with < 2 && c->has_neutral; with++) {
                if (with == 1)
                        make_fleet();
                run_for(5);
                if (with == 1)
                        inject(c->kind, c->aim, c->neutral, 0);
                run_for(60);
                if (with == 1)
                        runs[0].ops->lift(&runs[0]);
                run_for(20);
                close_books();
                sum[with] = books.services[FRONT].phase[0].latency.sum_ns;
                count[with] = books.services[FRONT].phase[0].latency.count;
                arrivals[with] = books.totals.arrival_hash;
                books_free(&books);
        }
        if (!c->has_neutral) {
                close_books();
                return;
        }
        ck_assert_uint_eq(sum[0], sum[1]);
        ck_assert_uint_eq(count[0], count[1]);
        ck_assert_uint_eq(arrivals[0], arrivals[1]);
}
END_TEST

/* A service that neither calls the target nor is called by it, nor shares its
 * zone's line, has the same requests to the nanosecond. */
START_TEST(nobody_beside_its_target_notices_it)
{
        const struct kind_case *c = &cases[_i];
        struct service_measure aside[2];
        uint32_t at;

        fit(fault_find(c->kind));
        fleet_destroy(fleet);
        at = b.spec.service_count;
        build_service(&b, "aside", exponential(2 * NS_PER_MS))->concurrency = 4;
        build_load(&b, "others", at, 50);
        for (int with = 0; with < 2; with++) {
                make_fleet();
                run_for(5);
                if (with == 1)
                        inject(c->kind, c->aim, c->arguments, 0);
                run_for(60);
                if (with == 1)
                        runs[0].ops->lift(&runs[0]);
                take_out_poison(c->kind);
                run_for(20);
                close_books();
                aside[with] = books.services[at];
                ck_assert_uint_gt(aside[with].completed, 3500);
                books_free(&books);
        }
        ck_assert_uint_eq(aside[0].phase[0].latency.sum_ns, aside[1].phase[0].latency.sum_ns);
        ck_assert_uint_eq(aside[0].phase[0].latency.count, aside[1].phase[0].latency.count);
        ck_assert_uint_eq(aside[0].phase[0].good, aside[1].phase[0].good);
        ck_assert_uint_eq(aside[0].arrived, aside[1].arrived);
        ck_assert_uint_eq(aside[0].completed, aside[1].completed);
        ck_assert_double_eq(aside[0].queue_area_s, aside[1].queue_area_s);
}
END_TEST

/* ---- shares and delays */

/* Which cases hit a share of 0.3 of the calls, and what their callers see. */
static const struct share_case {
        int at;
        enum call_outcome outcome;
} shares[] = {
        {3, CALL_ERROR}, {4, CALL_TIMEOUT}, {5, CALL_ERROR}, {6, CALL_ERROR},   {7, CALL_ERROR},
        {9, CALL_TIMEOUT}, {10, CALL_TIMEOUT}, {28, CALL_ERROR}, {29, CALL_ERROR},
};

START_TEST(a_share_is_within_3_sigma)
{
        const struct share_case *s = &shares[_i];
        const struct kind_case *c = &cases[s->at];
        bool bursts = strcmp(c->kind, "packet_loss") == 0 && c->arguments[1] > 1;
        double n, sigma;

        inject(c->kind, c->aim, c->arguments, 0);
        run_for(2100);
        runs[0].ops->lift(&runs[0]);
        close_books();
        n = (double)books_ended(&books, BACK);
        ck_assert_double_gt(n, 1e5);
        /* A chain with bursts of 4: the variance is (1 + r) / (1 - r) larger, where
         * r = 1 - 1/4 - 0.3 / (4 x 0.7) is the correlation of neighbours. */
        sigma = sqrt(0.3 * 0.7 / n * (bursts ? 1.6429 / 0.3571 : 1));
        ck_assert_double_eq_tol((double)books_outcome(&books, BACK, s->outcome) / n, 0.3,
                                3 * sigma);
        ck_assert_double_eq_tol(share_of(&runs[0].effects[0]), 0.3, 3 * sigma);
}
END_TEST

START_TEST(what_is_total_lets_nothing_through)
{
        static const struct kind_case total[] = {
                {"partition", AT_EDGE, {0}, false, {0}},
                {"partition", AT_EDGE, {1}, false, {0}},
                {"partition", AT_EDGE, {2}, false, {0}},
                {"certificate_expiry", AT_BACK_WHOLE, {0}, false, {0}},
        };

        inject(total[_i].kind, total[_i].aim, total[_i].arguments, 0);
        run_for(100);
        close_books();
        ck_assert_uint_eq(books_outcome(&books, BACK, CALL_OK), 0);
        /* Only where answers are lost does the callee work, and for nobody. */
        if (_i == 1)
                ck_assert_uint_gt(books.services[BACK].completed, 4000);
        else
                ck_assert_uint_eq(books.services[BACK].completed, 0);
}
END_TEST

START_TEST(a_tail_is_its_share_late_by_its_delay)
{
        double calm, n;

        run_for(1000);
        close_books();
        calm = books_latency_s(&books, BACK);
        books_free(&books);
        make_fleet();
        inject("latency_tail", AT_EDGE, (const double[]){0.1, 50e6}, 0);
        run_for(1000);
        close_books();
        n = (double)runs[0].effects[0].measured_count;
        ck_assert_double_eq_tol(n / (double)books_ended(&books, BACK), 0.1, 3 * sqrt(0.09 / 5e4));
        ck_assert_double_eq_tol(share_of(&runs[0].effects[0]), 0.050, 1e-6);
        ck_assert_double_eq_tol(books_latency_s(&books, BACK) - calm, 0.005, 0.005 * 0.05);
}
END_TEST

START_TEST(a_zone_that_is_cut_off_is_lost_to_the_others_only)
{
        double all, late;

        /* front is in zone a, a third of back in b: every third attempt is lost. */
        inject("partition", AT_ZONE, (const double[]){0}, 0);
        run_for(200);
        close_books();
        all = (double)books_ended(&books, BACK);
        late = (double)books_outcome(&books, BACK, CALL_TIMEOUT);
        ck_assert_double_eq_tol(late / all, 1.0 / 3, 0.01);
        ck_assert_uint_eq(books_outcome(&books, BACK, CALL_OK) + (uint64_t)late, (uint64_t)all);
}
END_TEST

/* ---- resources */

static double own_work_s(void)
{
        return books.services[BACK].service_sum_s / (double)books.services[BACK].started;
}

START_TEST(work_is_slower_by_what_is_taken)
{
        static const struct slow_case {
                const char *kind;
                double arguments[2], mean_s;
        } slow[] = {
                {"cpu_pressure", {1.75, 0}, 0},     /* 7 of 4 cores, and its own */
                {"memory_pressure", {0, 0.9}, 0.006}, /* full but not above */
                {"io_delay", {10e6, 0}, 0.012},
        };
        double mean;

        inject(slow[_i].kind, AT_BACK, slow[_i].arguments, 0);
        run_for(400);
        close_books();
        mean = own_work_s();
        if (_i == 0) /* (7 + 1 or more) / 4 */
                ck_assert(mean > 0.0039 && mean < 0.0044);
        else if (_i == 1) /* 100 MB and 90 % of 1 GB: x3 */
                ck_assert_double_eq_tol(mean, slow[_i].mean_s, 0.0003);
        else
                ck_assert_double_eq_tol(mean, slow[_i].mean_s, 0.0002);
}
END_TEST

START_TEST(memory_above_the_limit_kills_and_a_restart_does_not_help)
{
        inject("memory_pressure", AT_BACK, (const double[]){0, 1}, 0);
        run_for(3);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_DOWN);
        run_for(6);
        ck_assert_uint_gt(fleet->instances[1].epoch, 1); /* came back, and died again */
        build_act(fleet, ACTION_REPLACE_INSTANCE, BACK, 2, 0);
        run_for(60);
        ck_assert_int_eq(fleet_instance_state(fleet, 4), INSTANCE_UP);
        runs[0].ops->lift(&runs[0]);
        close_books();
}
END_TEST

START_TEST(starved_threads_leave_the_rest_of_the_workers)
{
        uint32_t most = 0;

        inject("thread_starvation", AT_BACK, (const double[]){0.5}, 0);
        inject("io_delay", AT_BACK, (const double[]){500e6}, 1); /* all that are left are taken */
        for (int i = 0; i < 50; i++) {
                run_for(1);
                if (fleet->instances[1].busy > most)
                        most = fleet->instances[1].busy;
        }
        ck_assert_uint_eq(most, 2);
        runs[0].ops->lift(&runs[0]);
        ck_assert_uint_eq(fleet->instances[1].busy, 4); /* at once, for those that waited */
        close_books();
}
END_TEST

/* ---- states */

START_TEST(a_process_that_stands_still_goes_on_where_it_was)
{
        static const char *const kinds[] = {"hang", "pause"};
        uint64_t lost;

        inject(kinds[_i], AT_BACK, (const double[]){0}, 0);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_HUNG);
        run_for(10);
        ck_assert_uint_eq(fleet->services[BACK].measure.completed, 0);
        runs[0].ops->lift(&runs[0]);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        run_for(10);
        lost = fleet->services[BACK].measure.lost;
        close_books();
        ck_assert_uint_eq(lost, 0);
        ck_assert_uint_gt(books.services[BACK].completed, 800); /* what had waited too */
}
END_TEST

START_TEST(a_restart_ends_what_lives_in_the_process)
{
        static const char *const kinds[] = {"hang", "zombie", "crash_loop"};

        inject(kinds[_i], AT_BACK, (const double[]){2e9}, 0);
        run_for(3);
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        run_for(20);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        if (_i < 2)
                ck_assert_int_ne(fleet_instance_state(fleet, 2), INSTANCE_UP);
        runs[0].ops->lift(&runs[0]);
        close_books();
}
END_TEST

START_TEST(a_zombie_fails_its_work_and_passes_its_checks)
{
        b.services[BACK].health_check = (struct health_check_spec){NS_PER_S, NS_PER_S, 3, 1};
        fleet_destroy(fleet);
        make_fleet();
        inject("zombie", AT_BACK, (const double[]){0}, 0);
        run_for(60);
        ck_assert_uint_eq(fleet->services[BACK].routable_count, 3);
        close_books();
        ck_assert_uint_eq(books_outcome(&books, BACK, CALL_OK), 0);
        ck_assert_uint_gt(books_outcome(&books, BACK, CALL_ERROR), 2500);
}
END_TEST

START_TEST(a_gc_pause_delays_by_what_falls_into_it)
{
        fleet_destroy(fleet);
        b.services[BACK].service_time = constant(80 * NS_PER_MS);
        b.services[BACK].concurrency = 64;
        b.services[BACK].cpu_cores = 64;
        make_fleet();
        /* Of all requests 10 % come in a pause and wait 50 ms on average, and 8 %
         * are at work when one begins and take all of its 100 ms longer. */
        inject("gc_pause", AT_BACK, (const double[]){100e6, 1e9}, 0);
        run_for(2000);
        ck_assert_uint_eq(runs[0].effects[0].touched, 3 * 2000);
        close_books();
        ck_assert_double_eq_tol(books_latency_s(&books, BACK) - 0.080, 0.013, 0.05 * 0.013);
}
END_TEST

START_TEST(a_crash_loop_dies_after_its_life_every_time)
{
        int64_t up, down;

        inject("crash_loop", AT_BACK, (const double[]){5e9}, 0);
        run_for(200);
        for (uint32_t n = 0; n < 3; n++) {
                up = build_state_at(&b, 1, INSTANCE_UP, n);
                down = build_state_at(&b, 1, INSTANCE_DOWN, n + 1);
                ck_assert_int_eq(down - up, 5 * NS_PER_S);
        }
        runs[0].ops->lift(&runs[0]);
        close_books();
}
END_TEST

START_TEST(a_slow_start_takes_its_factor)
{
        inject("slow_start", AT_BACK, (const double[]){5}, 0);
        run_for(10);
        fleet_instance_kill(fleet, 1, 139, "test");
        run_for(60);
        ck_assert_int_eq(build_state_at(&b, 1, INSTANCE_UP, 0), 35 * NS_PER_S); /* 5 x 5 s */
        runs[0].ops->lift(&runs[0]);
        close_books();
}
END_TEST

START_TEST(a_zone_that_is_out_starts_nothing_and_others_take_over)
{
        inject("zone_outage", AT_ZONE, (const double[]){0}, 0);
        ck_assert_int_eq(fleet_instance_state(fleet, 2), INSTANCE_DOWN);
        ck_assert_int_eq(fleet_instance_state(fleet, 1), INSTANCE_UP);
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 2, 0);
        build_act(fleet, ACTION_SCALE_RESOURCES, BACK, FLEET_NO_INDEX, 2);
        run_for(60);
        ck_assert_int_eq(fleet_instance_state(fleet, 2), INSTANCE_DOWN);
        for (uint32_t i = 4; i < 6; i++) {
                ck_assert_int_eq(fleet_instance_state(fleet, i), INSTANCE_UP);
                ck_assert_uint_ne(fleet_instance_zone(fleet, i), 1);
        }
        runs[0].ops->lift(&runs[0]);
        run_for(10);
        ck_assert_int_eq(fleet_instance_state(fleet, 2), INSTANCE_UP);
        close_books();
}
END_TEST

START_TEST(a_new_instance_has_what_lives_outside_too)
{
        inject("api_failure", AT_BACK_WHOLE, (const double[]){1, 503}, 0);
        for (uint32_t i = 1; i <= 3; i++)
                build_act(fleet, ACTION_REPLACE_INSTANCE, BACK, i, 0);
        run_for(100);
        close_books();
        ck_assert_uint_eq(books_outcome(&books, BACK, CALL_OK), 0);
}
END_TEST

/* What a monitor reads in the log of a process: it asked somebody else. One that fails by
 * itself does not say that. */
START_TEST(a_process_says_that_somebody_outside_failed_it)
{
        uint32_t said = 0;

        inject(_i == 0 ? "api_failure" : "error", _i == 0 ? AT_BACK_WHOLE : AT_BACK,
               (const double[]){1, 503, 1}, 0);
        run_for(60);
        for (size_t i = 0; i < b.event_count; i++)
                said += b.events[i].kind == FLEET_EVENT_ERROR_MESSAGE &&
                        b.events[i].service == BACK && strstr(b.events[i].text, "unavailable");
        if (_i == 0) /* three processes, an interval of telemetry apart at least */
                ck_assert(said >= 3 && said <= 3 * (1 + 60 * NS_PER_S / b.spec.telemetry.interval_ns));
        else
                ck_assert_uint_eq(said, 0);
        close_books();
}
END_TEST

/* ---- clients */

START_TEST(a_surge_brings_its_factor_and_leaves_the_others_alone)
{
        double n;
        uint64_t usual;

        run_for(200);
        close_books();
        usual = books.totals.arrival_hash;
        books_free(&books);
        make_fleet();
        inject("traffic_surge", AT_LOAD, (const double[]){3}, 0);
        run_for(200);
        n = (double)touched(&runs[0]);
        runs[0].ops->lift(&runs[0]);
        run_for(1);
        ck_assert_uint_eq(touched(&runs[0]), (uint64_t)n);
        close_books();
        ck_assert_double_eq_tol(n, 20000, 3 * sqrt(20000));
        books_free(&books);
        make_fleet();
        inject("traffic_surge", AT_FRONT_WHOLE, (const double[]){3}, 0);
        run_for(200);
        close_books();
        ck_assert_uint_eq(books.totals.arrival_hash, usual);
}
END_TEST

START_TEST(a_storm_retries_what_fails_and_only_that)
{
        double calls, attempts;

        inject("retry_storm", AT_LOAD, (const double[]){3}, 0);
        run_for(50);
        ck_assert_uint_eq(touched(&runs[0]), 0);
        inject("certificate_expiry", AT_BACK_WHOLE, (const double[]){0}, 1);
        run_for(50);
        close_books();
        calls = (double)books.services[FRONT].calls;
        attempts = (double)books.services[FRONT].attempts;
        ck_assert_double_eq_tol(attempts / calls, 0.5 * 1 + 0.5 * 4, 0.1);
}
END_TEST

/* ---- the platform */

static uint32_t looks;

static bool undo(void *user, const char *entry)
{
        (void)user;
        ck_assert_str_eq(entry, "the other");
        looks++;
        return true;
}

static bool on_front(void *user, const char *entry, uint32_t service)
{
        (void)user;
        (void)entry;
        return service == FRONT;
}

START_TEST(an_actor_looks_again_until_its_controller_is_stopped)
{
        static const char *const texts[] = {"the other", NULL};
        const struct fault_host host = {NULL, 2, on_front, undo};
        struct fault_run *run = prepare("reapplying_actor", AT_LOAD, (const double[]){0, 10e9}, 0);

        looks = 0;
        run->texts = texts;
        run->host = &host;
        run->load = FLEET_NO_INDEX;
        run->ops->inject(run);
        run_for(35);
        ck_assert_uint_eq(looks, 3);
        ck_assert_uint_eq(touched(run), 3);
        ck_assert_double_eq(share_of(&run->effects[0]), 1);
        build_act(fleet, ACTION_STOP_CONTROLLER, FRONT, FLEET_NO_INDEX, 0);
        run_for(60);
        ck_assert_uint_eq(looks, 3);
        run->ops->lift(run);
        close_books();
}
END_TEST

START_TEST(a_neighbour_is_not_seen_by_the_instance)
{
        double ratio[2];

        fleet_destroy(fleet);
        b.telemetry = true;
        make_fleet();
        for (int with = 0; with < 2; with++) {
                if (with == 1)
                        inject("shared_host", AT_BACK, (const double[]){3}, 0);
                run_for(30);
                ratio[with] = b.last_sample[1].cpu_ratio;
        }
        ck_assert_double_gt(ratio[0], 0);
        ck_assert_double_lt(ratio[1], 6 * ratio[0]); /* its own work takes three times as long */
        close_books();
        ck_assert_double_gt(own_work_s(), 0.003);
}
END_TEST

/* ---- clocks */

START_TEST(a_clock_refuses_tokens_only_when_more_than_a_minute_away)
{
        double share;

        inject("clock_skew", AT_BACK, _i == 0 ? (const double[]){59e9} : (const double[]){61e9}, 0);
        run_for(100);
        close_books();
        share = (double)books_outcome(&books, BACK, CALL_ERROR) / (double)books_ended(&books, BACK);
        ck_assert_double_eq(share, _i == 0 ? 0 : 1);
}
END_TEST

/* Instances whose clocks are wrong alike understand one another. */
START_TEST(clocks_that_are_wrong_alike_agree)
{
        static const uint32_t all[] = {0, 1, 2, 3};
        struct fault_run *run = prepare("clock_skew", AT_BACK, (const double[]){300e9}, 0);

        run->instances = all;
        run->instance_count = 4;
        run->ops->inject(run);
        run_for(20);
        close_books();
        /* The clients' clocks are right: front refuses them, and calls nobody. */
        ck_assert_uint_eq(books_outcome(&books, FRONT, CALL_ERROR), books_ended(&books, FRONT));
        ck_assert_uint_eq(books_ended(&books, BACK), 0);
}
END_TEST

START_TEST(a_clock_that_runs_fast_times_out_early)
{
        static const uint32_t front[] = {0};
        struct fault_run *run = prepare("clock_drift", AT_BACK, (const double[]){19}, 1);

        inject("io_delay", AT_BACK, (const double[]){100e6}, 0); /* of the second they have */
        run_for(10);
        ck_assert_uint_eq(fleet->services[BACK].measure.phase[0].outcome[CALL_TIMEOUT], 0);
        run->instances = front;
        run->instance_count = 1;
        run->now_ns = fleet_now(fleet);
        run->ops->inject(run); /* twenty times as fast: 50 ms are left */
        run_for(3);
        close_books();
        ck_assert_uint_gt(books_outcome(&books, BACK, CALL_TIMEOUT), 100);
}
END_TEST

START_TEST(a_jump_ends_what_is_waited_for_within_it)
{
        static const uint32_t front[] = {0};
        struct fault_run *run = prepare("clock_jump", AT_BACK, (const double[]){2e9}, 1);
        uint64_t before;

        inject("io_delay", AT_BACK, (const double[]){200e6}, 0);
        run_for(10);
        before = fleet->services[BACK].measure.phase[0].outcome[CALL_TIMEOUT];
        run->instances = front;
        run->instance_count = 1;
        run->ops->inject(run);
        run_for(1);
        ck_assert_uint_ge(touched(run), 5); /* 50/s for 0.2 s are under way */
        ck_assert_uint_eq(fleet->services[BACK].measure.phase[0].outcome[CALL_TIMEOUT] - before,
                          touched(run));
        run_for(20);
        close_books();
        ck_assert_uint_lt(books_outcome(&books, BACK, CALL_TIMEOUT), before + 40); /* and no more */
}
END_TEST

START_TEST(a_replaced_instance_has_a_right_clock_and_a_restarted_one_has_not)
{
        inject("clock_skew", AT_BACK, (const double[]){120e9}, 0);
        build_act(fleet, ACTION_RESTART_INSTANCE, BACK, 1, 0);
        build_act(fleet, ACTION_REPLACE_INSTANCE, BACK, 2, 0);
        run_for(100);
        ck_assert_double_eq_tol(effect_clock_offset_s(fleet, &fleet->instances[1]), 120, 1e-9);
        ck_assert_double_eq(effect_clock_offset_s(fleet, &fleet->instances[4]), 0);
        runs[0].ops->lift(&runs[0]);
        ck_assert_uint_eq(fleet->clock_links, 0);
        close_books();
}
END_TEST

START_TEST(a_cascade_goes_up_the_call_graph)
{
        inject("cascade", AT_BACK, (const double[]){0, 5e9}, 0);
        run_for(4);
        ck_assert_uint_eq(runs[0].touched, 3);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_UP);
        run_for(2);
        ck_assert_uint_eq(runs[0].touched, 4);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_ZOMBIE);
        runs[0].ops->lift(&runs[0]);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_UP);
        /* lifted before the second part: it does not come */
        inject("cascade", AT_BACK, (const double[]){0, 5e9}, 0);
        run_for(2);
        runs[0].ops->lift(&runs[0]);
        run_for(10);
        ck_assert_int_eq(fleet_instance_state(fleet, 0), INSTANCE_UP);
        close_books();
}
END_TEST

START_TEST(a_herd_comes_at_once)
{
        run_for(10);
        inject("thundering_herd", AT_LOAD, (const double[]){2}, 0);
        ck_assert_uint_eq(runs[0].touched, 1000); /* 50/s x 10 s x 2 */
        ck_assert_uint_ge(fleet->services[FRONT].inside, 1000);
        run_for(50);
        close_books();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("fault_kinds");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_loop_test(t, every_kind_has_a_case, 0, (int)fault_catalogue_count);
        tcase_add_loop_test(t, it_is_lifted_exactly_also_when_it_overlaps_itself, 0, CASES);
        tcase_add_loop_test(t, targets_that_die_or_are_replaced_leave_no_trace, 0, CASES);
        tcase_add_loop_test(t, its_neutral_value_changes_nothing, 0, CASES);
        tcase_add_loop_test(t, nobody_beside_its_target_notices_it, 0, CASES);
        tcase_add_loop_test(t, a_share_is_within_3_sigma, 0, sizeof(shares) / sizeof(shares[0]));
        tcase_add_loop_test(t, what_is_total_lets_nothing_through, 0, 4);
        tcase_add_test(t, a_tail_is_its_share_late_by_its_delay);
        tcase_add_test(t, a_zone_that_is_cut_off_is_lost_to_the_others_only);
        tcase_add_loop_test(t, work_is_slower_by_what_is_taken, 0, 3);
        tcase_add_test(t, memory_above_the_limit_kills_and_a_restart_does_not_help);
        tcase_add_test(t, starved_threads_leave_the_rest_of_the_workers);
        tcase_add_loop_test(t, a_process_that_stands_still_goes_on_where_it_was, 0, 2);
        tcase_add_loop_test(t, a_restart_ends_what_lives_in_the_process, 0, 3);
        tcase_add_test(t, a_zombie_fails_its_work_and_passes_its_checks);
        tcase_add_test(t, a_gc_pause_delays_by_what_falls_into_it);
        tcase_add_test(t, a_crash_loop_dies_after_its_life_every_time);
        tcase_add_test(t, a_slow_start_takes_its_factor);
        tcase_add_test(t, a_zone_that_is_out_starts_nothing_and_others_take_over);
        tcase_add_test(t, a_new_instance_has_what_lives_outside_too);
        tcase_add_loop_test(t, a_process_says_that_somebody_outside_failed_it, 0, 2);
        tcase_add_test(t, a_surge_brings_its_factor_and_leaves_the_others_alone);
        tcase_add_test(t, a_storm_retries_what_fails_and_only_that);
        tcase_add_test(t, a_cascade_goes_up_the_call_graph);
        tcase_add_test(t, a_herd_comes_at_once);
        tcase_add_loop_test(t, a_clock_refuses_tokens_only_when_more_than_a_minute_away, 0, 2);
        tcase_add_test(t, clocks_that_are_wrong_alike_agree);
        tcase_add_test(t, a_clock_that_runs_fast_times_out_early);
        tcase_add_test(t, a_jump_ends_what_is_waited_for_within_it);
        tcase_add_test(t, a_replaced_instance_has_a_right_clock_and_a_restarted_one_has_not);
        tcase_add_test(t, an_actor_looks_again_until_its_controller_is_stopped);
        tcase_add_test(t, a_neighbour_is_not_seen_by_the_instance);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
