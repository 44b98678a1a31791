/* libhealer behind the healer face: translation, policies on edges, switches. */
#include <check.h>

#include <math.h>
#include <string.h>

#include "harness/run/healer_face.h"
#include "harness/scenario/strategy.h"
#include "harness/sim/time.h"

static const struct service_spec services[] = {
        {.name = "shop", .instance_count = 1, .concurrency = 4, .restart_time_ns = 5 * NS_PER_S},
        {.name = "bank", .instance_count = 2, .concurrency = 4, .restart_time_ns = 5 * NS_PER_S},
};
static const struct edge_spec edges[] = {{.name = "shop->bank", .from = 0, .to = 1}};
static const struct load_spec loads[] = {{.name = "people", .to = 0}};
static const struct fleet_spec fleet = {.services = services,
                                        .service_count = 2,
                                        .edges = edges,
                                        .edge_count = 1,
                                        .loads = loads,
                                        .load_count = 1};
static const struct healer_instance instances[] = {
        {0, 0, "shop-0", "v1"}, {1, 0, "bank-0", "v1"}, {1, 0, "bank-1", "v1"}};
static const char *const edge_names[] = {"shop->bank", "people->shop"};
static const struct healer_world world = {&fleet, instances, 3, 2, edge_names, 0, "treated"};

enum { SHOP_BANK, PEOPLE_SHOP };

static struct strategy strategy;
static struct strategy_rule rules[STRATEGY_POLICY_COUNT];
static void *healer;
static struct guards *state;
static const struct fleet_policy_ops *const ops = &guards_policy_ops;
static const bool no_breaker_open[2];

static struct strategy_rule *add_rule(enum strategy_policy policy)
{
        rules[policy].from = "*";
        rules[policy].to = "*";
        rules[policy].on = true;
        strategy.rules[policy] = &rules[policy];
        strategy.rule_count[policy] = 1;
        if (policy == STRATEGY_BULKHEAD)
                rules[policy].bulkhead.max_wait_ns = HEALER_NEVER;
        return &rules[policy];
}

static void start(void)
{
        const struct healer_wake wake = {.now_ns = INT64_MIN / 4,
                                         .instances = instances,
                                         .instance_count = 3,
                                         .breaker_open = no_breaker_open};
        const struct healer_answer *answer;

        healer = healer_builtin.create(&strategy, &world, 42);
        state = guards_create(1, 42);
        ck_assert_ptr_nonnull(healer);
        ck_assert_ptr_nonnull(state);
        answer = healer_builtin.wake(healer, &wake);
        for (size_t i = 0; i < answer->protection_count; i++)
                ck_assert(guards_set(state, &answer->protections[i], wake.now_ns));
        ck_assert_uint_eq(healer_builtin.wake(healer, &wake)->protection_count, 0);
}

static void set_up(void)
{
        memset(&strategy, 0, sizeof(strategy));
        memset(rules, 0, sizeof(rules));
        healer_config_defaults(&strategy.healer);
        strategy.name = "test";
}

static void tear_down(void)
{
        healer_builtin.destroy(healer);
        healer = NULL;
        guards_destroy(state);
        state = NULL;
}

/* One batch a call, five seconds apart; the shop answers 100/s, bank-1 fails. */
static const struct healer_answer *feed(int64_t now_ns, double errors)
{
        struct instance_sample samples[3];
        const struct edge_sample edge = {
                SHOP_BANK, 500, errors / 2, 0, 0.01, 0.03, 0.04};
        const struct telemetry_batch batch = {now_ns - 5 * NS_PER_S, now_ns, samples, 3, &edge, 1};
        const struct healer_wake wake = {.now_ns = now_ns,
                                         .batches = &batch,
                                         .batch_count = 1,
                                         .instances = instances,
                                         .instance_count = 3,
                                         .breaker_open = no_breaker_open};
        uint32_t i;

        for (i = 0; i < 3; i++)
                samples[i] = (struct instance_sample){.instance = i,
                                                      .service = instances[i].service,
                                                      .cpu_ratio = 0.2,
                                                      .memory_ratio = 0.3,
                                                      .disk_ratio = NAN,
                                                      .fd_ratio = NAN,
                                                      .pool_ratio = NAN,
                                                      .token_ratio = NAN,
                                                      .throughput_per_s = 50,
                                                      .error_ratio = i == 2 ? errors : 0,
                                                      .latency_p50_s = 0.01,
                                                      .latency_p95_s = 0.03,
                                                      .latency_p99_s = 0.04};
        return healer_builtin.wake(healer, &wake);
}

START_TEST(what_libhealer_wants_reaches_the_fleet_in_its_words)
{
        const struct healer_answer *answer = NULL;
        int64_t now;

        start();
        for (now = 5; now <= 100; now += 5)
                ck_assert_uint_eq(feed(now * NS_PER_S, 0)->order_count, 0);
        for (; now <= 140; now += 5) {
                answer = feed(now * NS_PER_S, 0.9);
                ck_assert_ptr_null(answer->failure);
                if (answer->order_count > 0)
                        break;
        }
        ck_assert_uint_eq(answer->order_count, 1);
        ck_assert_int_eq(answer->orders[0].action.kind, ACTION_FAILOVER);
        ck_assert_uint_eq(answer->orders[0].action.instance, 2);
        ck_assert_uint_eq(answer->orders[0].action.service, 1);
        ck_assert_uint_ne(answer->orders[0].episode, 0);
        ck_assert(!answer->orders[0].preventive);
        ck_assert_int_eq(answer->notes[0].kind, NOTE_ALARM);
        ck_assert_str_eq(answer->notes[0].type, "execution_error");
        ck_assert_str_eq(answer->notes[0].metric, "error_rate");
        ck_assert_int_gt(answer->next_wake_ns, now * NS_PER_S);
}
END_TEST

START_TEST(a_strategy_that_is_off_neither_wakes_nor_guards)
{
        strategy.healer.enabled = false;
        start();
        ck_assert(!guards_any(state));
        ck_assert_int_eq(feed(NS_PER_S, 0.9)->next_wake_ns, TIME_NEVER);
        ck_assert_uint_eq(feed(2 * NS_PER_S, 0.9)->note_count, 0);
}
END_TEST

START_TEST(settings_reach_the_edges_and_leave_clients_alone)
{
        struct policy_edge_settings settings;

        add_rule(STRATEGY_TIMEOUT)->timeout.after_ns = 7 * NS_PER_S;
        add_rule(STRATEGY_RETRY)->retry.max = 3;
        add_rule(STRATEGY_FALLBACK)->fallback.enabled = false;
        start();
        ck_assert(guards_any(state));
        ops->settings(state, SHOP_BANK, &settings);
        ck_assert(settings.has_timeout && settings.has_retry && settings.has_fallback);
        ck_assert(!settings.guarded);
        ck_assert_int_eq(settings.timeout_ns, 7 * NS_PER_S);
        ck_assert_uint_eq(settings.retry.max, 3);
        ck_assert_uint_eq(settings.fallback_kinds, 0);
        ops->settings(state, PEOPLE_SHOP, &settings);
        ck_assert(!settings.has_timeout && !settings.has_retry && !settings.has_fallback);
}
END_TEST

static struct policy_turn turn; /* nobody waits here */

static enum policy_verdict call(int64_t at_ns, int64_t latency_ns, enum policy_outcome outcome)
{
        struct policy_ticket ticket;
        enum policy_verdict verdict = ops->admit(state, SHOP_BANK, at_ns, 250, &ticket, &turn);

        if (verdict == POLICY_ADMIT)
                ops->report(state, SHOP_BANK, at_ns + latency_ns, &ticket, outcome, latency_ns);
        return verdict;
}

static void slow_breaker(void)
{
        struct strategy_rule *rule = add_rule(STRATEGY_BREAKER);

        rule->breaker = healer_breaker_config_defaults();
        rule->breaker.threads = HEALER_THREADS_ONE;
        rule->breaker.mode = HEALER_BREAKER_TIME_RATE;
        rule->breaker.window_ns = 10 * NS_PER_S;
        rule->breaker.min_calls = 5;
        rule->breaker.slow_call_ns = NS_PER_S;
        rule->breaker.open_for_ns = 5 * NS_PER_S;
}

START_TEST(slow_calls_open_the_breaker_and_good_trials_close_it)
{
        struct policy_transition t;
        int64_t now = 0;
        int i;

        slow_breaker();
        rules[STRATEGY_BREAKER].to = "bank";
        start();
        for (i = 0; i < 5; i++) {
                ck_assert_int_eq(call(now, 2 * NS_PER_S, POLICY_OK), POLICY_ADMIT);
                now += 2 * NS_PER_S;
        }
        ck_assert_int_eq(call(now, NS_PER_MS, POLICY_OK), POLICY_REJECT_BREAKER);
        ck_assert(ops->next_transition(state, &t));
        ck_assert_str_eq(t.to, "open");
        ck_assert_uint_eq(t.edge, SHOP_BANK);
        now += 6 * NS_PER_S;
        for (i = 0; i < 2; i++)
                ck_assert_int_eq(call(now, NS_PER_MS, POLICY_OK), POLICY_ADMIT);
        ck_assert(ops->next_transition(state, &t));
        ck_assert_str_eq(t.to, "half_open");
        ck_assert(ops->next_transition(state, &t));
        ck_assert_str_eq(t.to, "closed");
        ck_assert(!ops->next_transition(state, &t));
}
END_TEST

START_TEST(the_default_rule_trips_on_slow_calls_only_before_a_fallback)
{
        int64_t now = 0;
        int i;

        slow_breaker(); /* shop->bank has no fallback */
        start();
        for (i = 0; i < 20; i++) {
                ck_assert_int_eq(call(now, 2 * NS_PER_S, POLICY_OK), POLICY_ADMIT);
                now += 2 * NS_PER_S;
        }
}
END_TEST

START_TEST(a_bulkhead_gives_its_places_back)
{
        struct policy_ticket tickets[3];

        add_rule(STRATEGY_BULKHEAD)->bulkhead.max_concurrent = 2;
        slow_breaker();
        start();
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 0, 0, &tickets[0], &turn), POLICY_ADMIT);
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 0, 0, &tickets[1], &turn), POLICY_ADMIT);
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 0, 0, &tickets[2], &turn), POLICY_REJECT_BULKHEAD);
        ops->report(state, SHOP_BANK, 1, &tickets[0], POLICY_CANCELLED, 1);
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 1, 0, &tickets[2], &turn), POLICY_ADMIT);
}
END_TEST

START_TEST(s3_14_a_place_is_the_works_and_comes_back_when_that_ends)
{
        struct policy_ticket first, second;
        uint32_t permit;

        add_rule(STRATEGY_BULKHEAD)->bulkhead.max_concurrent = 1;
        slow_breaker();
        start();
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 0, 0, &first, &turn), POLICY_ADMIT);
        permit = ops->hand_over(state, SHOP_BANK, &first);
        ck_assert_uint_ne(permit, 0);
        ops->report(state, SHOP_BANK, 1, &first, POLICY_TIMEOUT, 1); /* its caller gave up */
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 2, 0, &second, &turn), POLICY_REJECT_BULKHEAD);
        ops->give_back(state, SHOP_BANK, permit);
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 3, 0, &second, &turn), POLICY_ADMIT);
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 3, 0, &first, &turn), POLICY_REJECT_BULKHEAD);
}
END_TEST

START_TEST(a_rate_limit_refuses_what_is_above_it)
{
        int i, admitted = 0;

        add_rule(STRATEGY_RATE_LIMIT)->rate_limit.rate_per_s = 10;
        rules[STRATEGY_RATE_LIMIT].rate_limit.burst = 1;
        start();
        for (i = 0; i < 100; i++)
                admitted += call(i * 10 * NS_PER_MS, 1, POLICY_OK) == POLICY_ADMIT;
        ck_assert_int_ge(admitted, 9);
        ck_assert_int_le(admitted, 11);
}
END_TEST

START_TEST(shedding_refuses_all_at_its_limit)
{
        struct policy_ticket ticket;
        int i, admitted = 0;

        add_rule(STRATEGY_SHEDDING)->shedding.limit = 10;
        start();
        for (i = 0; i < 100; i++)
                admitted += ops->admit(state, SHOP_BANK, i, 499, &ticket, &turn) == POLICY_ADMIT;
        ck_assert_int_ge(admitted, 5);
        ck_assert_int_le(admitted, 10);
}
END_TEST

START_TEST(a_rule_that_changes_forgets_who_the_old_one_let_in)
{
        const struct edge_protection none = {.edge = SHOP_BANK};
        struct edge_protection half = {.edge = SHOP_BANK};
        struct policy_ticket old, young;
        struct policy_transition t;

        add_rule(STRATEGY_BULKHEAD)->bulkhead.max_concurrent = 1;
        half.rules[STRATEGY_BULKHEAD] = &rules[STRATEGY_BULKHEAD];
        start();
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 0, 0, &old, &turn), POLICY_ADMIT);
        ck_assert(guards_set(state, &half, 1));
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 1, 0, &young, &turn), POLICY_ADMIT);
        ops->report(state, SHOP_BANK, 2, &old, POLICY_OK, 2); /* leaves no place of the new one */
        ck_assert_int_eq(ops->admit(state, SHOP_BANK, 2, 0, &old, &turn), POLICY_REJECT_BULKHEAD);
        ck_assert(guards_set(state, &none, 3));
        ops->report(state, SHOP_BANK, 3, &young, POLICY_OK, 2);
        ck_assert(!ops->next_transition(state, &t));
}
END_TEST

START_TEST(an_open_breaker_that_is_taken_away_is_closed_for_the_record)
{
        const struct edge_protection none = {.edge = SHOP_BANK};
        struct policy_transition t;

        slow_breaker();
        rules[STRATEGY_BREAKER].to = "bank";
        start();
        for (int i = 0; i < 6; i++)
                (void)call(i * 2 * NS_PER_S, 2 * NS_PER_S, POLICY_OK);
        ck_assert(guards_breaker_open(state, SHOP_BANK));
        ck_assert(guards_set(state, &none, 20 * NS_PER_S));
        ck_assert(!guards_breaker_open(state, SHOP_BANK));
        ck_assert(ops->next_transition(state, &t));
        ck_assert_str_eq(t.to, "open");
        ck_assert(ops->next_transition(state, &t));
        ck_assert_str_eq(t.to, "closed");
        ck_assert_int_eq(t.at_ns, 20 * NS_PER_S);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("heal_bridge");
        TCase *tcase = tcase_create("heal_bridge");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, what_libhealer_wants_reaches_the_fleet_in_its_words);
        tcase_add_test(tcase, a_strategy_that_is_off_neither_wakes_nor_guards);
        tcase_add_test(tcase, settings_reach_the_edges_and_leave_clients_alone);
        tcase_add_test(tcase, slow_calls_open_the_breaker_and_good_trials_close_it);
        tcase_add_test(tcase, the_default_rule_trips_on_slow_calls_only_before_a_fallback);
        tcase_add_test(tcase, a_bulkhead_gives_its_places_back);
        tcase_add_test(tcase, s3_14_a_place_is_the_works_and_comes_back_when_that_ends);
        tcase_add_test(tcase, a_rate_limit_refuses_what_is_above_it);
        tcase_add_test(tcase, shedding_refuses_all_at_its_limit);
        tcase_add_test(tcase, a_rule_that_changes_forgets_who_the_old_one_let_in);
        tcase_add_test(tcase, an_open_breaker_that_is_taken_away_is_closed_for_the_record);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
