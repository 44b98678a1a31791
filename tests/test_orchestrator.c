/* The supervisor as its owner meets it: switches, own monitors, handlers, reports, one
 * look at everything, health over time, the reconciler's jobs. */
#include <check.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "healer/degrade.h"
#include "tests/healer_rig.h"

static void break_one(struct rig *rig)
{
        rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = 0.9;
}

static struct rig *rig_of(void (*change)(struct healer_config *))
{
        struct rig *rig = rig_create();

        change(&rig->config);
        rig_start(rig);
        return rig;
}

/* ---- starting and stopping */

static uint64_t living;

static void *counted_alloc(void *ctx, size_t size)
{
        (void)ctx;
        living++;
        return malloc(size);
}

static void counted_release(void *ctx, void *memory)
{
        (void)ctx;
        living--;
        free(memory);
}

START_TEST(s1_01_a_thousand_starts_and_stops_leave_nothing_behind)
{
        const struct healer_allocator counted = {counted_alloc, counted_release, NULL};
        struct rig *rig = rig_create();
        const struct healer_callbacks callbacks = {rig, rig_act, rig_note};

        rig->config.detection.anomaly = false; /* the four allocations are the point */
        for (int i = 0; i < 1000; i++) {
                ck_assert_int_eq(healer_create(&rig->config, &rig->topology, &callbacks, &counted,
                                               0, &rig->healer),
                                 HEALER_OK);
                ck_assert_uint_ge(living, 4);
                rig->now_ns = 0;
                rig_step(rig);
                healer_destroy(rig->healer);
                ck_assert_uint_eq(living, 0);
        }
        rig->healer = NULL;
        rig_free(rig);
}
END_TEST

START_TEST(s1_01_stopped_it_says_and_orders_nothing_and_started_again_it_heals)
{
        struct rig *rig = rig_started();
        uint32_t said;

        rig_run(rig, 300);
        ck_assert_int_eq(healer_set_enabled(rig->healer, false), HEALER_OK);
        said = rig->notice_count;
        break_one(rig);
        rig_run(rig, 900);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(rig->notice_count, said);
        ck_assert_int_eq(rig->next_ns, HEALER_NEVER);
        ck_assert_int_eq(healer_set_enabled(rig->healer, true), HEALER_OK);
        rig_run(rig, 30);
        ck_assert_uint_eq(rig->order_count, 1);
        rig_free(rig);
}
END_TEST

/* ---- one look at everything */

START_TEST(s1_02_an_overview_lists_open_incidents_and_closed_ones_leave_it)
{
        struct healer_overview *now = malloc(sizeof(*now));
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        healer_overview(rig->healer, now);
        ck_assert_uint_eq(now->episode_count, 0);
        ck_assert_int_eq(now->health.status, HEALER_HEALTHY);
        ck_assert_int_eq(now->now_ns, rig->now_ns);
        break_one(rig);
        rig_run(rig, 30);
        healer_overview(rig->healer, now);
        ck_assert_uint_eq(now->episode_count, 1);
        ck_assert_uint_eq(now->episodes[0].service, PAYMENT);
        ck_assert_int_eq(now->episodes[0].failure, HEALER_FAILURE_EXECUTION_ERROR);
        ck_assert_int_eq(now->episodes[0].stage, HEALER_STAGE_ACTING);
        ck_assert_uint_eq(now->stats.orders_open, 1);
        ck_assert_int_eq(now->health.status, HEALER_UNHEALTHY);
        rig_answer_all(rig, true);
        rig_run(rig, 120);
        healer_overview(rig->healer, now);
        ck_assert_uint_eq(now->episode_count, 0);
        ck_assert_uint_eq(now->stats.verified, 1);
        ck_assert_int_eq(now->health.status, HEALER_HEALTHY);
        rig_free(rig);
        free(now);
}
END_TEST

static _Atomic bool looking_ends;
static _Atomic uint64_t looks;

static void *look_again_and_again(void *healer)
{
        struct healer_overview *now = malloc(sizeof(*now));

        while (!atomic_load(&looking_ends)) {
                healer_overview(healer, now);
                ck_assert_uint_eq(now->episode_count, now->stats.episodes_open);
                ck_assert_uint_le(now->stats.orders_ok + now->stats.orders_failed +
                                          now->stats.orders_open,
                                  now->stats.orders);
                for (uint32_t i = 1; i < now->episode_count; i++)
                        ck_assert_uint_lt(now->episodes[i - 1].id, now->episodes[i].id);
                atomic_fetch_add(&looks, 1);
        }
        free(now);
        return NULL;
}

START_TEST(s1_02_overviews_are_consistent_under_load)
{
        struct rig *rig = rig_started();
        pthread_t looker;

        atomic_store(&looking_ends, false);
        atomic_store(&looks, 0);
        ck_assert_int_eq(pthread_create(&looker, NULL, look_again_and_again, rig->healer), 0);
        for (int i = 0; i < 400 || (atomic_load(&looks) < 50 && i < 1000000); i++) {
                rig->instance[INSTANCE(PAYMENT, 2)].error_ratio = i / 10 % 2 == 0 ? 0.9 : 0;
                rig_step(rig);
                rig_answer_all(rig, i % 3 != 0);
        }
        atomic_store(&looking_ends, true);
        ck_assert_int_eq(pthread_join(looker, NULL), 0);
        ck_assert_uint_ge(atomic_load(&looks), 50);
        ck_assert_uint_gt(rig->order_count, 2);
        rig_free(rig);
}
END_TEST

/* ---- monitors of one's own */

struct probe {
        struct rig *rig;
        double value;
        bool broken;
        int64_t read_at_ns[64];
        uint32_t reads;
        enum healer_err back_in;
};

static bool read_probe(void *user, double *value)
{
        struct probe *probe = user;
        int64_t next;

        if (probe->reads < 64)
                probe->read_at_ns[probe->reads] = probe->rig->now_ns;
        probe->reads++;
        probe->back_in = healer_tick(probe->rig->healer, probe->rig->now_ns, &next);
        *value = probe->value;
        return !probe->broken;
}

static struct healer_monitor_info monitor_of(struct probe *probe, struct rig *rig)
{
        probe->rig = rig;
        return (struct healer_monitor_info){
                .size = sizeof(struct healer_monitor_info),
                .service = CART,
                .name = "cart.stock_age",
                .failure = HEALER_FAILURE_TASK_FAILED,
                .warning = 100,
                .critical = 200,
                .interval_ns = 30 * RIG_SECOND,
                .read = read_probe,
                .user = probe,
        };
}

START_TEST(s1_05_a_metric_of_the_callers_own_joins_detection_by_its_name)
{
        struct probe probe = {.value = 10};
        struct rig *rig = rig_started();
        struct healer_monitor_info info = monitor_of(&probe, rig);
        struct healer_monitor_state state;
        uint32_t index;

        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_OK);
        rig_run(rig, 300);
        ck_assert_int_eq(probe.back_in, HEALER_E_BUSY);
        ck_assert_int_eq(healer_monitor_state(rig->healer, index, &state), HEALER_OK);
        ck_assert_str_eq(state.name, "cart.stock_age");
        ck_assert_int_eq(state.status, HEALER_HEALTHY);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 0);
        probe.value = 150;
        rig_run(rig, 90);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 1);
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_ALARM)->monitor, index);
        ck_assert_uint_eq(rig_first(rig, HEALER_NOTICE_ALARM)->service, CART);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->failure, HEALER_FAILURE_TASK_FAILED);
        ck_assert_double_eq(rig_first(rig, HEALER_NOTICE_ALARM)->value, 150);
        ck_assert_double_eq(rig_first(rig, HEALER_NOTICE_ALARM)->limit, 100);
        rig_free(rig);
}
END_TEST

START_TEST(s1_05_a_monitor_that_cannot_be_read_is_unknown_and_so_is_its_service)
{
        struct probe probe = {.value = 10};
        struct rig *rig = rig_started();
        struct healer_monitor_info info = monitor_of(&probe, rig);
        struct healer_monitor_state state;
        uint32_t index;

        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_OK);
        rig_run(rig, 300);
        ck_assert_int_eq(healer_health_of(rig->healer, CART).status, HEALER_HEALTHY);
        probe.broken = true;
        rig_run(rig, 60);
        ck_assert_int_eq(healer_monitor_state(rig->healer, index, &state), HEALER_OK);
        ck_assert_int_eq(state.status, HEALER_UNKNOWN);
        ck_assert_double_nan(state.value);
        ck_assert_uint_gt(state.failures, 0);
        ck_assert_int_eq(healer_health_of(rig->healer, CART).status, HEALER_UNKNOWN);
        ck_assert_int_eq(healer_health_of(rig->healer, PAYMENT).status, HEALER_HEALTHY);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 0);
        rig_free(rig);
}
END_TEST

START_TEST(s1_06_a_monitor_of_30_s_is_read_every_30_s_and_a_late_tick_moves_no_turn)
{
        struct probe probe = {.value = 10};
        struct rig *rig = rig_started();
        struct healer_monitor_info info = monitor_of(&probe, rig);
        uint32_t index, i;

        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_OK);
        rig_run(rig, 605); /* the first at 5 s */
        ck_assert_uint_eq(probe.reads, 21);
        for (i = 0; i < probe.reads; i++)
                ck_assert_int_eq(probe.read_at_ns[i], (5 + 30 * (int64_t)i) * RIG_SECOND);
        rig->now_ns += 47 * RIG_SECOND; /* nobody ticked: 2 turns are missed, and made up by one */
        rig_step(rig);
        ck_assert_uint_eq(probe.reads, 22);
        rig->step_ns = RIG_SECOND;
        rig_run(rig, 60);
        ck_assert_uint_eq(probe.reads, 24);
        ck_assert_int_eq((probe.read_at_ns[23] - 5 * RIG_SECOND) % (30 * RIG_SECOND), 0);
        rig_free(rig);
}
END_TEST

START_TEST(s1_06_changed_thresholds_change_alerts)
{
        static const double memory[] = {0.84, 0.85, 0.94, 0.95};
        struct rig *rig = rig_create();

        /* Memory alarms alone when critical: 95 % by default, 85 % where set so. */
        if (_i >= 4)
                rig->config.detection.thresholds[HEALER_METRIC_MEMORY] =
                        (struct healer_threshold){0.80, 0.85};
        rig->config.prediction.enabled = false;
        rig_start(rig);
        rig_run(rig, 300);
        rig->instance[INSTANCE(CART, 0)].memory_ratio = memory[_i % 4];
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM),
                          memory[_i % 4] >= (_i >= 4 ? 0.85 : 0.95) ? 1 : 0);
        rig_free(rig);
}
END_TEST

START_TEST(s1_04_warning_and_critical_differ_and_each_begins_at_its_edge)
{
        static const double ratios[] = {0.0499, 0.05, 0.0999, 0.10};
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->edge[TO_CART].error_ratio = ratios[_i];
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), _i > 0 ? 1 : 0);
        if (_i > 0)
                ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->severity,
                                 _i == 3 ? HEALER_SEVERITY_HIGH : HEALER_SEVERITY_MEDIUM);
        rig_free(rig);
}
END_TEST

START_TEST(what_is_wrong_with_a_monitor_is_refused)
{
        struct probe probe = {.value = 10};
        struct rig *rig = rig_started();
        const struct healer_monitor_info sane = monitor_of(&probe, rig);
        struct healer_monitor_info info;
        struct healer_monitor_state state;
        char name[48];
        uint32_t index;

        info = sane, info.size = 4;
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_E_SIZE);
        info = sane, info.service = 99;
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_E_RANGE);
        info = sane, info.name = "";
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_E_RANGE);
        info = sane, info.critical = 99;
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_E_RANGE);
        info = sane, info.interval_ns = 0;
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_E_RANGE);
        info = sane;
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_OK);
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_E_EXISTS);
        for (uint32_t i = 1; i < HEALER_MONITORS_MAX; i++) {
                snprintf(name, sizeof(name), "m%u", i);
                info.name = name;
                ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_OK);
        }
        info.name = "one too many";
        ck_assert_int_eq(healer_register_monitor(rig->healer, &info, &index), HEALER_E_FULL);
        ck_assert_int_eq(healer_observe_monitor(rig->healer, 0, 64, 1), HEALER_E_RANGE);
        ck_assert_int_eq(healer_monitor_state(rig->healer, 64, &state), HEALER_E_NOT_FOUND);
        rig_free(rig);
}
END_TEST

/* ---- handlers */

struct sink {
        struct rig *rig;
        uint32_t count, first_kind;
        uint32_t loops;
};

/* Wants to make an event of every event. */
static void raise_another(void *user, const struct healer_notice *notice)
{
        const struct healer_failure_seen seen = {HEALER_FAILURE_TASK_FAILED, HEALER_SEVERITY_HIGH,
                                                 NAN, 0};
        struct sink *sink = user;
        int64_t next;

        sink->count++;
        sink->first_kind = notice->kind;
        sink->loops += healer_report(sink->rig->healer, sink->rig->now_ns, CART, HEALER_NONE, &seen,
                                     HEALER_NEVER) == HEALER_OK;
        sink->loops += healer_tick(sink->rig->healer, sink->rig->now_ns, &next) == HEALER_OK;
}

START_TEST(s1_10_each_event_calls_each_handler_once_and_none_can_loop)
{
        struct rig *rig = rig_started();
        struct sink all = {.rig = rig}, alarms = {.rig = rig}, gone = {.rig = rig};
        const struct healer_handler for_all = {0, raise_another, &all};
        const struct healer_handler for_alarms = {UINT32_C(1) << HEALER_NOTICE_ALARM, raise_another,
                                                  &alarms};
        const struct healer_handler for_nobody = {0, raise_another, &gone};

        ck_assert_int_eq(healer_add_handler(rig->healer, &for_all), HEALER_OK);
        ck_assert_int_eq(healer_add_handler(rig->healer, &for_alarms), HEALER_OK);
        ck_assert_int_eq(healer_add_handler(rig->healer, &for_all), HEALER_E_EXISTS);
        ck_assert_int_eq(healer_add_handler(rig->healer, &for_nobody), HEALER_OK);
        ck_assert_int_eq(healer_remove_handler(rig->healer, &for_nobody), HEALER_OK);
        ck_assert_int_eq(healer_remove_handler(rig->healer, &for_nobody), HEALER_E_NOT_FOUND);
        rig_run(rig, 300);
        break_one(rig);
        rig_run(rig, 60);
        ck_assert_uint_gt(rig->notice_count, 3);
        ck_assert_uint_eq(all.count, rig->notice_count);
        ck_assert_uint_eq(alarms.count, rig_count(rig, HEALER_NOTICE_ALARM));
        ck_assert_uint_eq(alarms.first_kind, HEALER_NOTICE_ALARM);
        ck_assert_uint_eq(gone.count, 0);
        ck_assert_uint_eq(all.loops + alarms.loops, 0);
        rig_free(rig);
}
END_TEST

START_TEST(s1_29_the_worst_status_is_that_of_all_and_is_told_when_it_changes_only)
{
        struct rig *rig = rig_started();
        uint32_t told, i, overall = 0, before = HEALER_UNKNOWN;

        rig_run(rig, 300);
        told = rig_count(rig, HEALER_NOTICE_STATUS); /* unknown -> healthy: four and all */
        ck_assert_uint_eq(told, RIG_SERVICES + 1);
        rig_run(rig, 300);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_STATUS), told);
        break_one(rig);
        rig_run(rig, 60);
        for (i = 0; i < rig->notice_count; i++) {
                if (rig->notices[i].kind != HEALER_NOTICE_STATUS ||
                    rig->notices[i].service != HEALER_NONE)
                        continue;
                overall++;
                ck_assert_double_eq(rig->notices[i].value, before);
                ck_assert_uint_ne(rig->notices[i].rank, before);
                before = rig->notices[i].rank;
        }
        ck_assert_uint_ge(overall, 2);
        ck_assert_uint_eq(before, HEALER_UNHEALTHY);
        ck_assert_int_eq(healer_health_of(rig->healer, HEALER_NONE).status, HEALER_UNHEALTHY);
        rig_free(rig);
}
END_TEST

/* ---- reports */

START_TEST(s0_29_each_documented_event_is_the_failure_that_is_specified)
{
        static const struct {
                struct healer_event_seen event;
                int failure, severity; /* -1: none */
        } cases[] = {
                {{"heartbeat_failed", "a1", NULL, NULL, HEALER_SEVERITY_COUNT, NAN, NAN, 0},
                 HEALER_FAILURE_AGENT_DOWN, HEALER_SEVERITY_HIGH},
                {{"heartbeat_failed", NULL, NULL, NULL, HEALER_SEVERITY_COUNT, NAN, NAN, 0}, -1, 0},
                {{"agent_failed", "a1", NULL, "FAILED", HEALER_SEVERITY_COUNT, NAN, NAN, 0},
                 HEALER_FAILURE_AGENT_DOWN, HEALER_SEVERITY_HIGH},
                {{"agent_failed", "a1", NULL, "failed", HEALER_SEVERITY_COUNT, NAN, NAN, 0},
                 HEALER_FAILURE_AGENT_FAILED, HEALER_SEVERITY_HIGH},
                {{"agent_failed", "a1", NULL, NULL, HEALER_SEVERITY_COUNT, NAN, NAN, 0},
                 HEALER_FAILURE_AGENT_FAILED, HEALER_SEVERITY_HIGH},
                {{"task_timeout", NULL, "t9", NULL, HEALER_SEVERITY_COUNT, NAN, NAN, 0},
                 HEALER_FAILURE_TASK_TIMEOUT, HEALER_SEVERITY_MEDIUM},
                {{"task_timeout", NULL, "", NULL, HEALER_SEVERITY_COUNT, NAN, NAN, 0}, -1, 0},
                {{"resource_exhaustion", NULL, NULL, NULL, HEALER_SEVERITY_LOW, 99, 100, 0},
                 HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_SEVERITY_LOW},
                {{"quota_exceeded", NULL, NULL, NULL, HEALER_SEVERITY_COUNT, 99, 100, 0},
                 HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_SEVERITY_HIGH},
                {{"quorum_loss", NULL, NULL, NULL, HEALER_SEVERITY_LOW, NAN, NAN, 0},
                 HEALER_FAILURE_QUORUM_LOSS, HEALER_SEVERITY_CRITICAL},
                {{"consensus_failed", NULL, NULL, NULL, HEALER_SEVERITY_COUNT, NAN, NAN, 5},
                 HEALER_FAILURE_QUORUM_LOSS, HEALER_SEVERITY_CRITICAL},
                {{"lunch", "a1", "t9", "FAILED", HEALER_SEVERITY_CRITICAL, 1, 1, 1}, -1, 0},
                {{NULL, NULL, NULL, NULL, HEALER_SEVERITY_COUNT, NAN, NAN, 0}, -1, 0},
        };
        struct healer_failure_seen seen;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                bool found = healer_failure_of_event(&cases[i].event, &seen);

                ck_assert_int_eq(found, cases[i].failure >= 0);
                if (!found)
                        continue;
                ck_assert_int_eq(seen.failure, cases[i].failure);
                ck_assert_int_eq(seen.severity, cases[i].severity);
                if (cases[i].event.limit > 0)
                        ck_assert_double_eq(seen.usage_percent, 99);
                else
                        ck_assert_double_nan(seen.usage_percent);
                ck_assert_uint_eq(seen.quorum_required,
                                  seen.failure != HEALER_FAILURE_QUORUM_LOSS ? 0
                                  : cases[i].event.quorum > 0                ? 5
                                                                             : 3);
        }
}
END_TEST

/* A failure reported, a leak predicted, an outcome in the account: in one run. */
START_TEST(s0_29_reacting_predicting_and_reporting_go_on_beside_each_other)
{
        const struct healer_event_seen event = {"task_timeout", NULL, "t9", NULL,
                                                HEALER_SEVERITY_COUNT, NAN, NAN, 0};
        struct healer_analytics_config config = healer_analytics_config_defaults();
        struct healer_analytics_report *report = malloc(sizeof(*report));
        struct healer_analytics *analytics;
        struct healer_failure_seen seen;
        struct rig *rig = rig_started();
        uint32_t i, preventive = 0;

        ck_assert_int_eq(healer_analytics_create(&config, &analytics), HEALER_OK);
        ck_assert_int_eq(healer_set_analytics(rig->healer, analytics), HEALER_OK);
        ck_assert(healer_failure_of_event(&event, &seen));
        rig_run(rig, 300);
        for (i = 0; i < 100; i++) {
                if (i == 20)
                        ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, PAYMENT,
                                                       INSTANCE(PAYMENT, 0), &seen,
                                                       30 * RIG_SECOND),
                                         HEALER_OK);
                if (rig->instance[INSTANCE(CART, 1)].memory_ratio < 0.9)
                        rig->instance[INSTANCE(CART, 1)].memory_ratio += 0.0045;
                rig_step(rig);
                rig_answer_all(rig, true);
        }
        for (i = 0; i < rig->order_count; i++)
                preventive += rig->orders[i].preventive;
        ck_assert_uint_ge(rig_count(rig, HEALER_NOTICE_PREDICTION), 1);
        ck_assert_uint_ge(preventive, 1);
        ck_assert_uint_gt(rig->order_count, preventive);
        ck_assert_int_eq(healer_analytics_report(analytics, rig->now_ns, HEALER_NEVER, report),
                         HEALER_OK);
        ck_assert_uint_eq(report->failures, 1);
        ck_assert_uint_eq(report->successes, 1);
        ck_assert_uint_eq(healer_stats(rig->healer).cycles, 13); /* 800 s: one a minute */
        rig_free(rig);
        healer_analytics_destroy(analytics);
        free(report);
}
END_TEST

START_TEST(s3_11_a_reported_failure_is_healed_at_once_and_stands_until_it_is_taken_back)
{
        const struct healer_failure_seen seen = {HEALER_FAILURE_TASK_TIMEOUT,
                                                 HEALER_SEVERITY_CRITICAL, NAN, 0};
        struct rig *rig = rig_started();

        rig_run(rig, 60);
        ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, PAYMENT, INSTANCE(CART, 0), &seen,
                                       HEALER_NEVER),
                         HEALER_E_RANGE);
        for (int i = 0; i < 3; i++) { /* thrice the same is one */
                ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, PAYMENT,
                                               INSTANCE(PAYMENT, 1), &seen, HEALER_NEVER),
                                 HEALER_OK);
                rig_step(rig);
        }
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 1);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->severity, HEALER_SEVERITY_CRITICAL);
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_FAILOVER);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(PAYMENT, 1));
        rig_answer_all(rig, true);
        rig_run(rig, 10);
        ck_assert_uint_eq(healer_stats(rig->healer).verified, 0); /* nobody says it is back */
        ck_assert_int_eq(healer_unreport(rig->healer, PAYMENT, seen.failure), HEALER_OK);
        ck_assert_int_eq(healer_unreport(rig->healer, PAYMENT, seen.failure), HEALER_E_NOT_FOUND);
        rig_run(rig, 60);
        ck_assert_uint_eq(healer_stats(rig->healer).verified, 1);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 0);
        rig_free(rig);
}
END_TEST

START_TEST(what_was_reported_by_hand_is_closed_by_hand)
{
        const struct healer_failure_seen seen = {HEALER_FAILURE_UNKNOWN, HEALER_SEVERITY_HIGH, NAN,
                                                 0};
        struct rig *rig = rig_started();

        rig_run(rig, 60);
        ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, CART, HEALER_NONE, &seen,
                                       HEALER_NEVER),
                         HEALER_OK);
        rig_run(rig, 3600);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 1);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 1);
        ck_assert_int_eq(healer_close_episode(rig->healer,
                                              rig_first(rig, HEALER_NOTICE_EPISODE_OPENED)->episode),
                         HEALER_OK);
        rig_run(rig, 60);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        rig_free(rig);
}
END_TEST

/* One of each end: done, failed, late, refused by the budget, and no strategy. */
START_TEST(s3_11_statistics_count_what_failed_was_late_or_refused)
{
        const struct healer_ladder restart = {1, {HEALER_ACTION_RESTART_INSTANCE}};
        const struct healer_failure_seen seen = {HEALER_FAILURE_TASK_FAILED, HEALER_SEVERITY_HIGH,
                                                 NAN, 0};
        const struct healer_failure_seen strange = {HEALER_FAILURE_API_FAILURE,
                                                    HEALER_SEVERITY_HIGH, NAN, 0};
        struct rig *rig = rig_create();
        struct healer_stats stats;
        uint32_t i;

        rig->config.recovery.max_retry_attempts = 0;
        rig->config.recovery.budget_actions = 3;
        rig->config.escalation.threshold = 100;
        rig->config.recovery.strategies[HEALER_FAILURE_TASK_FAILED] = restart;
        rig->config.recovery.strategies[HEALER_FAILURE_API_FAILURE].count = 0;
        rig_start(rig);
        ck_assert_double_nan(healer_recovery_rate(&(struct healer_stats){0}));
        rig_run(rig, 60);
        for (i = 0; i < 4; i++) { /* one service each, so that none is in another's way */
                ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, i, INSTANCE(i, 0), &seen,
                                               HEALER_NEVER),
                                 HEALER_OK);
                rig_step(rig);
                if (i == 0)
                        rig_answer(rig, 0, true);
                if (i == 1)
                        rig_answer(rig, 1, false);
        }
        rig_run(rig, 120); /* the third is never answered: late */
        ck_assert_int_eq(healer_unreport(rig->healer, FRONTEND, seen.failure), HEALER_OK);
        rig_run(rig, 60);
        ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, FRONTEND, HEALER_NONE, &strange,
                                       30 * RIG_SECOND),
                         HEALER_OK);
        rig_run(rig, 30);
        stats = healer_stats(rig->healer);
        ck_assert_uint_eq(stats.orders_ok, 1);
        ck_assert_uint_eq(stats.orders_failed, 1);
        ck_assert_uint_eq(stats.orders_late, 1);
        ck_assert_uint_ge(stats.budget_refusals, 1);
        ck_assert_uint_eq(stats.no_strategy, 1);
        ck_assert_double_eq_tol(healer_recovery_rate(&stats),
                                1.0 / (double)(4 + stats.budget_refusals), 1e-12);
        rig_free(rig);
}
END_TEST

/* ---- recovery: limits */

START_TEST(s1_23_s3_14_a_late_action_is_told_keeps_its_place_and_its_late_result_counts_for_nothing)
{
        const struct healer_result result = {0, true, ""};
        struct healer_result late = result;
        struct rig *rig = rig_create();
        const struct healer_notice *told;

        rig->config.recovery.timeout_ns = 10 * RIG_SECOND; /* beside the 20 s of a restart */
        rig_start(rig);
        rig_run(rig, 300);
        break_one(rig);
        for (int i = 0; i < 10 && rig->order_count == 0; i++)
                rig_step(rig);
        ck_assert_uint_eq(rig->order_count, 1);
        rig_run(rig, 25);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ORDER_LATE), 0);
        rig_run(rig, 5); /* 30 s: at the limit */
        told = rig_first(rig, HEALER_NOTICE_ORDER_LATE);
        ck_assert_ptr_nonnull(told);
        ck_assert_uint_eq(told->id, rig->orders[0].id);
        ck_assert_int_eq(told->action, rig->orders[0].kind);
        ck_assert_double_eq(told->value, 30);
        rig_run(rig, 300);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ORDER_LATE), 1);
        for (uint32_t i = 1; i < rig->order_count; i++) /* nothing else on the one that hangs */
                ck_assert_uint_ne(rig->orders[i].instance, INSTANCE(PAYMENT, 2));
        ck_assert_uint_ge(healer_stats(rig->healer).orders_open, 1);
        late.id = rig->orders[0].id;
        ck_assert_int_eq(healer_observe_result(rig->healer, rig->now_ns, &late), HEALER_OK);
        ck_assert_uint_eq(healer_stats(rig->healer).orders_ok, 0);
        ck_assert_uint_eq(healer_stats(rig->healer).orders_late, 1);
        rig_free(rig);
}
END_TEST

START_TEST(s3_13_ten_at_once_the_gravest_first_and_none_is_lost)
{
        struct healer_failure_seen seen = {HEALER_FAILURE_TASK_FAILED, HEALER_SEVERITY_MEDIUM, NAN,
                                           0};
        struct rig *rig = rig_create();
        uint32_t i, done = 0, restarted[RIG_SERVICES] = {0};

        rig->config.recovery.max_concurrent = 1;
        rig_start(rig);
        rig_run(rig, 60);
        for (i = 0; i < RIG_SERVICES; i++) { /* the last one is the gravest */
                seen.severity = (enum healer_severity)i;
                ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, i, INSTANCE(i, 0), &seen,
                                               60 * RIG_SECOND),
                                 HEALER_OK);
        }
        for (i = 0; i < 30; i++) {
                rig_step(rig);
                ck_assert_uint_le(healer_stats(rig->healer).orders_open, 1);
                if (done < rig->order_count) {
                        ck_assert_uint_eq(rig->orders[done].service, RIG_SERVICES - 1 - done);
                        restarted[rig->orders[done].service]++;
                        rig_answer(rig, done++, true);
                }
        }
        for (i = 0; i < RIG_SERVICES; i++)
                ck_assert_uint_eq(restarted[i], 1);
        ck_assert_uint_eq(healer_stats(rig->healer).dropped, 0);
        rig_free(rig);
}
END_TEST

START_TEST(s3_13_the_limits_of_10_and_of_50_are_those_of_the_options)
{
        struct healer_config config;

        healer_config_defaults(&config);
        ck_assert_uint_eq(config.recovery.max_concurrent, 10);
        ck_assert_double_ge(healer_option_find("recovery.max_concurrent")->max, 50);
}
END_TEST

static void never_heal(struct healer_config *config)
{
        config->auto_heal = false;
}

START_TEST(s3_15_each_switch_off_stops_its_part)
{
        struct rig *rig = rig_of(never_heal);

        rig_run(rig, 300);
        break_one(rig);
        rig_run(rig, 900);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1); /* none for each tick */
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ALARM), 1);
        rig_free(rig);
}
END_TEST

START_TEST(s3_15_the_third_failed_recovery_calls_a_human)
{
        const struct healer_ladder ladder = {5, {HEALER_ACTION_RESTART_INSTANCE,
                                                 HEALER_ACTION_REPLACE_INSTANCE,
                                                 HEALER_ACTION_RESTART_SERVICE,
                                                 HEALER_ACTION_CLEAN_MEMORY,
                                                 HEALER_ACTION_RESTART_INSTANCE}};
        struct rig *rig = rig_create();
        uint32_t i;

        rig->config.recovery.strategies[HEALER_FAILURE_EXECUTION_ERROR] = ladder;
        rig->config.escalation.timeout_ns = 86400 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 200; i++) {
                break_one(rig);
                rig_step(rig);
                if (rig->answered < rig->order_count &&
                    rig->orders[rig->answered].kind != HEALER_ACTION_ESCALATE)
                        rig_answer_all(rig, true);
        }
        ck_assert_uint_eq(rig->order_count, 4);
        ck_assert_int_eq(rig->orders[3].kind, HEALER_ACTION_ESCALATE);
        rig_free(rig);
}
END_TEST

START_TEST(s1_22_a_surge_is_scaled_for_where_that_is_allowed_and_scaled_back_after_it)
{
        const struct healer_ladder ladder = {1, {HEALER_ACTION_SCALE_RESOURCES}};
        struct rig *rig = rig_create();
        int i;

        rig->config.recovery.strategies[HEALER_FAILURE_RESOURCE_EXHAUSTION] = ladder;
        rig->config.recovery.auto_scaling = _i == 1;
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < RIG_EACH; i++) {
                rig_slow_instance(rig, INSTANCE(CART, i), 0.8);
                rig->instance[INSTANCE(CART, i)].cpu_ratio = 0.99;
        }
        rig_run(rig, 60);
        ck_assert_uint_eq(rig->order_count, (uint32_t)_i);
        if (_i == 1) {
                ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_SCALE_RESOURCES);
                ck_assert_double_eq(rig->orders[0].amount, 2); /* half of three, rounded up */
                for (i = 0; i < RIG_EACH; i++)
                        rig->instance[INSTANCE(CART, i)] = rig_well(INSTANCE(CART, i));
                rig_answer_all(rig, true);
                rig_run(rig, 600);
                ck_assert_uint_eq(rig->order_count, 2);
                ck_assert_double_eq(rig->orders[1].amount, -2);
        }
        rig_free(rig);
}
END_TEST

/* ---- health */

static void set_cart(struct rig *rig, double cpu, double memory, double errors, double latency_s)
{
        for (int i = 0; i < RIG_EACH; i++) {
                struct healer_instance_sample *s = &rig->instance[INSTANCE(CART, i)];

                s->cpu_ratio = cpu;
                s->memory_ratio = memory;
                s->error_ratio = errors;
                s->latency_p50_s = s->latency_p95_s = s->latency_p99_s = latency_s;
        }
}

START_TEST(s2_01_the_penalty_table_is_exact_at_every_edge)
{
        static const struct {
                double cpu, memory, errors, latency_s, score;
        } rows[] = {
                {0.70, 0.1, 0, 0.1, 100}, {0.701, 0.1, 0, 0.1, 85}, {0.90, 0.1, 0, 0.1, 85},
                {0.901, 0.1, 0, 0.1, 70}, {0.1, 0.75, 0, 0.1, 100}, {0.1, 0.751, 0, 0.1, 85},
                {0.1, 0.90, 0, 0.1, 85},  {0.1, 0.901, 0, 0.1, 70}, {0.1, 0.1, 0.05, 0.1, 100},
                {0.1, 0.1, 0.051, 0.1, 90}, {0.1, 0.1, 0.10, 0.1, 90}, {0.1, 0.1, 0.101, 0.1, 75},
                {0.1, 0.1, 0, 2, 100},    {0.1, 0.1, 0, 2.001, 90}, {0.1, 0.1, 0, 5, 90},
                {0.1, 0.1, 0, 5.001, 80}, {0.85, 0.88, 0.08, 3.5, 50}, {1, 1, 1, 60, 0},
        };
        struct rig *rig;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                rig = rig_started();
                set_cart(rig, rows[i].cpu, rows[i].memory, rows[i].errors, rows[i].latency_s);
                rig_step(rig);
                /* 1 - 30 - 30 - 25 - 20 is below nothing */
                ck_assert_double_eq(healer_health_of(rig->healer, CART).score,
                                    rows[i].score > 0 ? rows[i].score : 0);
                rig_free(rig);
        }
}
END_TEST

START_TEST(s2_01_the_history_is_bounded_in_order_and_forgets_what_is_old)
{
        struct healer_health_point points[HEALER_HEALTH_POINTS + 10];
        struct rig *rig = rig_create();
        uint32_t count, i;

        rig->config.health.retention_ns = 300 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 50);
        ck_assert_uint_eq(healer_health_history(rig->healer, CART, points, 1000), 10);
        set_cart(rig, 0.85, 0.4, 0, 0.01);
        rig_run(rig, 3600);
        count = healer_health_history(rig->healer, CART, points, HEALER_HEALTH_POINTS + 10);
        ck_assert_uint_eq(count, 61); /* 300 s of one each 5 s, both ends */
        for (i = 0; i < count; i++) {
                ck_assert_int_eq(points[i].at_ns, rig->now_ns - (count - 1 - i) * 5 * RIG_SECOND);
                ck_assert_double_eq_tol(points[i].cpu, 0.85, 1e-6);
                ck_assert_double_eq(points[i].score, 85);
        }
        ck_assert_uint_eq(healer_health_history(rig->healer, CART, points, 3), 3);
        ck_assert_int_eq(points[2].at_ns, rig->now_ns);
        ck_assert_uint_eq(healer_health_history(rig->healer, 99, points, 3), 0);
        rig_free(rig);
}
END_TEST

/* A series of scores by hand, in steps that the table can make. */
static int trend_of(const double *cpu, const double *errors, int count)
{
        struct rig *rig = rig_started();
        int trend, i;

        for (i = 0; i < count; i++) {
                set_cart(rig, cpu[i], 0.4, errors[i], 0.01);
                rig_step(rig);
        }
        trend = healer_health_of(rig->healer, CART).trend;
        rig_free(rig);
        return trend;
}

START_TEST(s2_02_a_trend_wants_five_scores_and_more_than_five_points)
{
        const double fine[10] = {0}, busy[10] = {[5] = 0.8, 0.8, 0.8, 0.8, 0.8};
        const double was_busy[10] = {0.8, 0.8, 0.8, 0.8, 0.8};
        const double four[4] = {0, 0, 0.95, 0.95}, five[5] = {0, 0, 0.95, 0.95, 0.95};
        /* 25 points in the newer half of ten are 5 on the mean: not more than 5. */
        const double edge[10] = {[8] = 0.06, 0.06}, at_edge[10] = {[9] = 0.11};
        const double beyond[10] = {[8] = 0.06, 0.11};

        ck_assert_int_eq(trend_of(fine, fine, 10), 0);
        ck_assert_int_eq(trend_of(busy, fine, 10), -1);
        ck_assert_int_eq(trend_of(was_busy, fine, 10), 1);
        ck_assert_int_eq(trend_of(four, fine, 4), 0);
        ck_assert_int_eq(trend_of(five, fine, 5), -1);
        ck_assert_int_eq(trend_of(fine, edge, 10), 0);    /* 20 / 5 = 4 */
        ck_assert_int_eq(trend_of(fine, at_edge, 10), 0); /* 25 / 5 = 5 */
        ck_assert_int_eq(trend_of(fine, beyond, 10), -1); /* 35 / 5 = 7 */
}
END_TEST

static uint32_t warned(const struct rig *rig, enum healer_warning what)
{
        uint32_t i, count = 0;

        for (i = 0; i < rig->notice_count; i++)
                count += rig->notices[i].kind == HEALER_NOTICE_WARNING &&
                         rig->notices[i].rank == (uint32_t)what && rig->notices[i].service == CART;
        return count;
}

static void say_all(struct healer_config *config)
{
        config->log_level = HEALER_LOG_DEBUG;
        config->prediction.preventive = HEALER_PREVENTIVE_OFF;
        config->auto_heal = false;
}

START_TEST(s2_02_each_early_warning_comes_exactly_when_it_is_specified)
{
        struct rig *rig = rig_of(say_all);
        uint32_t score = UINT32_C(1) << HEALER_WARNED_SCORE;
        uint32_t declining = UINT32_C(1) << HEALER_WARNED_DECLINING;
        uint32_t risk = UINT32_C(1) << HEALER_WARNED_RISK;
        int i;

        rig_run(rig, 300);
        ck_assert_uint_eq(healer_health_of(rig->healer, CART).warnings, 0);
        set_cart(rig, 0.8, 0.4, 0, 0.01); /* 85: declining, not below 80 */
        rig_run(rig, 25);
        ck_assert_uint_eq(healer_health_of(rig->healer, CART).warnings, declining);
        rig_run(rig, 60); /* and stays there: no longer declining */
        ck_assert_uint_eq(healer_health_of(rig->healer, CART).warnings, 0);
        set_cart(rig, 0.8, 0.8, 0, 0.01); /* 70 */
        rig_run(rig, 5);
        ck_assert_uint_eq(healer_health_of(rig->healer, CART).warnings & score, score);
        rig_run(rig, 120);
        ck_assert_uint_eq(healer_health_of(rig->healer, CART).warnings, score);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_SCORE), 1); /* said once */
        rig_free(rig);

        rig = rig_create();
        say_all(&rig->config);
        set_cart(rig, 0.3, 0.2, 0, 0.01);
        rig_start(rig);
        rig_run(rig, 300);
        ck_assert_uint_eq(healer_health_of(rig->healer, CART).warnings, 0);
        for (i = 0; i < 120; i++) { /* a leak: 0.4, above 0.3 */
                rig->instance[INSTANCE(CART, 1)].memory_ratio = 0.2 + 0.003 * i;
                rig_step(rig);
        }
        ck_assert_uint_eq(healer_health_of(rig->healer, CART).warnings, risk);
        ck_assert_uint_eq(healer_health_of(rig->healer, PAYMENT).warnings, 0);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_SCORE), 0);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_RISK), 1);
        rig_free(rig);
}
END_TEST

START_TEST(s3_07_every_mix_of_statuses_maps_as_specified)
{
        struct healer_mix mix = {.availability = 0.75};
        struct healer_system_health out;

        for (uint32_t all = 0; all < 7 * 7 * 7 * 3; all++) {
                uint32_t known;

                mix.healthy = all % 7;
                mix.degraded = all / 7 % 7;
                mix.unhealthy = all / 49 % 7;
                mix.unknown = all / 343;
                known = mix.healthy + mix.degraded + mix.unhealthy;
                out = healer_system_of(&mix);
                ck_assert_double_eq(out.score, 75);
                if (known == 0) {
                        ck_assert_int_eq(out.status, HEALER_UNKNOWN);
                } else if (mix.unhealthy > known - mix.unhealthy) {
                        ck_assert_int_eq(out.status, HEALER_UNHEALTHY);
                        ck_assert_uint_eq(out.mode, HEALER_MODE_EMERGENCY);
                } else if (mix.unhealthy > 0 || mix.degraded > known - mix.degraded) {
                        ck_assert_int_eq(out.status, HEALER_DEGRADED);
                        ck_assert_uint_eq(out.mode, mix.degraded > mix.unhealthy
                                                            ? HEALER_MODE_REDUCED
                                                            : HEALER_MODE_MINIMAL);
                } else {
                        ck_assert_int_eq(out.status, mix.degraded > 0 ? HEALER_DEGRADED
                                                                      : HEALER_HEALTHY);
                        ck_assert_uint_eq(out.mode, mix.degraded > 0 ? HEALER_MODE_REDUCED
                                                                     : HEALER_MODE_FULL);
                }
        }
        mix = (struct healer_mix){.unknown = 3, .availability = NAN};
        ck_assert_double_nan(healer_system_of(&mix).score);
}
END_TEST

START_TEST(s3_07_nothing_known_is_unknown_and_not_a_hundred)
{
        struct healer_overview *now = malloc(sizeof(*now));
        struct rig *rig = rig_started();

        healer_overview(rig->healer, now);
        ck_assert_int_eq(now->system.status, HEALER_UNKNOWN);
        ck_assert_double_nan(now->system.score);
        rig_run(rig, 300);
        break_one(rig);
        rig_run(rig, 60);
        healer_overview(rig->healer, now);
        ck_assert_int_eq(now->system.status, HEALER_DEGRADED); /* one of four */
        ck_assert_uint_eq(now->system.mode, HEALER_MODE_MINIMAL);
        ck_assert_double_lt(now->system.score, 100);
        rig_free(rig);
        free(now);
}
END_TEST

/* `bad` of the last `all` checks of the hour with an alarm that was reported. */
static struct rig *available(uint32_t all, uint32_t bad, bool alerts)
{
        const struct healer_failure_seen seen = {HEALER_FAILURE_UNKNOWN, HEALER_SEVERITY_HIGH, NAN,
                                                 0};
        struct rig *rig = rig_create();

        rig->config.log_level = HEALER_LOG_DEBUG;
        rig->config.auto_heal = false;
        rig->config.health.alert_on_degradation = alerts;
        rig_start(rig);
        rig_run(rig, 5 * (all - bad));
        if (bad > 0)
                ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, CART, HEALER_NONE, &seen,
                                               HEALER_NEVER),
                                 HEALER_OK);
        rig_run(rig, 5 * bad);
        return rig;
}

START_TEST(s3_08_three_alerts_each_at_its_edge)
{
        static const struct {
                uint32_t bad, alerts;
        } rows[] = {{5, 0}, {6, 1}, {20, 1}, {21, 2}, {50, 2}, {51, 3}}; /* of 100 checks */
        struct rig *rig = available(100, rows[_i].bad, true);
        uint32_t i, k = 0;

        ck_assert_double_eq(healer_health_of(rig->healer, CART).availability,
                            1 - rows[_i].bad / 100.0);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_AVAILABILITY), rows[_i].alerts);
        for (i = 0; i < rig->notice_count; i++) {
                if (rig->notices[i].kind == HEALER_NOTICE_WARNING &&
                    rig->notices[i].rank == HEALER_WARNED_AVAILABILITY)
                        ck_assert_int_eq(rig->notices[i].severity, ++k);
        }
        rig_free(rig);
}
END_TEST

START_TEST(s3_08_the_trend_of_availability_wants_ten_checks_and_more_than_a_tenth)
{
        static const struct {
                uint32_t all, bad;
                int trend;
        } rows[] = {{9, 4, 0}, {10, 1, -1}, {20, 1, 0}, {20, 2, -1}, {100, 5, 0}, {100, 6, -1}};
        struct rig *rig = available(rows[_i].all, rows[_i].bad, true);

        ck_assert_int_eq(healer_health_of(rig->healer, CART).availability_trend, rows[_i].trend);
        rig_free(rig);
}
END_TEST

START_TEST(s3_09_with_alerts_off_there_are_none)
{
        struct rig *rig = available(100, 60, false);

        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_WARNING), 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_STATUS), 0);
        rig_free(rig);
}
END_TEST

START_TEST(s3_09_checks_come_at_their_interval)
{
        struct healer_health_point points[HEALER_HEALTH_POINTS];
        struct rig *rig = rig_create();

        rig->config.health.check_interval_ns = 30 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 305);
        ck_assert_uint_eq(healer_health_history(rig->healer, CART, points, HEALER_HEALTH_POINTS),
                          11);
        ck_assert_int_eq(points[10].at_ns - points[9].at_ns, 30 * RIG_SECOND);
        rig_free(rig);
}
END_TEST

/* ---- the reconciler */

START_TEST(s2_20_one_sick_component_is_one_incident_and_cycles_are_counted)
{
        struct rig *rig = rig_started();
        struct healer_stats stats;
        int i;

        rig_run(rig, 600);
        stats = healer_stats(rig->healer);
        ck_assert_uint_eq(stats.cycles, 9); /* the first tick is at 5 s */
        ck_assert_uint_eq(stats.cycles_ok, 9);
        set_cart(rig, 0.99, 0.97, 0.5, 6); /* everything about it is bad */
        rig->edge[TO_CART].error_ratio = 0.5;
        rig_run(rig, 60);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        ck_assert_uint_gt(rig_count(rig, HEALER_NOTICE_ALARM), 2);
        for (i = 0; i < 3; i++) /* what is done is done, but the errors stay */
                rig_answer_all(rig, true);
        set_cart(rig, 0.3, 0.4, 0.5, 0.01);
        rig_run(rig, 120);
        ck_assert_uint_eq(healer_stats(rig->healer).verified, 0);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 1);
        set_cart(rig, 0.3, 0.4, 0, 0.01);
        rig->edge[TO_CART].error_ratio = 0;
        for (i = 0; i < 30; i++) {
                rig_answer_all(rig, true);
                rig_run(rig, 20);
        }
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        ck_assert_uint_eq(healer_stats(rig->healer).episodes_open, 0);
        stats = healer_stats(rig->healer);
        ck_assert_uint_eq(stats.cycles, (uint64_t)((rig->now_ns / RIG_SECOND - 5) / 60));
        rig_free(rig);
}
END_TEST

static void with_policy(struct healer_config *config)
{
        config->policy.enabled = true;
        config->prediction.enabled = false;
        config->log_level = HEALER_LOG_DEBUG;
}

START_TEST(s2_29_the_policy_restarts_what_is_likely_to_fail_and_warns_of_low_scores)
{
        struct rig *rig = rig_create();
        int i;

        with_policy(&rig->config);
        set_cart(rig, 0.3, 0.2, 0, 0.01);
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 150 && rig->order_count == 0; i++) { /* a leak and errors that double */
                rig->instance[INSTANCE(CART, 1)].memory_ratio = 0.2 + 0.003 * i;
                rig->instance[INSTANCE(CART, 1)].error_ratio = (i + 10) % 12 < 6 ? 0.011 : 0.03;
                rig_step(rig);
        }
        ck_assert_uint_eq(rig->order_count, 1);
        ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_uint_eq(rig->orders[0].instance, INSTANCE(CART, 1));
        ck_assert(rig->orders[0].preventive);
        ck_assert_uint_eq(healer_stats(rig->healer).policy_restarts, 1);
        /* found at a turn, decided at the next tick */
        ck_assert_int_eq((rig->now_ns - 10 * RIG_SECOND) % (60 * RIG_SECOND), 0);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_POLICY), 0);
        rig_answer_all(rig, true);
        rig_run(rig, 120);
        set_cart(rig, 0.95, 0.76, 0, 0.01); /* 55 */
        rig_run(rig, 600);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_POLICY), 10); /* in each cycle */
        rig_free(rig);
}
END_TEST

START_TEST(s2_29_leaks_are_looked_for_every_fifteen_minutes)
{
        struct rig *rig = rig_create();
        int i;

        say_all(&rig->config);
        set_cart(rig, 0.3, 0.2, 0, 0.01);
        rig_start(rig);
        rig_run(rig, 300);
        for (i = 0; i < 120; i++) { /* until 900 s; the first tick was at 5 s */
                rig->instance[INSTANCE(CART, 1)].memory_ratio = 0.2 + 0.003 * i;
                rig_step(rig);
        }
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_LEAK), 0);
        rig_step(rig);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_LEAK), 1);
        rig_free(rig);
}
END_TEST

START_TEST(s2_21_busy_cores_and_a_usual_that_moves_are_warned_of_at_their_thresholds)
{
        struct rig *rig = rig_create();
        int i;

        say_all(&rig->config);
        if (_i == 1)
                rig->config.detection.thresholds[HEALER_METRIC_CPU].critical = 0.99;
        if (_i == 2) {
                rig->config.detection.thresholds[HEALER_METRIC_DRIFT].warning = 0.9;
                rig->config.detection.thresholds[HEALER_METRIC_DRIFT].critical = 0.9;
        }
        rig_start(rig);
        rig_run(rig, 600);
        for (i = 0; i < 2000; i++) { /* creeps up to three times, with no step */
                set_cart(rig, 0.93, 0.4, 0, 0.010 * (1 + i / 1000.0));
                rig_step(rig);
        }
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_CPU), _i == 1 ? 0 : 1);
        ck_assert_uint_eq(warned(rig, HEALER_WARNED_DRIFT), _i == 2 ? 0 : 1);
        rig_free(rig);
}
END_TEST

/* How long it lets samples wait, seen from when it wants to be woken. */
static int64_t longest_wait_ns(struct rig *rig, int64_t seconds)
{
        int64_t longest = 0, end = rig->now_ns + seconds * RIG_SECOND;

        while (rig->now_ns < end) {
                rig_step(rig);
                if (rig->next_ns - rig->now_ns < 3600 * RIG_SECOND && /* else none waits */
                    rig->next_ns - rig->now_ns + rig->step_ns > longest)
                        longest = rig->next_ns - rig->now_ns + rig->step_ns;
        }
        return longest;
}

START_TEST(s1_33_above_its_load_it_judges_less_often_and_in_calm_as_often_as_before)
{
        struct rig *rig = rig_create();

        rig->step_ns = RIG_SECOND;
        rig->config.reconcile_interval_ns = 86400 * RIG_SECOND;
        rig->config.policy.leak_interval_ns = 0;
        rig->config.detection.load_max = _i == 1 ? 10 : 0; /* 12 instances and 4 edges a second */
        rig_start(rig);
        rig_run(rig, 300);
        ck_assert_int_eq(longest_wait_ns(rig, 300), (_i == 1 ? 40 : 5) * RIG_SECOND);
        rig->step_ns = 4 * RIG_SECOND; /* 4 a second */
        rig_run(rig, 300);
        ck_assert_int_eq(longest_wait_ns(rig, 60), 5 * RIG_SECOND);
        rig_slow_instance(rig, INSTANCE(CART, 0), 0.8); /* and it still sees what is wrong */
        rig_run(rig, 120);
        ck_assert_uint_ge(rig_count(rig, HEALER_NOTICE_ALARM), 1);
        rig_free(rig);
}
END_TEST

START_TEST(s1_31_levels_filter_what_is_said_and_nothing_that_is_done)
{
        uint32_t said[4], done[4];

        for (uint32_t level = 0; level < 4; level++) {
                struct rig *rig = rig_create();

                rig->config.log_level = level;
                rig_start(rig);
                rig_run(rig, 300);
                for (int i = 0; i < 200; i++) {
                        break_one(rig);
                        set_cart(rig, 0.8, 0.8, 0, 0.01);
                        rig_step(rig);
                        rig_answer_all(rig, true);
                }
                said[level] = rig->notice_count;
                done[level] = rig->order_count;
                rig_free(rig);
        }
        for (uint32_t level = 1; level < 4; level++) {
                ck_assert_uint_lt(said[level], said[level - 1]);
                ck_assert_uint_eq(done[level], done[0]);
        }
        ck_assert_uint_gt(said[3], 0);
}
END_TEST

/* ---- what it costs */

/* A chain of services, each with three instances and called by the one before. */
static struct healer *chain_of(uint32_t services, const struct healer_allocator *allocator)
{
        const struct healer_callbacks callbacks = {NULL, NULL, NULL};
        struct healer_service_info *infos = calloc(services, sizeof(*infos));
        struct healer_edge_info *edges = calloc(services, sizeof(*edges));
        struct healer_instance_info *instances = calloc(3 * services, sizeof(*instances));
        struct healer_topology topology = {.services = infos, .service_count = services,
                                           .edges = edges, .edge_count = services,
                                           .instances = instances, .instance_count = 3 * services,
                                           .actions_available = UINT32_MAX};
        struct healer_config config;
        struct healer *healer;

        healer_config_defaults(&config);
        for (uint32_t i = 0; i < services; i++) {
                infos[i] = (struct healer_service_info){.name = "s", .workers = 4};
                edges[i] = (struct healer_edge_info){"e", i == 0 ? HEALER_NONE : i - 1, i};
                for (uint32_t k = 0; k < 3; k++)
                        instances[3 * i + k] = (struct healer_instance_info){i, "i"};
        }
        ck_assert_int_eq(healer_create(&config, &topology, &callbacks, allocator, 0, &healer),
                         HEALER_OK);
        free(infos);
        free(edges);
        free(instances);
        return healer;
}

static void feed_chain(struct healer *healer, uint32_t services, int64_t now_ns)
{
        struct healer_edge_sample edge = {0, 150, 0, 0, 0.011, 0.032, 0.043};
        struct healer_instance_sample sample;
        int64_t next;

        for (uint32_t i = 0; i < 3 * services; i++) {
                sample = rig_well(i);
                (void)healer_observe_instance(healer, now_ns, &sample);
        }
        for (edge.edge = 0; edge.edge < services; edge.edge++)
                (void)healer_observe_edge(healer, now_ns, &edge);
        (void)healer_tick(healer, now_ns, &next);
}

START_TEST(s0_31_a_tick_looks_at_each_instance_and_edge_as_often_in_a_fleet_of_any_size)
{
        static const uint32_t sizes[] = {1, 10, 100, 1000};

        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
                struct healer *healer = chain_of(sizes[k], NULL);
                uint64_t before;

                for (int64_t i = 1; i < 4; i++)
                        feed_chain(healer, sizes[k], i * 5 * RIG_SECOND);
                before = healer_stats(healer).looks;
                feed_chain(healer, sizes[k], 20 * RIG_SECOND);
                /* Instances by detection and by prediction, edges by detection. */
                ck_assert_uint_eq(healer_stats(healer).looks - before, 7 * (uint64_t)sizes[k]);
                healer_destroy(healer);
        }
}
END_TEST

static uint64_t allocated;

static void *summing_alloc(void *ctx, size_t size)
{
        (void)ctx;
        living++;
        allocated += size;
        return malloc(size);
}

START_TEST(s0_31_however_much_happens_memory_is_that_of_the_start_and_within_its_bound)
{
        const struct healer_allocator counted = {summing_alloc, counted_release, NULL};
        enum { SERVICES = 20, ROUNDS = 1500 }; /* 120 000 samples and events */
        struct healer *healer;
        struct healer_occurrence event = {.edge = HEALER_NONE, .text = "out of memory"};
        uint64_t at_start, bytes;

        living = allocated = 0;
        healer = chain_of(SERVICES, &counted);
        at_start = living;
        bytes = allocated;
        ck_assert_uint_le(bytes, 1024 * (8 * (3 * SERVICES + 8) + SERVICES / 2 + 8 * SERVICES + 510 +
                                         3 * SERVICES + 18 * 4 * SERVICES));
        for (int64_t i = 1; i <= ROUNDS; i++) {
                event.at_ns = i * 5 * RIG_SECOND;
                event.kind = (enum healer_occurrence_kind)(i % HEALER_OCCURRED_INSTANCE_ADDED);
                event.instance = (uint32_t)(i % (3 * SERVICES));
                event.service = event.instance / 3;
                event.code = (int)(i % 3);
                (void)healer_observe_event(healer, &event);
                feed_chain(healer, SERVICES, event.at_ns);
        }
        ck_assert_uint_gt(healer_stats(healer).episodes, 0);
        ck_assert_uint_eq(living, at_start);
        ck_assert_uint_eq(allocated, bytes);
        healer_destroy(healer);
        ck_assert_uint_eq(living, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("orchestrator");
        TCase *tcase = tcase_create("orchestrator");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, s1_01_a_thousand_starts_and_stops_leave_nothing_behind);
        tcase_add_test(tcase, s1_01_stopped_it_says_and_orders_nothing_and_started_again_it_heals);
        tcase_add_test(tcase, s1_02_an_overview_lists_open_incidents_and_closed_ones_leave_it);
        tcase_add_test(tcase, s1_02_overviews_are_consistent_under_load);
        tcase_add_test(tcase, s1_05_a_metric_of_the_callers_own_joins_detection_by_its_name);
        tcase_add_test(tcase,
                       s1_05_a_monitor_that_cannot_be_read_is_unknown_and_so_is_its_service);
        tcase_add_test(tcase,
                       s1_06_a_monitor_of_30_s_is_read_every_30_s_and_a_late_tick_moves_no_turn);
        tcase_add_loop_test(tcase, s1_06_changed_thresholds_change_alerts, 0, 8);
        tcase_add_loop_test(tcase, s1_04_warning_and_critical_differ_and_each_begins_at_its_edge, 0,
                            4);
        tcase_add_test(tcase, what_is_wrong_with_a_monitor_is_refused);
        tcase_add_test(tcase, s1_10_each_event_calls_each_handler_once_and_none_can_loop);
        tcase_add_test(tcase,
                       s1_29_the_worst_status_is_that_of_all_and_is_told_when_it_changes_only);
        tcase_add_test(tcase, s0_29_each_documented_event_is_the_failure_that_is_specified);
        tcase_add_test(tcase, s0_29_reacting_predicting_and_reporting_go_on_beside_each_other);
        tcase_add_test(tcase,
                       s3_11_a_reported_failure_is_healed_at_once_and_stands_until_it_is_taken_back);
        tcase_add_test(tcase, what_was_reported_by_hand_is_closed_by_hand);
        tcase_add_test(tcase, s3_11_statistics_count_what_failed_was_late_or_refused);
        tcase_add_test(
                tcase,
                s1_23_s3_14_a_late_action_is_told_keeps_its_place_and_its_late_result_counts_for_nothing);
        tcase_add_test(tcase, s3_13_ten_at_once_the_gravest_first_and_none_is_lost);
        tcase_add_test(tcase, s3_13_the_limits_of_10_and_of_50_are_those_of_the_options);
        tcase_add_test(tcase, s3_15_each_switch_off_stops_its_part);
        tcase_add_test(tcase, s3_15_the_third_failed_recovery_calls_a_human);
        tcase_add_loop_test(
                tcase, s1_22_a_surge_is_scaled_for_where_that_is_allowed_and_scaled_back_after_it, 0,
                2);
        tcase_add_test(tcase, s2_01_the_penalty_table_is_exact_at_every_edge);
        tcase_add_test(tcase, s2_01_the_history_is_bounded_in_order_and_forgets_what_is_old);
        tcase_add_test(tcase, s2_02_a_trend_wants_five_scores_and_more_than_five_points);
        tcase_add_test(tcase, s2_02_each_early_warning_comes_exactly_when_it_is_specified);
        tcase_add_test(tcase, s3_07_every_mix_of_statuses_maps_as_specified);
        tcase_add_test(tcase, s3_07_nothing_known_is_unknown_and_not_a_hundred);
        tcase_add_loop_test(tcase, s3_08_three_alerts_each_at_its_edge, 0, 6);
        tcase_add_loop_test(
                tcase, s3_08_the_trend_of_availability_wants_ten_checks_and_more_than_a_tenth, 0, 6);
        tcase_add_test(tcase, s3_09_with_alerts_off_there_are_none);
        tcase_add_test(tcase, s3_09_checks_come_at_their_interval);
        tcase_add_test(tcase, s2_20_one_sick_component_is_one_incident_and_cycles_are_counted);
        tcase_add_test(tcase,
                       s2_29_the_policy_restarts_what_is_likely_to_fail_and_warns_of_low_scores);
        tcase_add_test(tcase, s2_29_leaks_are_looked_for_every_fifteen_minutes);
        tcase_add_loop_test(
                tcase, s2_21_busy_cores_and_a_usual_that_moves_are_warned_of_at_their_thresholds, 0,
                3);
        tcase_add_loop_test(
                tcase, s1_33_above_its_load_it_judges_less_often_and_in_calm_as_often_as_before, 0,
                2);
        tcase_add_test(tcase, s1_31_levels_filter_what_is_said_and_nothing_that_is_done);
        tcase_add_test(
                tcase, s0_31_a_tick_looks_at_each_instance_and_edge_as_often_in_a_fleet_of_any_size);
        tcase_add_test(
                tcase,
                s0_31_however_much_happens_memory_is_that_of_the_start_and_within_its_bound);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
