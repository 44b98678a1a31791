/* Advice: every cell of the decision tree, and that what is to be prepared is not done. */
#include <check.h>
#include <stdio.h>

#include "healer/decision_tree.h"
#include "tests/healer_rig.h"

/* What is to be read in each (type, band), written by hand: "action: text" in a list to
 * act, the text alone where there is nothing to carry out. */
#define MEMORY_ACT                                                                            \
        "restart_instance: restart what is out of memory; increase_resources: give it more "  \
        "memory; profile what allocates; review code that keeps what it took; "
#define MEMORY_PREPARE "prepare a restart; watch memory; "
#define MEMORY_LOOK "look at memory over the last hours; collect more measurements; "
#define PROCESS_ACT                                                                           \
        "restart_instance: restart what fails; replace_instance: replace what fails again; "  \
        "read its last messages; "
#define PROCESS_PREPARE "prepare a restart; watch its answers and heartbeats; "
#define PROCESS_LOOK "read its last messages; collect more measurements; "
#define CAPACITY_ACT                                                                          \
        "scale_resources: add instances; shed_load: refuse a share of the calls; "            \
        "look for what needs so much; "
#define CAPACITY_PREPARE "prepare more instances; watch load and latency; "
#define CAPACITY_LOOK "look at load and service times; collect more measurements; "
#define DEPENDENCY_ACT                                                                        \
        "health_check: check what it depends on; set_degradation: do without it; "            \
        "ask its owner; "
#define DEPENDENCY_PREPARE "prepare to do without it; watch what it depends on; "
#define DEPENDENCY_LOOK "look at calls to what it depends on; collect more measurements; "
#define PROCESS {PROCESS_ACT, PROCESS_PREPARE, PROCESS_LOOK}
#define CAPACITY {CAPACITY_ACT, CAPACITY_PREPARE, CAPACITY_LOOK}
#define DEPENDENCY {DEPENDENCY_ACT, DEPENDENCY_PREPARE, DEPENDENCY_LOOK}
#define MEMORY {MEMORY_ACT, MEMORY_PREPARE, MEMORY_LOOK}

static const char *const wanted_lists[HEALER_FAILURE_COUNT][HEALER_TREE_BAND_COUNT] = {
        [HEALER_FAILURE_UNKNOWN] = {"enable_monitoring: measure more often; escalate: call a human; ",
                                    "prepare to call a human; watch errors and latency; ",
                                    "read messages and recent changes; collect more measurements; "},
        [HEALER_FAILURE_AGENT_FAILED] = PROCESS,
        [HEALER_FAILURE_AGENT_DOWN] = PROCESS,
        [HEALER_FAILURE_HEARTBEAT_FAILED] = PROCESS,
        [HEALER_FAILURE_TASK_TIMEOUT] = CAPACITY,
        [HEALER_FAILURE_TASK_FAILED] = PROCESS,
        [HEALER_FAILURE_EXECUTION_ERROR] = PROCESS,
        [HEALER_FAILURE_RESOURCE_EXHAUSTION] = CAPACITY,
        [HEALER_FAILURE_TOKEN_EXHAUSTION] = CAPACITY,
        [HEALER_FAILURE_QUOTA_EXCEEDED] = CAPACITY,
        [HEALER_FAILURE_MEMORY_EXHAUSTION] = MEMORY,
        [HEALER_FAILURE_QUORUM_LOSS] = PROCESS,
        [HEALER_FAILURE_MEMORY_LEAK] = MEMORY,
        [HEALER_FAILURE_CPU_SPIKE] =
                {"replace_instance: leave or stop the process that takes the processor; "
                 "scale_resources: add instances; profile what computes; "
                 "find a loop that does not end; ",
                 "prepare more instances; watch the processors; ",
                 "look at which process computes; collect more measurements; "},
        [HEALER_FAILURE_NETWORK_TIMEOUT] =
                {"health_check: check the link; adjust_timeout: wait longer for calls; "
                 "retry calls that may be repeated; ask the provider of the network; ",
                 "prepare longer time limits; watch the link; ",
                 "trace the way of a call; collect more measurements; "},
        [HEALER_FAILURE_DATABASE_CONNECTION] =
                {"health_check: check the server; increase_resources: make the pool larger; "
                 "reconnect: renew the connections; tune slow queries; ",
                 "prepare new connections; watch connections and queries; ",
                 "look at locks and slow queries; collect more measurements; "},
        [HEALER_FAILURE_API_FAILURE] = DEPENDENCY,
        [HEALER_FAILURE_DEPLOYMENT_FAILURE] =
                {"rollback_deployment: go back to the version before; check its configuration; "
                 "check its environment; check its resources; ",
                 "prepare a rollback; watch the new version; ",
                 "compare the versions; collect more measurements; "},
        [HEALER_FAILURE_CONFIGURATION_ERROR] =
                {"rollback_config: go back to the configuration before; "
                 "compare it with the one before; check values before they are applied; ",
                 "prepare the configuration before; watch what it changed; ",
                 "compare the configurations; collect more measurements; "},
        [HEALER_FAILURE_DEPENDENCY_FAILURE] = DEPENDENCY,
        [HEALER_FAILURE_HIGH_LATENCY] = CAPACITY,
        [HEALER_FAILURE_DISK_FULL] = {"free_disk: remove what can go; "
                                      "increase_resources: make the disk larger; find what writes; ",
                                      "prepare to remove files; watch the disk; ",
                                      "look at what grows on the disk; collect more measurements; "},
        [HEALER_FAILURE_CASCADE] = DEPENDENCY,
};

/* Both edges of each band. */
static const struct {
        double confidence;
        enum healer_tree_band band;
} bands[] = {
        {1, HEALER_TREE_ACT},         {0.8, HEALER_TREE_ACT},
        {0.7999, HEALER_TREE_PREPARE}, {0.5, HEALER_TREE_PREPARE},
        {0.4999, HEALER_TREE_INVESTIGATE}, {0, HEALER_TREE_INVESTIGATE},
        {NAN, HEALER_TREE_INVESTIGATE},
};
enum { BANDS = sizeof(bands) / sizeof(bands[0]) };

static void put(char *out, size_t size, const char *action, const char *text)
{
        size_t used = strlen(out);

        snprintf(out + used, size - used, "%s%s%s; ", action, action[0] == '\0' ? "" : ": ", text);
}

static void wanted_cell(enum healer_failure failure, enum healer_tree_band band, uint32_t overlays,
                        char *out, size_t size)
{
        bool act = band == HEALER_TREE_ACT;

        out[0] = '\0';
        if ((overlays & HEALER_TREE_OVERLAY_CRITICAL) != 0) {
                put(out, size, act ? "escalate" : "", "call who is on call");
                put(out, size, "", "begin the incident response");
        }
        if ((overlays & HEALER_TREE_OVERLAY_SYSTEM_WIDE) != 0)
                put(out, size, "", "look for a cause that all share: it is system-wide");
        if ((overlays & HEALER_TREE_OVERLAY_SATURATED) != 0)
                put(out, size, act ? "scale_resources" : "", "scale first");
        snprintf(out + strlen(out), size - strlen(out), "%s", wanted_lists[failure][band]);
}

static void told_cell(const struct healer_tree_advice *advice, char *out, size_t size)
{
        uint32_t i;

        out[0] = '\0';
        for (i = 0; i < advice->count; i++)
                put(out, size,
                    advice->steps[i].action == HEALER_ACTION_COUNT
                            ? ""
                            : healer_actions[advice->steps[i].action].name,
                    advice->steps[i].text);
}

START_TEST(s1_14_every_cell_of_type_band_and_overlay_says_what_is_written)
{
        char wanted[1024], told[1024];
        struct healer_tree_advice advice;
        uint32_t overlays;
        int b;

        for (b = 0; b < BANDS; b++) {
                for (overlays = 0; overlays < HEALER_TREE_OVERLAYS; overlays++) {
                        ck_assert_int_eq(healer_tree_advise((enum healer_failure)_i, bands[b].confidence,
                                                       overlays, &advice),
                                         HEALER_OK);
                        ck_assert_int_eq(advice.band, bands[b].band);
                        wanted_cell((enum healer_failure)_i, bands[b].band, overlays, wanted,
                                    sizeof(wanted));
                        told_cell(&advice, told, sizeof(told));
                        ck_assert_str_eq(told, wanted);
                }
        }
}
END_TEST

START_TEST(s1_14_no_step_of_a_list_to_prepare_or_investigate_can_be_carried_out)
{
        struct healer_tree_advice advice;
        uint32_t overlays, i, actions;
        int b;

        for (b = 0; b < BANDS; b++) {
                for (overlays = 0; overlays < HEALER_TREE_OVERLAYS; overlays++) {
                        ck_assert_int_eq(healer_tree_advise((enum healer_failure)_i, bands[b].confidence,
                                                       overlays, &advice),
                                         HEALER_OK);
                        for (i = 0, actions = 0; i < advice.count; i++)
                                actions += advice.steps[i].action != HEALER_ACTION_COUNT;
                        ck_assert_int_eq(actions > 0, bands[b].band == HEALER_TREE_ACT);
                }
        }
}
END_TEST

START_TEST(overlays_begin_exactly_above_ninety_percent_at_three_and_with_critical)
{
        ck_assert_uint_eq(healer_tree_overlays(0.9, 0.9, 2, HEALER_SEVERITY_HIGH), 0);
        ck_assert_uint_eq(healer_tree_overlays(NAN, NAN, 0, HEALER_SEVERITY_LOW), 0);
        ck_assert_uint_eq(healer_tree_overlays(0.9001, NAN, 0, HEALER_SEVERITY_LOW),
                          HEALER_TREE_OVERLAY_SATURATED);
        ck_assert_uint_eq(healer_tree_overlays(NAN, 0.9001, 0, HEALER_SEVERITY_LOW),
                          HEALER_TREE_OVERLAY_SATURATED);
        ck_assert_uint_eq(healer_tree_overlays(0, 0, 3, HEALER_SEVERITY_LOW),
                          HEALER_TREE_OVERLAY_SYSTEM_WIDE);
        ck_assert_uint_eq(healer_tree_overlays(0, 0, 0, HEALER_SEVERITY_CRITICAL),
                          HEALER_TREE_OVERLAY_CRITICAL);
        ck_assert_uint_eq(healer_tree_overlays(1, 1, 9, HEALER_SEVERITY_CRITICAL),
                          HEALER_TREE_OVERLAYS - 1);
}
END_TEST

START_TEST(what_does_not_exist_is_refused)
{
        struct healer_tree_advice advice;

        ck_assert_int_eq(healer_tree_advise(HEALER_FAILURE_COUNT, 1, 0, &advice), HEALER_E_RANGE);
        ck_assert_uint_eq(advice.count, 0);
        ck_assert_int_eq(healer_tree_advise(HEALER_FAILURE_UNKNOWN, 1, HEALER_TREE_OVERLAYS, &advice),
                         HEALER_E_RANGE);
        ck_assert_uint_eq(advice.count, 0);
}
END_TEST

/* ---- the supervisor keeps to it */

/* Evidence of `kind`, and what was ordered within two minutes when only causes of
 * `threshold` and above are certain enough. */
static uint32_t orders_of(int kind, double threshold, double *confidence)
{
        struct rig *rig = rig_create();
        uint32_t i, orders = 0;

        rig->config.diagnosis.confidence_threshold = threshold;
        rig_start(rig);
        rig_run(rig, 300);
        if (kind == 1)
                rig_event(rig, HEALER_OCCURRED_DEPLOYMENT_STARTED, PAYMENT, HEALER_NONE, 0);
        if (kind == 2)
                rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, PAYMENT, HEALER_NONE, 0);
        if (kind == 3)
                rig_crash(rig, INSTANCE(PAYMENT, 0));
        for (i = 0; kind != 3 && i < (kind == 0 ? 1 : RIG_EACH); i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.5;
        rig_run(rig, 120);
        ck_assert_ptr_nonnull(rig_first(rig, HEALER_NOTICE_DIAGNOSIS));
        *confidence = rig_first(rig, HEALER_NOTICE_DIAGNOSIS)->confidence;
        for (i = 0; i < rig->order_count; i++)
                orders += rig->orders[i].kind != HEALER_ACTION_ESCALATE;
        rig_free(rig);
        return orders;
}

START_TEST(s1_14_the_supervisor_orders_nothing_while_its_cause_is_one_to_prepare_for)
{
        double confidence, again;

        ck_assert_uint_gt(orders_of(_i, 0.8, &confidence), 0);
        ck_assert_int_eq(healer_tree_band_of(confidence), HEALER_TREE_ACT);
        ck_assert_uint_eq(orders_of(_i, confidence + 0.01, &again), 0);
        ck_assert_double_eq(again, confidence);
}
END_TEST

/* One whose tail alone is late: at 0.6 a cause to prepare for, by the default threshold. */
START_TEST(s1_14_a_cause_of_medium_confidence_is_said_and_not_acted_on)
{
        struct rig *rig = rig_started();

        rig_run(rig, 300);
        rig->instance[INSTANCE(PAYMENT, 0)].latency_p95_s = 3;
        rig->instance[INSTANCE(PAYMENT, 0)].latency_p99_s = 3;
        rig_run(rig, 120);
        ck_assert_ptr_nonnull(rig_last(rig, HEALER_NOTICE_DIAGNOSIS));
        ck_assert_int_eq(healer_tree_band_of(rig_last(rig, HEALER_NOTICE_DIAGNOSIS)->confidence),
                         HEALER_TREE_PREPARE);
        ck_assert_uint_eq(rig->order_count, 0);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("decision_tree");
        TCase *tcase = tcase_create("decision_tree");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tcase, s1_14_every_cell_of_type_band_and_overlay_says_what_is_written, 0,
                            HEALER_FAILURE_COUNT);
        tcase_add_loop_test(tcase,
                            s1_14_no_step_of_a_list_to_prepare_or_investigate_can_be_carried_out, 0,
                            HEALER_FAILURE_COUNT);
        tcase_add_test(tcase, overlays_begin_exactly_above_ninety_percent_at_three_and_with_critical);
        tcase_add_test(tcase, what_does_not_exist_is_refused);
        tcase_add_loop_test(tcase,
                            s1_14_the_supervisor_orders_nothing_while_its_cause_is_one_to_prepare_for,
                            0, 4);
        tcase_add_test(tcase, s1_14_a_cause_of_medium_confidence_is_said_and_not_acted_on);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
