/* test_random_fleets.c - fleets, faults and actions that nobody chose.
 *
 * Each number is a fleet of two to seven services with random keys, calls, data
 * and load; some ten faults of the catalogue on random targets that fit, random
 * actions and kills. Whatever comes of it: the books of requests, pools and queues
 * hold at every second, what was lifted leaves no trace, and the same number gives
 * the same run, whether requests take short ways (lane.c, relay.c) or none. Every
 * other fleet is so plain that they can. CHAOS_FLEETS=N tries N of them.
 */
#include "faults/fault.h"
#include "tests/effort.h"
#include "tests/fleet_builder.h"

#include <check.h>
#include <math.h>

#include "harness/fleet/data_layer.h"

enum { FAULTS = 12, FOR_S = 60, FLEETS = EFFORT(150, 60) };

static struct builder b;
static struct books books;
static struct fleet *fleet;
static struct fault_run runs[FAULTS];
static double arguments[FAULTS][FAULT_ARGUMENT_MAX];
static uint32_t targets[FAULTS][8];
static uint64_t key;
static uint32_t drawn, relayed;

/* Evenly from 0 to n - 1. */
static uint32_t any(uint32_t n)
{
        return rng_below((uint32_t)rng_draw(key, 1, RNG_ARRIVAL, drawn++).word[0], n);
}

static bool one_in(uint32_t n)
{
        return any(n) == 0;
}

/* ---- fleets */

static void any_data(struct service_spec *service, uint32_t edge)
{
        service->data = (enum fleet_data_kind)any(4);
        if (service->data == DATA_CACHE && service->edge_count == 0)
                service->data = DATA_DATABASE;
        service->cache = (struct cache_spec){any(11) / 10.0, any(30) * NS_PER_S, edge};
        service->database = (struct database_spec){any(3) * NS_PER_S, any(11) / 10.0, any(11) / 10.0};
        service->messages = (struct queue_spec){one_in(2), any(10) * NS_PER_S,
                                                one_in(2) ? QUEUE_UNBOUNDED : 1 + any(50)};
}

/* A value that its parameter may have. */
static double any_setting(enum parameter_kind parameter)
{
        switch (parameter) {
        case PARAMETER_ERROR_RATE:
        case PARAMETER_PROBABILITY:
                return any(11) / 10.0;
        case PARAMETER_CORES:
                return (1 + any(40)) / 10.0;
        case PARAMETER_MEMORY_BASE:
        case PARAMETER_MEMORY_LIMIT:
                return 5e7 + 1e7 * any(20);
        case PARAMETER_MEMORY_PER_REQUEST:
                return 1e5 * any(50);
        case PARAMETER_RESTART_TIME:
        case PARAMETER_BOOT_TIME:
        case PARAMETER_TIMEOUT:
                return 1e6 * (1 + any(3000));
        case PARAMETER_RETRIES_BUDGET:
                return any(5) / 10.0;
        case PARAMETER_CANCEL_ON_TIMEOUT:
                return any(2);
        default: /* counts */
                return 1 + any(4);
        }
}

static void any_changes(struct service_spec *service)
{
        static const struct feature_spec features[] = {
                {"a", 0.3, 0.2, 100, 1}, {"b", 0.4, 0.3, 300, 3}, {"c", 1.5, 0, 50, 0}};
        static struct setting changes[2];
        static const struct version_spec versions[] = {
                {"1.0", NULL, 0}, {"1.1", &changes[0], 1}, {"1.2", &changes[1], 1}};

        changes[0] = (struct setting){.parameter = PARAMETER_CONCURRENCY, .number = 3};
        changes[1] = (struct setting){.parameter = PARAMETER_ERROR_RATE, .number = 0.1};
        if (one_in(3)) {
                service->features = features;
                service->feature_count = 3;
        }
        if (one_in(3)) {
                service->versions = versions;
                service->version_count = 3;
        }
        if (one_in(3))
                service->autoscaler = (struct autoscaler_spec){
                        true, (enum scale_metric)any(3), 0.1 + any(8) / 10.0, 1,
                        service->instance_count + any(3), any(30) * NS_PER_S};
}

static void any_service(uint32_t index)
{
        static char names[8][2] = {"a", "b", "c", "d", "e", "f", "g", "h"};
        struct service_spec *service =
                build_service(&b, names[index], exponential((1 + any(20)) * NS_PER_MS));

        service->instance_count = 1 + any(4);
        service->zone_count = 1 + any(3);
        service->concurrency = 1 + any(6);
        service->queue_max = one_in(2) ? QUEUE_UNBOUNDED : any(60);
        service->discipline = (enum fleet_discipline)any(3);
        service->hold = one_in(3) ? HOLD_WORK : HOLD_CALL;
        service->error_rate = one_in(4) ? 0.02 : 0;
        service->supervisor = one_in(5) ? SUPERVISOR_NEVER : SUPERVISOR_ALWAYS;
        service->health_check = (struct health_check_spec){one_in(2) ? 5 * NS_PER_S : 0, NS_PER_S, 2, 1};
        if (one_in(3)) {
                service->memory_base_bytes = 100000000;
                service->memory_limit_bytes = 200000000;
                service->memory_per_request_bytes = 1000000;
        }
        if (one_in(3)) {
                service->fd_limit = 4 + any(40);
                service->fd_per_call = 1 + any(2);
        }
        if (one_in(3))
                service->disk = (struct disk_spec){10000000, any(3) * 10000, any(9) * 1000000};
        if (one_in(3))
                service->quota = (struct quota_spec){1 + any(200), (1 + any(5)) * NS_PER_S, 1 + any(2),
                                                     one_in(2)};
        any_changes(service);
}

static void any_background(void)
{
        static struct background_spec lines[BACKGROUND_KIND_COUNT];

        for (int i = 0; i < BACKGROUND_KIND_COUNT; i++)
                lines[i] = (struct background_spec){(enum background_kind)i, one_in(2) ? 0.05 : 0,
                                                    FLEET_NO_INDEX, 0.3, 1.3, 5 * NS_PER_S};
        b.spec.background = lines;
        b.spec.background_count = BACKGROUND_KIND_COUNT;
}

static void any_calls(uint32_t from, uint32_t count, bool plain)
{
        uint32_t first = b.spec.edge_count;

        for (uint32_t to = from + 1; to < count; to++) {
                struct edge_spec *edge;

                if (to != from + 1 && (plain || !one_in(3)))
                        continue;
                edge = build_call(&b, from, to);
                edge->probability = one_in(2) ? 1 : 0.5;
                edge->count = 1 + one_in(4);
                edge->mode = one_in(3) ? CALL_PARALLEL : CALL_SEQUENTIAL;
                edge->timeout_ns = one_in(5) ? TIME_NEVER : (int64_t)(10 + any(1000)) * NS_PER_MS;
                edge->balancing = (enum fleet_balancing)any(4);
                edge->cancel_on_timeout = one_in(3);
                edge->pool = one_in(2) ? 1 + any(8) : 0;
                edge->retry.max = any(3);
                edge->retry.initial_ns = NS_PER_MS;
                edge->retry.budget = one_in(2) ? 0.2 : -1;
                if (one_in(5)) {
                        edge->fallback = FALLBACK_STATIC;
                        edge->fallback_quality = 0.5;
                }
        }
        any_data(&b.services[from], first);
}

static void any_load(void)
{
        struct load_spec *load = build_load(&b, "users", 0, 5 + any(100));

        load->timeout_ns = one_in(2) ? TIME_NEVER : NS_PER_S;
        load->cancel_on_timeout = one_in(2);
        load->retry.max = any(3);
        load->retry.initial_ns = 10 * NS_PER_MS;
        if (one_in(2)) {
                static const struct load_class classes[] = {{"low", 0.5, 50, 1}, {"high", 0.5, 450, 1}};

                load->classes = classes;
                load->class_count = 2;
        }
        if (one_in(4)) {
                load->process = LOAD_CLOSED;
                load->users = 1 + any(30);
                load->think_time = exponential(300 * NS_PER_MS);
        }
}

/* Most of it a chain of single workers that keep nobody waiting for an answer. */
static void make_plain(void)
{
        b.spec.zone_latency_ns = 0;
        for (int i = 0; i < 3; i++)
                b.zones[i].latency_ns = 0;
        for (uint32_t i = 0; i < b.spec.service_count; i++) {
                struct service_spec *service = &b.services[i];

                if (one_in(6))
                        continue;
                service->concurrency = 1;
                service->queue_max = QUEUE_UNBOUNDED;
                service->discipline = DISCIPLINE_FIFO;
                service->hold = HOLD_WORK;
                service->memory_limit_bytes = 0;
                service->fd_limit = 0;
                service->data = DATA_NONE;
                service->feature_count = 0;
                service->autoscaler.present = false;
                service->quota = (struct quota_spec){0};
                service->disk = (struct disk_spec){0};
                for (uint32_t e = 0; e < service->edge_count; e++) {
                        struct edge_spec *edge = &b.edges[service->edge_first + e];

                        edge->probability = 1;
                        edge->count = 1;
                        edge->mode = CALL_SEQUENTIAL;
                        edge->timeout_ns = TIME_NEVER;
                        edge->pool = 0;
                        edge->balancing = one_in(2) ? BALANCE_RANDOM : BALANCE_ROUND_ROBIN;
                }
        }
}

static void begin(uint64_t number, bool closed)
{
        bool plain = number % 2 == 1;
        uint32_t count;

        key = rng_key(number, 77);
        drawn = 0;
        memset(&books, 0, sizeof(books));
        build_begin(&b);
        b.telemetry = true;
        b.people = true;
        for (uint32_t i = 0; i < 3; i++)
                b.zones[i].latency_ns = one_in(2) ? 250 * NS_PER_US : 0;
        b.spec.zone_latency_ns = NS_PER_MS;
        count = 2 + any(6);
        for (uint32_t i = 0; i < count; i++)
                any_service(i);
        for (uint32_t i = 0; i < count; i++)
                any_calls(i, count, plain);
        any_load();
        any_background();
        if (plain)
                make_plain();
        fleet = build_fleet(&b, number, one_in(2) ? 10 * NS_PER_S : 0);
        fleet->lanes_closed = closed;
}

/* ---- faults */

static bool has_pool(const struct service_spec *service)
{
        for (uint32_t i = 0; i < service->edge_count; i++)
                if (b.edges[service->edge_first + i].pool > 0)
                        return true;
        return false;
}

static bool fits(enum fault_need need, const struct service_spec *service)
{
        switch (need) {
        case FAULT_NEEDS_NOTHING:
                return true;
        case FAULT_NEEDS_FDS:
                return service->fd_limit > 0;
        case FAULT_NEEDS_POOL:
                return has_pool(service);
        case FAULT_NEEDS_CACHE:
                return service->data == DATA_CACHE;
        case FAULT_NEEDS_DATABASE:
                return service->data == DATA_DATABASE;
        case FAULT_NEEDS_REPLICA:
                return service->data == DATA_DATABASE && service->instance_count > 1;
        case FAULT_NEEDS_QUEUE:
                return service->data == DATA_QUEUE;
        case FAULT_NEEDS_AUTOSCALER:
                return service->autoscaler.present;
        case FAULT_NEEDS_HEALTH_CHECK:
                return service->health_check.period_ns > 0;
        case FAULT_NEEDS_FEATURES:
                return service->feature_count > 0;
        case FAULT_NEEDS_DISK:
                return service->disk.size_bytes > 0;
        case FAULT_NEEDS_QUOTA:
                return service->quota.limit > 0;
        default:
                return false;
        }
}

static double any_value(const struct fault_param *param)
{
        double low = param->min, high = param->max;

        if (param->unit == FAULT_BOOL || param->unit == FAULT_CHOICE)
                return low + any((uint32_t)(high - low) + 1);
        if (param->unit == FAULT_DURATION && high > 20e9)
                high = 20e9;
        if (high > low + 10 && param->unit != FAULT_DURATION)
                high = param->unit == FAULT_BYTES || param->unit == FAULT_BYTES_PER_S ? 1e8 : low + 10;
        return param->unit == FAULT_COUNT ? floor(low + any(101) / 100.0 * (high - low))
                                          : low + any(101) / 100.0 * (high - low);
}

static uint32_t some_instances(uint32_t service, uint32_t *out, uint32_t most)
{
        uint32_t count = fleet_service_instances(fleet, service, out, most);

        return count < most ? count : most;
}

/* False: it does not fit anywhere, or is none for these fleets. */
static bool any_fault(uint32_t n)
{
        const struct fault_ops *ops = fault_catalogue[any((uint32_t)fault_catalogue_count)];
        uint32_t service = any(b.spec.service_count);
        struct fault_run *run = &runs[n];
        bool edge = (ops->targets & FAULT_TARGET_EDGE) && b.spec.edge_count > 0 && one_in(2);
        bool whole = !edge && (ops->targets & (FAULT_TARGET_SERVICE | FAULT_TARGET_INSTANCES)) != 0;

        if (whole && !fits(ops->needs, &b.services[service]))
                return false;
        for (size_t i = 0; i < ops->params_count; i++) {
                arguments[n][i] = any_value(&ops->params[i]);
                if (ops->params[i].unit == FAULT_KINDS)
                        arguments[n][i] = fault_kinds_add(fault_kinds_add(0, 0, fault_find("error")), 1,
                                                          fault_find(one_in(2) ? "hang" : "cpu_pressure"));
                if (ops->params[i].unit == FAULT_FEATURE)
                        arguments[n][i] = any(3);
                if (ops->params[i].unit == FAULT_PARAMETER)
                        arguments[n][i] = edge ? PARAMETER_EDGE_FIRST + any(PARAMETER_KIND_COUNT -
                                                                            PARAMETER_EDGE_FIRST)
                                               : 1 + any(PARAMETER_EDGE_FIRST - 1);
                if (ops->params[i].unit == FAULT_VALUE)
                        arguments[n][i] = any_setting((enum parameter_kind)arguments[n][i - 1]);
                if (ops->params[i].unit == FAULT_DURATION && arguments[n][i] < 1e6)
                        arguments[n][i] = 1e6;
        }
        *run = (struct fault_run){.ops = ops, .fleet = fleet, .arguments = arguments[n],
                                  .probability = one_in(2) ? 1 : 0.5, .rank = n, .stream = 1000 + n,
                                  .now_ns = fleet_now(fleet), .has_end = true,
                                  .ramp_for_ns = one_in(3) ? 5 * NS_PER_S : 0,
                                  .edge = edge ? any(b.spec.edge_count) : FLEET_NO_INDEX,
                                  .load = FLEET_NO_INDEX, .service = FLEET_NO_INDEX,
                                  .zone = FLEET_NO_INDEX, .instances = targets[n]};
        if (edge)
                run->edge = any(b.spec.edge_count);
        else if ((ops->targets & FAULT_TARGET_ZONES) && one_in(3))
                *run = (struct fault_run){.ops = ops, .fleet = fleet, .arguments = arguments[n],
                                          .probability = run->probability, .rank = n,
                                          .stream = run->stream, .now_ns = run->now_ns, .has_end = true,
                                          .edge = FLEET_NO_INDEX, .load = FLEET_NO_INDEX,
                                          .service = FLEET_NO_INDEX, .zone = FLEET_NO_INDEX,
                                          .between_zones = true, .from_zone = any(3), .to_zone = any(3)};
        else if (ops->targets & FAULT_TARGET_LOAD)
                run->load = 0;
        else if (ops->targets & FAULT_TARGET_SERVICE)
                run->service = service;
        else if (ops->targets & FAULT_TARGET_INSTANCES)
                run->instance_count = some_instances(service, targets[n], 1 + any(4));
        else if (ops->targets & FAULT_TARGET_ZONE)
                run->zone = any(3);
        if (edge && ops->needs == FAULT_NEEDS_POOL && b.edges[run->edge].pool == 0)
                return false;
        ops->inject(run);
        return true;
}

static void any_action(void)
{
        uint32_t service = any(b.spec.service_count), members[4];
        uint32_t count = some_instances(service, members, 4);
        enum fleet_action_kind kind = (enum fleet_action_kind)any(ACTION_KIND_COUNT);

        fleet_act(fleet, &(struct fleet_action){
                                 .id = 1, .kind = kind, .service = service,
                                 .instance = count > 0 ? members[any(count)] : FLEET_NO_INDEX,
                                 .edge = b.spec.edge_count > 0 && one_in(2) ? any(b.spec.edge_count)
                                                                            : FLEET_NO_INDEX,
                                 .amount = kind == ACTION_SHED_LOAD ? 0.3 : 1 + any(2)});
        if (count > 0 && one_in(3))
                fleet_instance_kill(fleet, members[0], 139, "test");
}

/* One whole run, with the short ways open or closed; a number that depends on all of it. */
static uint64_t play(uint64_t number, bool closed)
{
        uint64_t before, hash = 0;
        bool active[FAULTS] = {false};

        begin(number, closed);
        before = fleet_overlay_digest(fleet);
        for (int64_t second = 1; second <= FOR_S; second++) {
                uint32_t n = any(FAULTS);

                ck_assert_msg(fleet_run_until(fleet, second * NS_PER_S), "fleet %llu: %s",
                              (unsigned long long)number, fleet_broken(fleet));
                ck_assert_msg(data_check(fleet) == NULL, "fleet %llu at %lld s: %s",
                              (unsigned long long)number, (long long)second, data_check(fleet));
                if (active[n])
                        runs[n].ops->lift(&runs[n]);
                active[n] = !active[n] && any_fault(n);
                if (one_in(4))
                        any_action();
        }
        for (uint32_t n = 0; n < FAULTS; n++)
                if (active[n])
                        runs[n].ops->lift(&runs[n]);
        ck_assert_msg(fleet_overlay_digest(fleet) == before, "fleet %llu: something stays of a fault",
                      (unsigned long long)number);
        fleet_run_until(fleet, (FOR_S + 20) * NS_PER_S);
        relayed += fleet->relay_count > 0;
        ck_assert_msg(books_close(&books, &b, fleet), "fleet %llu", (unsigned long long)number);
        for (uint32_t i = 0; i < b.spec.service_count; i++)
                hash = hash_mix(hash, hash_mix(books.services[i].phase[0].latency.sum_ns,
                                               hash_mix(books.services[i].completed,
                                                        books.services[i].lost)));
        hash = hash_mix(hash, books.totals.events);
        books_free(&books);
        build_end(&b);
        return hash;
}

START_TEST(laws_hold_whatever_happens_and_the_same_number_is_the_same_run_by_any_way)
{
        const char *more = getenv("CHAOS_FLEETS");
        uint64_t rounds = more != NULL ? (uint64_t)atol(more) / 10 : FLEETS / 10;

        for (uint64_t i = 0; i < rounds; i++) {
                uint64_t number = 10 * i + (uint64_t)_i, first = play(number, false);

                if (number % 2 == 1 || i % 4 == 0)
                        ck_assert_msg(play(number, true) == first, "fleet %llu",
                                      (unsigned long long)number);
        }
        ck_assert(_i % 2 == 0 || relayed > 0);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("random_fleets");
        TCase *t = tcase_create("all");

        tcase_set_timeout(t, 60);
        tcase_add_loop_test(t, laws_hold_whatever_happens_and_the_same_number_is_the_same_run_by_any_way, 0, 10);
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
