/* test_rollback.c - rollbacks, reconnecting, procedures: the mending that healer.h
 * orders, done by a service itself.
 */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "healer/procedure.h"
#include "healer/reconnect.h"
#include "healer/rollback.h"

#define S INT64_C(1000000000)

/* ---- a component whose state is some bytes */

static unsigned char state[64];
static size_t state_size;
static uint32_t applied, escalated, ends;
static bool apply_fails, not_well, overwrite_seen;
static const char *refused_label;
static struct healer_rollback_result last;
static struct healer_rollback *rollback;
static struct healer_rollback_config config;
static struct healer_rollback_ops ops;

static bool take(void *ctx, const char *component, const struct healer_snapshot *snapshot,
                 char error[64])
{
        (void)ctx;
        ck_assert_str_eq(component, "orders");
        applied++;
        if (apply_fails) {
                snprintf(error, 64, "disk is full");
                return false;
        }
        memcpy(state, snapshot->bytes, snapshot->size);
        state_size = snapshot->size;
        return true;
}

static bool is_valid(void *ctx, const char *component, const struct healer_snapshot *snapshot)
{
        (void)ctx;
        (void)component;
        return refused_label == NULL || strcmp(refused_label, snapshot->label) != 0;
}

static bool is_well(void *ctx, const char *component, const struct healer_snapshot *snapshot)
{
        (void)ctx;
        (void)component;
        (void)snapshot;
        return !not_well;
}

static void note_end(void *ctx, const struct healer_rollback_result *result)
{
        (void)ctx;
        ends++;
        last = *result;
}

static void escalate(void *ctx, const struct healer_rollback_result *result)
{
        (void)ctx;
        ck_assert(!result->success);
        escalated++;
}

static void setup(void)
{
        applied = escalated = ends = 0;
        apply_fails = not_well = overwrite_seen = false;
        refused_label = NULL;
        config = healer_rollback_config_defaults();
        config.on_end = note_end;
        config.on_escalate = escalate;
        ops = (struct healer_rollback_ops){.validate = is_valid, .apply = take, .confirm = is_well};
        ck_assert_int_eq(healer_rollback_create(&config, &ops, &rollback), HEALER_OK);
}

static void teardown(void)
{
        healer_rollback_destroy(rollback);
}

static void keep(const char *label, const void *bytes, size_t size, bool verified)
{
        ck_assert_int_eq(healer_rollback_keep(rollback, HEALER_ROLLBACK_PREVIOUS_STATE, "orders",
                                              label, bytes, size, 1),
                         HEALER_OK);
        if (verified)
                ck_assert_int_eq(healer_rollback_verify(rollback, HEALER_ROLLBACK_PREVIOUS_STATE,
                                                        "orders", label),
                                 HEALER_OK);
}

static enum healer_err run(enum healer_rollback_type type)
{
        struct healer_rollback_result result;
        enum healer_err err = healer_rollback_run(rollback, type, "orders", 10, &result);

        if (result.ended_ns != HEALER_NEVER)
                ck_assert_mem_eq(&result, &last, sizeof(result));
        return err;
}

START_TEST(s2_07_the_last_verified_state_is_restored_byte_for_byte)
{
        static const unsigned char good[] = {0, 1, 2, 255, 0, 7}, better[] = {9, 0, 9};

        keep("v1", good, sizeof(good), true);
        keep("v2", better, sizeof(better), true);
        keep("v3", "xx", 2, false); /* never seen to be good */
        keep("v4", "yyy", 3, false); /* runs now */
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_OK);
        ck_assert_uint_eq(state_size, sizeof(better));
        ck_assert_mem_eq(state, better, sizeof(better));
        ck_assert_str_eq(last.from, "v4");
        ck_assert_str_eq(last.to, "v2");
        ck_assert(last.success);
        ck_assert_uint_eq(escalated, 0);
        /* configurations are another matter */
        ck_assert_int_eq(healer_rollback_keep(rollback, HEALER_ROLLBACK_CONFIG, "orders", "c1",
                                              "a=1\0b=2", 7, 1),
                         HEALER_OK);
        ck_assert_int_eq(healer_rollback_verify(rollback, HEALER_ROLLBACK_CONFIG, "orders", "c1"),
                         HEALER_OK);
        ck_assert_int_eq(run(HEALER_ROLLBACK_CONFIG), HEALER_OK);
        ck_assert_mem_eq(state, "a=1\0b=2", 7);
}
END_TEST

START_TEST(s2_07_with_nothing_to_go_back_to_it_fails_cleanly_and_escalates)
{
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_E_FAILED);
        ck_assert_str_eq(last.error, "no verified snapshot");
        keep("v1", "a", 1, false);
        keep("v2", "b", 1, false);
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_E_FAILED);
        ck_assert_str_eq(last.error, "no verified snapshot");
        ck_assert_uint_eq(applied, 0);
        ck_assert_uint_eq(escalated, 2);
        ck_assert_uint_eq(healer_rollback_stats(rollback).failed, 2);
        ck_assert_ptr_nonnull(healer_rollback_past(rollback, 1));
        ck_assert_ptr_null(healer_rollback_past(rollback, 2));
}
END_TEST

static bool spoil(void *ctx, const char *component, const struct healer_snapshot *snapshot)
{
        (void)ctx;
        (void)component;
        if (strcmp(snapshot->label, "v3") == 0 && !overwrite_seen)
                ((unsigned char *)(uintptr_t)snapshot->bytes)[0] ^= 1; /* somebody's stray write */
        overwrite_seen = true;
        return strcmp(snapshot->label, "v3") != 0;
}

START_TEST(s3_18_a_corrupt_checkpoint_is_rejected_and_the_older_one_used)
{
        keep("v1", "one", 3, true);
        keep("v2", "two", 3, true);
        keep("v3", "three", 5, true);
        keep("v4", "four", 4, false);
        ops.validate = spoil;
        ck_assert_int_eq(healer_rollback_replace(rollback, HEALER_ROLLBACK_PREVIOUS_STATE, &ops),
                         HEALER_OK);
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_OK);
        ck_assert_str_eq(last.to, "v2");
        ck_assert_mem_eq(state, "two", 3);
        ck_assert_uint_eq(last.rejected, 1);
        /* its bytes have changed since: now the checksum alone says so */
        ops.validate = NULL;
        ck_assert_int_eq(healer_rollback_replace(rollback, HEALER_ROLLBACK_PREVIOUS_STATE, &ops),
                         HEALER_OK);
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_OK);
        ck_assert_str_eq(last.to, "v2");
        ck_assert_uint_eq(healer_rollback_stats(rollback).rejected, 2);
}
END_TEST

START_TEST(s3_18_when_no_checkpoint_is_valid_nothing_is_applied)
{
        keep("v1", "one", 3, true);
        keep("v2", "two", 3, false);
        refused_label = "v1";
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_E_FAILED);
        ck_assert_str_eq(last.error, "no sound snapshot");
        ck_assert_uint_eq(applied, 0);
        ck_assert_uint_eq(escalated, 1);
}
END_TEST

START_TEST(what_runs_and_is_verified_is_restored_when_it_is_the_only_one)
{
        keep("v1", "one", 3, true);
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_OK);
        ck_assert_str_eq(last.to, "v1");
}
END_TEST

START_TEST(s1_32_a_manager_of_the_callers_own_replaces_the_built_in_and_its_failure_is_handled)
{
        keep("v1", "one", 3, true);
        keep("v2", "two", 3, false);
        apply_fails = true;
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_E_FAILED);
        ck_assert_str_eq(last.error, "disk is full");
        apply_fails = false;
        not_well = true;
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_E_FAILED);
        ck_assert_str_eq(last.error, "applied, and the component is not well");
        ck_assert_uint_eq(escalated, 2);
        ops.confirm = NULL;
        ck_assert_int_eq(healer_rollback_replace(rollback, HEALER_ROLLBACK_PREVIOUS_STATE, &ops),
                         HEALER_OK);
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_OK);
        ops.apply = NULL;
        ck_assert_int_eq(healer_rollback_replace(rollback, HEALER_ROLLBACK_PREVIOUS_STATE, &ops),
                         HEALER_E_RANGE);
}
END_TEST

static enum healer_err in_callback;

static bool calls_back(void *ctx, const char *component, const struct healer_snapshot *snapshot,
                       char error[64])
{
        (void)ctx;
        (void)error;
        in_callback = healer_rollback_keep(rollback, HEALER_ROLLBACK_CONFIG, component, "x",
                                           snapshot->bytes, snapshot->size, 5);
        return true;
}

START_TEST(snapshots_are_bounded_and_the_one_to_go_back_to_is_dropped_last)
{
        char label[16], bytes[300];

        memset(bytes, 'b', sizeof(bytes));
        healer_rollback_destroy(rollback);
        config.bytes_max = 1000;
        config.each_max = 64;
        ck_assert_int_eq(healer_rollback_create(&config, &ops, &rollback), HEALER_OK);
        keep("good", "g", 1, true);
        for (int i = 0; i < 50; i++) {
                snprintf(label, sizeof(label), "v%d", i);
                memset(bytes, 'a' + i % 26, sizeof(bytes));
                keep(label, bytes, sizeof(bytes), false);
                ck_assert_uint_le(healer_rollback_stats(rollback).bytes, 1000);
        }
        ck_assert_uint_eq(healer_rollback_stats(rollback).snapshots, 4);
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_OK);
        ck_assert_str_eq(last.to, "good");
        ck_assert_int_eq(healer_rollback_keep(rollback, HEALER_ROLLBACK_CONFIG, "orders", "x", bytes,
                                              1001, 1),
                         HEALER_E_FULL);
        ops.apply = calls_back;
        ck_assert_int_eq(healer_rollback_replace(rollback, HEALER_ROLLBACK_PREVIOUS_STATE, &ops),
                         HEALER_OK);
        ck_assert_int_eq(run(HEALER_ROLLBACK_PREVIOUS_STATE), HEALER_OK);
        ck_assert_int_eq(in_callback, HEALER_E_BUSY);
        config.each_max = 0;
        ck_assert_str_eq(healer_rollback_config_check(&config), "each_max: must be 1..64");
}
END_TEST

/* ---- deployment systems */

struct mock {
        const char *name;
        uint32_t started, polled, cancelled;
        enum healer_platform_state state;
        bool refuses;
};

static bool mock_start(void *ctx, const char *component, char *from, char *to, char error[64])
{
        struct mock *mock = ctx;

        (void)component;
        mock->started++;
        strcpy(from, "v8");
        strcpy(to, "v7");
        if (mock->refuses)
                snprintf(error, 64, "401 of %s", mock->name);
        return !mock->refuses;
}

static enum healer_platform_state mock_poll(void *ctx, const char *component, char error[64])
{
        struct mock *mock = ctx;

        (void)component;
        mock->polled++;
        if (mock->state == HEALER_PLATFORM_FAILED)
                snprintf(error, 64, "%s: build of v7 is gone", mock->name);
        return mock->state;
}

static void mock_cancel(void *ctx, const char *component)
{
        (void)component;
        ((struct mock *)ctx)->cancelled++;
}

START_TEST(s2_08_three_platforms_succeed_fail_and_hang_and_the_history_agrees)
{
        struct mock mocks[3] = {{.name = "fine", .state = HEALER_PLATFORM_WORKING},
                                {.name = "broken", .state = HEALER_PLATFORM_WORKING},
                                {.name = "hangs", .state = HEALER_PLATFORM_WORKING}};
        static const char *const components[3] = {"orders", "cart", "pay"};
        struct healer_rollback_result result;
        int64_t next_ns;

        for (int i = 0; i < 3; i++) {
                const struct healer_platform platform = {mocks[i].name, &mocks[i], mock_start,
                                                         mock_poll, mock_cancel};

                ck_assert_int_eq(healer_rollback_platform(rollback, components[i], &platform),
                                 HEALER_OK);
                ck_assert_int_eq(healer_rollback_run(rollback, HEALER_ROLLBACK_DEPLOYMENT,
                                                     components[i], 0, &result),
                                 HEALER_OK);
                ck_assert_int_eq(result.ended_ns, HEALER_NEVER);
        }
        ck_assert_int_eq(healer_rollback_run(rollback, HEALER_ROLLBACK_DEPLOYMENT, "pay", 1, &result),
                         HEALER_E_EXISTS);
        mocks[0].state = HEALER_PLATFORM_DONE;
        mocks[1].state = HEALER_PLATFORM_FAILED;
        ck_assert_int_eq(healer_rollback_poll(rollback, 30 * S, &next_ns), HEALER_OK);
        ck_assert_int_eq(next_ns, 600 * S);
        ck_assert_uint_eq(ends, 2);
        ck_assert_str_eq(healer_rollback_past(rollback, 1)->component, "orders");
        ck_assert(healer_rollback_past(rollback, 1)->success);
        ck_assert_str_eq(healer_rollback_past(rollback, 1)->from, "v8");
        ck_assert_str_eq(healer_rollback_past(rollback, 1)->to, "v7");
        ck_assert(!healer_rollback_past(rollback, 0)->success);
        ck_assert_str_eq(healer_rollback_past(rollback, 0)->error, "broken: build of v7 is gone");

        ck_assert_int_eq(healer_rollback_poll(rollback, 600 * S - 1, &next_ns), HEALER_OK);
        ck_assert_uint_eq(ends, 2);
        ck_assert_int_eq(healer_rollback_poll(rollback, 600 * S, &next_ns), HEALER_OK);
        ck_assert_uint_eq(ends, 3);
        ck_assert_str_eq(last.error, "the platform did not end in time");
        ck_assert_uint_eq(mocks[2].cancelled, 1);
        ck_assert_uint_eq(escalated, 2);
        /* it still runs there, so nothing else is begun; its late success is no result */
        ck_assert_int_eq(healer_rollback_run(rollback, HEALER_ROLLBACK_DEPLOYMENT, "pay", 601 * S,
                                             &result),
                         HEALER_E_EXISTS);
        mocks[2].state = HEALER_PLATFORM_DONE;
        ck_assert_int_eq(healer_rollback_poll(rollback, 700 * S, &next_ns), HEALER_OK);
        ck_assert_uint_eq(ends, 3);
        ck_assert_uint_eq(healer_rollback_stats(rollback).late, 1);
        ck_assert_uint_eq(healer_rollback_stats(rollback).working, 0);
        ck_assert_int_eq(healer_rollback_run(rollback, HEALER_ROLLBACK_DEPLOYMENT, "pay", 701 * S,
                                             &result),
                         HEALER_OK);
}
END_TEST

START_TEST(s1_32_a_deployment_system_is_a_hook_and_one_that_refuses_or_is_missing_is_handled)
{
        struct mock mock = {.name = "any", .refuses = true};
        const struct healer_platform platform = {"any", &mock, mock_start, mock_poll, NULL};
        struct healer_rollback_result result;

        ck_assert_int_eq(healer_rollback_run(rollback, HEALER_ROLLBACK_DEPLOYMENT, "orders", 0, &result),
                         HEALER_E_FAILED);
        ck_assert_str_eq(result.error, "no platform for it");
        ck_assert_int_eq(healer_rollback_platform(rollback, "", &platform), HEALER_OK);
        ck_assert_int_eq(healer_rollback_run(rollback, HEALER_ROLLBACK_DEPLOYMENT, "orders", 0, &result),
                         HEALER_E_FAILED);
        ck_assert_str_eq(result.error, "401 of any");
        ck_assert_uint_eq(escalated, 2);
        ck_assert_uint_eq(mock.started, 1);
}
END_TEST

START_TEST(more_rollbacks_at_a_time_than_can_be_watched_fail_and_none_is_started)
{
        struct mock mock = {.name = "any", .state = HEALER_PLATFORM_WORKING};
        const struct healer_platform platform = {"any", &mock, mock_start, mock_poll, NULL};
        struct healer_rollback_result result;
        uint32_t most = 0;
        char name[16];

        ck_assert_int_eq(healer_rollback_platform(rollback, "", &platform), HEALER_OK);
        for (; most < 1000; most++) {
                snprintf(name, sizeof(name), "s%u", most);
                if (healer_rollback_run(rollback, HEALER_ROLLBACK_DEPLOYMENT, name, 0, &result) != HEALER_OK)
                        break;
        }
        ck_assert_uint_eq(most, healer_rollback_config_defaults().platforms_max);
        ck_assert_str_eq(result.error, "too many at a time");
        ck_assert_uint_eq(mock.started, most);
        ck_assert_uint_eq(healer_rollback_stats(rollback).working, most);
}
END_TEST

/* ---- reconnecting */

static int64_t now_ns, back_at_ns, probes_ns[16];
static uint32_t probe_count, pools_closed, end_tries;
static bool end_recovered;

static uint32_t close_pool(void *ctx)
{
        (void)ctx;
        pools_closed++;
        return 7;
}

static bool probe(void *ctx)
{
        (void)ctx;
        probes_ns[probe_count++ % 16] = now_ns;
        return now_ns >= back_at_ns;
}

static void reconnect_ended(void *ctx, bool recovered, uint32_t tries)
{
        (void)ctx;
        end_recovered = recovered;
        end_tries = tries;
}

static struct healer_reconnect *reconnecting(int64_t back_ns)
{
        struct healer_reconnect_config reconnect = healer_reconnect_config_defaults();
        struct healer_reconnect *out;

        reconnect.close_pool = close_pool;
        reconnect.probe = probe;
        reconnect.on_end = reconnect_ended;
        back_at_ns = back_ns;
        now_ns = 0;
        probe_count = pools_closed = end_tries = 0;
        ck_assert_int_eq(healer_reconnect_create(&reconnect, &out), HEALER_OK);
        return out;
}

static void run_until(struct healer_reconnect *reconnect, int64_t next_ns)
{
        while (next_ns != HEALER_NEVER) {
                now_ns = next_ns - 1;
                ck_assert_int_eq(healer_reconnect_poll(reconnect, now_ns, &next_ns), HEALER_OK);
                now_ns = next_ns;
                ck_assert_int_eq(healer_reconnect_poll(reconnect, now_ns, &next_ns), HEALER_OK);
        }
}

START_TEST(s2_10_probes_come_after_1_2_4_8_and_16_seconds_and_no_more)
{
        struct healer_reconnect *reconnect = reconnecting(HEALER_NEVER);
        int64_t next_ns;

        ck_assert(healer_reconnect_error(reconnect, 1, 0, &next_ns));
        run_until(reconnect, next_ns);
        ck_assert_uint_eq(probe_count, 5);
        for (int i = 0; i < 5; i++)
                ck_assert_int_eq(probes_ns[i], ((INT64_C(2) << i) - 1) * S);
        ck_assert(!end_recovered);
        ck_assert_uint_eq(end_tries, 5);
        ck_assert_uint_eq(healer_reconnect_stats(reconnect).given_up, 1);
        healer_reconnect_destroy(reconnect);
}
END_TEST

START_TEST(s2_10_a_database_that_is_back_at_10_s_is_reached_by_the_fourth_probe)
{
        struct healer_reconnect *reconnect = reconnecting(10 * S);
        int64_t next_ns;

        ck_assert(healer_reconnect_error(reconnect, 1, 0, &next_ns));
        run_until(reconnect, next_ns);
        ck_assert(end_recovered);
        ck_assert_uint_eq(end_tries, 4);
        ck_assert_int_eq(now_ns, 15 * S);
        ck_assert_uint_eq(healer_reconnect_stats(reconnect).last_tries, 4);
        healer_reconnect_destroy(reconnect);
}
END_TEST

START_TEST(s2_11_a_burst_of_a_hundred_errors_is_one_trigger_and_stale_connections_are_not_used)
{
        struct healer_reconnect *reconnect = reconnecting(0);
        uint64_t before = healer_reconnect_generation(reconnect);
        uint32_t triggers = 0;
        int64_t next_ns = 0;

        ck_assert(healer_reconnect_usable(reconnect, before));
        for (int i = 0; i < 100; i++)
                triggers += healer_reconnect_error(reconnect, before, i, &next_ns);
        ck_assert_uint_eq(triggers, 1);
        ck_assert_uint_eq(pools_closed, 1);
        ck_assert_uint_eq(healer_reconnect_stats(reconnect).closed, 7);
        ck_assert(!healer_reconnect_usable(reconnect, healer_reconnect_generation(reconnect)));
        run_until(reconnect, next_ns);
        ck_assert(end_recovered);
        ck_assert(!healer_reconnect_usable(reconnect, before));
        ck_assert(healer_reconnect_usable(reconnect, healer_reconnect_generation(reconnect)));
        /* an error that an old connection still reports is no news */
        ck_assert(!healer_reconnect_error(reconnect, before, 60 * S, &next_ns));
        ck_assert_int_eq(next_ns, HEALER_NEVER);
        ck_assert(healer_reconnect_error(reconnect, healer_reconnect_generation(reconnect), 60 * S,
                                         &next_ns));
        healer_reconnect_destroy(reconnect);
}
END_TEST

/* ---- procedures */

static char trace[256];

static bool do_step(void *ctx, const struct healer_step *step, void *request)
{
        (void)ctx;
        snprintf(trace + strlen(trace), sizeof(trace) - strlen(trace), "%s*%g ",
                 healer_actions[step->kind].name, step->amount);
        return request == NULL || step->kind != *(enum healer_action_kind *)request;
}

static bool undo_step(void *ctx, const struct healer_step *step, void *request)
{
        (void)ctx;
        (void)request;
        snprintf(trace + strlen(trace), sizeof(trace) - strlen(trace), "-%s ",
                 healer_actions[step->kind].name);
        return true;
}

static bool own_restart(void *ctx, const struct healer_step *step, void *request)
{
        (void)step;
        (void)request;
        snprintf(trace + strlen(trace), sizeof(trace) - strlen(trace), "mine ");
        return *(bool *)ctx;
}

START_TEST(s1_32_procedures_of_the_callers_own_replace_the_built_in_and_their_failure_is_undone)
{
        struct healer_procedures_config c = healer_procedures_config_defaults();
        enum healer_action_kind bad = HEALER_ACTION_ENABLE_MONITORING;
        const struct healer_procedure own = {.failure = HEALER_FAILURE_MEMORY_EXHAUSTION,
                                             .severity = HEALER_SEVERITY_CRITICAL,
                                             .count = 1,
                                             .steps = {{HEALER_ACTION_CLEAN_MEMORY, 0}},
                                             .prior_rate = 0.5,
                                             .estimate_ns = S};
        struct healer_procedure_result result;
        struct healer_procedures *procedures;
        bool restarts = false;

        c.act = do_step;
        c.undo = undo_step;
        ck_assert_int_eq(healer_procedures_create(&c, &procedures), HEALER_OK);
        result = healer_procedures_run(procedures, HEALER_FAILURE_MEMORY_EXHAUSTION,
                                       HEALER_SEVERITY_CRITICAL, NULL);
        ck_assert_int_eq(result.err, HEALER_OK);
        ck_assert_str_eq(trace, "restart_service*0 increase_resources*2 enable_monitoring*0 ");
        trace[0] = '\0';
        result = healer_procedures_run(procedures, HEALER_FAILURE_MEMORY_EXHAUSTION,
                                       HEALER_SEVERITY_CRITICAL, &bad);
        ck_assert_int_eq(result.err, HEALER_E_FAILED);
        ck_assert_uint_eq(result.failed_kind, bad);
        ck_assert_uint_eq(result.undone, 2);
        ck_assert_ptr_nonnull(strstr(trace, "-increase_resources -restart_service "));
        /* a kind's own handler, and its failure */
        trace[0] = '\0';
        ck_assert_int_eq(healer_procedures_handle(procedures, HEALER_ACTION_RESTART_SERVICE,
                                                  own_restart, &restarts),
                         HEALER_OK);
        result = healer_procedures_run(procedures, HEALER_FAILURE_MEMORY_EXHAUSTION,
                                       HEALER_SEVERITY_CRITICAL, NULL);
        ck_assert_int_eq(result.err, HEALER_E_FAILED);
        ck_assert_str_eq(trace, "mine ");
        /* one success of three, behind a prior of four at .85 */
        ck_assert(fabs(healer_procedures_rate(procedures, HEALER_FAILURE_MEMORY_EXHAUSTION,
                                              HEALER_SEVERITY_CRITICAL) -
                       (4 * 0.85 + 1) / 7) < 1e-12);
        trace[0] = '\0';
        ck_assert_int_eq(healer_procedures_register(procedures, &own), HEALER_OK);
        result = healer_procedures_run(procedures, HEALER_FAILURE_MEMORY_EXHAUSTION,
                                       HEALER_SEVERITY_CRITICAL, NULL);
        ck_assert_str_eq(trace, "clean_memory*0 ");
        /* a missing severity falls to the next lower, and below the lowest there is none */
        ck_assert_ptr_eq(healer_procedures_find(procedures, HEALER_FAILURE_NETWORK_TIMEOUT,
                                                HEALER_SEVERITY_CRITICAL),
                         healer_procedures_find(procedures, HEALER_FAILURE_NETWORK_TIMEOUT,
                                                HEALER_SEVERITY_HIGH));
        ck_assert_int_eq(healer_procedures_run(procedures, HEALER_FAILURE_NETWORK_TIMEOUT,
                                               HEALER_SEVERITY_LOW, NULL)
                                 .err,
                         HEALER_E_NOT_FOUND);
        healer_procedures_destroy(procedures);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("rollback");
        TCase *tcase = tcase_create("rollback"), *others = tcase_create("others");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, s2_07_the_last_verified_state_is_restored_byte_for_byte);
        tcase_add_test(tcase, s2_07_with_nothing_to_go_back_to_it_fails_cleanly_and_escalates);
        tcase_add_test(tcase, s3_18_a_corrupt_checkpoint_is_rejected_and_the_older_one_used);
        tcase_add_test(tcase, s3_18_when_no_checkpoint_is_valid_nothing_is_applied);
        tcase_add_test(tcase, what_runs_and_is_verified_is_restored_when_it_is_the_only_one);
        tcase_add_test(tcase,
                       s1_32_a_manager_of_the_callers_own_replaces_the_built_in_and_its_failure_is_handled);
        tcase_add_test(tcase, snapshots_are_bounded_and_the_one_to_go_back_to_is_dropped_last);
        tcase_add_test(tcase, s2_08_three_platforms_succeed_fail_and_hang_and_the_history_agrees);
        tcase_add_test(tcase,
                       s1_32_a_deployment_system_is_a_hook_and_one_that_refuses_or_is_missing_is_handled);
        tcase_add_test(tcase, more_rollbacks_at_a_time_than_can_be_watched_fail_and_none_is_started);
        tcase_add_test(others, s2_10_probes_come_after_1_2_4_8_and_16_seconds_and_no_more);
        tcase_add_test(others, s2_10_a_database_that_is_back_at_10_s_is_reached_by_the_fourth_probe);
        tcase_add_test(others,
                       s2_11_a_burst_of_a_hundred_errors_is_one_trigger_and_stale_connections_are_not_used);
        tcase_add_test(others,
                       s1_32_procedures_of_the_callers_own_replace_the_built_in_and_their_failure_is_undone);
        suite_add_tcase(suite, tcase);
        suite_add_tcase(suite, others);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
