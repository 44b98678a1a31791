/* test_escalate.c - escalation: channels, acknowledgement, manual incidents, approval.
 *
 * The escalator by itself, then the supervisor's own deadline and its questions.
 */
#include <check.h>

#include "healer/escalate.h"
#include "tests/healer_rig.h"

static struct healer_escalator_config config;
static struct healer_escalator *escalator;
static struct healer_escalation heard[16];
static uint32_t heard_count;
static enum healer_err called_back;

static bool hear(void *ctx, const struct healer_escalation *what)
{
        ck_assert_ptr_nonnull(what->component);
        heard[heard_count++ % 16] = *what;
        return ctx == NULL;
}

static bool call_back_in(void *ctx, const struct healer_escalation *what)
{
        (void)ctx;
        called_back = healer_escalator_raise(escalator, what, what->at_ns);
        return true;
}

static void setup(void)
{
        config = healer_escalator_config_defaults();
        ck_assert_int_eq(healer_escalator_create(&config, &escalator), HEALER_OK);
        heard_count = 0;
}

static void teardown(void)
{
        healer_escalator_destroy(escalator);
}

static struct healer_escalation incident(uint64_t key, enum healer_severity severity)
{
        return (struct healer_escalation){.key = key,
                                          .severity = severity,
                                          .failure = HEALER_FAILURE_DISK_FULL,
                                          .component = "orders",
                                          .context = "free_disk failed twice"};
}

START_TEST(s3_19_all_channels_of_the_level_are_called_and_a_missing_handler_is_a_failure)
{
        struct healer_escalation one = incident(1, HEALER_SEVERITY_CRITICAL);
        uint64_t delivered, failed;

        ck_assert_int_eq(healer_escalator_channel(escalator, "log", HEALER_ESCALATION_WARNING, hear,
                                                  NULL),
                         HEALER_OK);
        ck_assert_int_eq(healer_escalator_channel(escalator, "chat", HEALER_ESCALATION_CRITICAL, hear,
                                                  NULL),
                         HEALER_OK);
        ck_assert_int_eq(healer_escalator_channel(escalator, "pager", HEALER_ESCALATION_EMERGENCY,
                                                  NULL, NULL),
                         HEALER_OK);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 5), HEALER_OK);
        ck_assert_uint_eq(heard_count, 2);
        ck_assert_uint_eq(heard[0].level, HEALER_ESCALATION_EMERGENCY);
        ck_assert(heard[0].manual);
        ck_assert_int_eq(healer_escalator_channel_stats(escalator, "pager", &delivered, &failed),
                         HEALER_OK);
        ck_assert_uint_eq(delivered, 0);
        ck_assert_uint_eq(failed, 1);
        one = incident(2, HEALER_SEVERITY_MEDIUM);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 6), HEALER_OK);
        ck_assert_uint_eq(heard_count, 3); /* the log alone */
        ck_assert(!heard[2].manual);
}
END_TEST

START_TEST(a_channel_that_fails_or_is_not_there_is_counted_and_told)
{
        struct healer_escalation one = incident(1, HEALER_SEVERITY_HIGH);
        int no = 0;

        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 5), HEALER_E_FAILED);
        ck_assert_uint_eq(healer_escalator_stats(escalator).unheard, 1);
        ck_assert_int_eq(healer_escalator_channel(escalator, "chat", 0, hear, &no), HEALER_OK);
        one.key = 2;
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 5), HEALER_E_FAILED);
        ck_assert_uint_eq(healer_escalator_stats(escalator).failed, 1);
        ck_assert_uint_eq(healer_escalator_stats(escalator).open, 2);
        ck_assert_int_eq(healer_escalator_channel(escalator, "", 0, hear, NULL), HEALER_E_RANGE);
        ck_assert_int_eq(healer_escalator_channel(escalator, "x", 3, hear, NULL), HEALER_E_RANGE);
}
END_TEST

START_TEST(s1_07_an_alert_that_nobody_acknowledges_goes_up_exactly_at_its_timeout_and_once)
{
        struct healer_escalation one = incident(1, HEALER_SEVERITY_HIGH);
        struct healer_escalation two = incident(2, HEALER_SEVERITY_HIGH);
        int64_t next_ns, limit = 7 + config.timeout_ns;

        (void)healer_escalator_channel(escalator, "chat", HEALER_ESCALATION_WARNING, hear, NULL);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 7), HEALER_OK);
        ck_assert_int_eq(healer_escalator_raise(escalator, &two, 7), HEALER_OK);
        ck_assert_int_eq(healer_escalator_acknowledge(escalator, 2, "ada"), HEALER_OK);
        ck_assert_int_eq(healer_escalator_poll(escalator, limit - 1, &next_ns), HEALER_OK);
        ck_assert_int_eq(next_ns, limit);
        ck_assert_uint_eq(heard_count, 2);
        ck_assert_int_eq(healer_escalator_poll(escalator, limit, &next_ns), HEALER_OK);
        ck_assert_uint_eq(heard_count, 3);
        ck_assert_uint_eq(heard[2].key, 1);
        ck_assert(heard[2].overdue);
        ck_assert_uint_eq(heard[2].level, HEALER_ESCALATION_EMERGENCY);
        ck_assert_int_eq(next_ns, HEALER_NEVER);
        ck_assert_int_eq(healer_escalator_poll(escalator, limit * 10, &next_ns), HEALER_OK);
        ck_assert_uint_eq(heard_count, 3);
        ck_assert_int_eq(healer_escalator_acknowledge(escalator, 2, ""), HEALER_E_RANGE);
        ck_assert_int_eq(healer_escalator_acknowledge(escalator, 3, "ada"), HEALER_E_NOT_FOUND);
}
END_TEST

START_TEST(s3_19_a_manual_incident_stays_open_until_a_person_closes_it)
{
        struct healer_escalation one = incident(1, HEALER_SEVERITY_CRITICAL);
        struct healer_escalation two = incident(2, HEALER_SEVERITY_HIGH);

        (void)healer_escalator_channel(escalator, "chat", 0, hear, NULL);
        (void)healer_escalator_raise(escalator, &one, 1);
        (void)healer_escalator_raise(escalator, &two, 1);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 2), HEALER_E_EXISTS);
        ck_assert_uint_eq(heard_count, 2);
        ck_assert_int_eq(healer_escalator_resolve(escalator, 1), HEALER_E_STATE);
        ck_assert_int_eq(healer_escalator_resolve(escalator, 2), HEALER_OK);
        ck_assert_uint_eq(healer_escalator_stats(escalator).manual_open, 1);
        ck_assert_uint_eq(healer_escalator_stats(escalator).open, 1);
        ck_assert_int_eq(healer_escalator_close(escalator, 1, NULL), HEALER_E_RANGE);
        ck_assert_int_eq(healer_escalator_close(escalator, 1, "ada"), HEALER_OK);
        ck_assert_int_eq(healer_escalator_close(escalator, 1, "ada"), HEALER_E_NOT_FOUND);
        ck_assert_uint_eq(healer_escalator_stats(escalator).open, 0);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 3), HEALER_OK); /* a new one */
}
END_TEST

START_TEST(a_handler_cannot_call_back_in_and_more_than_have_room_are_still_told)
{
        struct healer_escalation one = incident(1, HEALER_SEVERITY_HIGH);
        struct healer_escalator_config small = config;

        healer_escalator_destroy(escalator);
        small.incidents_max = 1;
        ck_assert_int_eq(healer_escalator_create(&small, &escalator), HEALER_OK);
        (void)healer_escalator_channel(escalator, "a", 0, call_back_in, NULL);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 1), HEALER_OK);
        ck_assert_int_eq(called_back, HEALER_E_BUSY);
        one.key = 2;
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 1), HEALER_E_FULL);
        ck_assert_uint_eq(healer_escalator_stats(escalator).delivered, 2);
        ck_assert_uint_eq(healer_escalator_stats(escalator).dropped, 1);
        small.incidents_max = 0;
        ck_assert_str_eq(healer_escalator_config_check(&small), "incidents_max: must be 1..4096");
}
END_TEST

/* ---- the supervisor's own */

static struct rig *rig;

/* Payment is slow, and no answer ever comes from an actuator. */
static void never_mended(void)
{
        rig_slow_edge(rig, TO_PAYMENT, 3, 9);
        rig_slow_instance(rig, INSTANCE(PAYMENT, 0), 9);
}

START_TEST(s1_21_without_a_verified_recovery_by_the_deadline_one_human_is_called_with_the_context)
{
        const struct healer_notice *notice, *opened;
        struct healer_escalation human;
        uint32_t i, calls = 0;
        char text[200];

        rig = rig_create();
        rig->config.escalation.timeout_ns = 300 * RIG_SECOND;
        rig->config.escalation.threshold = 100;
        rig->config.recovery.budget_actions = 100;
        rig->config.recovery.restarts_max = 100;
        for (i = 0; i < HEALER_FAILURE_COUNT; i++) /* a ladder that ends without a human */
                rig->config.recovery.strategies[i] =
                        (struct healer_ladder){1, {HEALER_ACTION_RESTART_INSTANCE}};
        rig_start(rig);
        rig_run(rig, 600);
        never_mended();
        while (rig_first(rig, HEALER_NOTICE_EPISODE_OPENED) == NULL)
                rig_run(rig, 5);
        rig_run(rig, 295);
        ck_assert_uint_gt(rig->order_count, 0); /* it was tried */
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 0);
        rig_run(rig, 5);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 1);
        opened = rig_first(rig, HEALER_NOTICE_EPISODE_OPENED);
        notice = rig_first(rig, HEALER_NOTICE_ESCALATION);
        ck_assert_uint_eq(notice->episode, opened->episode);
        ck_assert_uint_eq(notice->service, PAYMENT);
        ck_assert_uint_ne(notice->failure, HEALER_FAILURE_UNKNOWN);
        ck_assert(notice->confidence > 0);
        ck_assert_int_eq(healer_escalation_of(rig->healer, notice->episode, &human, text,
                                              sizeof(text)),
                         HEALER_OK);
        ck_assert_str_eq(human.component, "payment");
        ck_assert_uint_eq(human.failure, notice->failure);
        ck_assert_ptr_nonnull(strstr(human.context, "tried: restart_instance"));
        ck_assert_ptr_nonnull(strstr(human.context, "; advice to act: "));
        ck_assert_int_eq(healer_escalation_of(rig->healer, 9999, &human, text, sizeof(text)),
                         HEALER_E_NOT_FOUND);
        rig_run(rig, 1200);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 1);
        for (i = 0; i < rig->order_count; i++)
                calls += rig->orders[i].kind == HEALER_ACTION_ESCALATE;
        ck_assert_uint_eq(calls, 1);
        rig_free(rig);
}
END_TEST

/* Until it asks; the episode. */
static uint64_t asks(void)
{
        const struct healer_notice *notice;

        rig = rig_create();
        rig->config.recovery.approval_above = HEALER_SEVERITY_LOW;
        rig->config.recovery.approval_expiry_ns = 600 * RIG_SECOND;
        rig->config.escalation.timeout_ns = 7200 * RIG_SECOND;
        rig_start(rig);
        rig_run(rig, 600);
        never_mended();
        for (int i = 0; i < 60 && rig_first(rig, HEALER_NOTICE_SUGGESTION) == NULL; i++)
                rig_run(rig, 5);
        notice = rig_first(rig, HEALER_NOTICE_SUGGESTION);
        ck_assert_ptr_nonnull(notice);
        ck_assert_uint_ne(notice->action, HEALER_ACTION_COUNT);
        return notice->episode;
}

START_TEST(s2_19_nothing_runs_before_approval_and_only_a_named_one_once_counts)
{
        uint64_t episode = asks();

        rig_run(rig, 60);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_int_eq(healer_approve(rig->healer, episode, ""), HEALER_E_RANGE);
        ck_assert_int_eq(healer_approve(rig->healer, episode, NULL), HEALER_E_RANGE);
        ck_assert_int_eq(healer_approve(rig->healer, episode + 999, "ada"), HEALER_E_NOT_FOUND);
        rig_run(rig, 10);
        ck_assert_uint_eq(rig->order_count, 0);
        ck_assert_int_eq(healer_approve(rig->healer, episode, "ada"), HEALER_OK);
        ck_assert_int_eq(healer_approve(rig->healer, episode, "bob"), HEALER_E_NOT_FOUND);
        rig_run(rig, 10);
        ck_assert_uint_gt(rig->order_count, 0);
        ck_assert_int_eq(healer_reject(rig->healer, episode, "bob"), HEALER_E_NOT_FOUND);
        rig_free(rig);
}
END_TEST

START_TEST(s2_19_a_rejected_plan_never_runs_and_a_human_is_called)
{
        uint64_t episode = asks();

        ck_assert_int_eq(healer_reject(rig->healer, episode, "ada"), HEALER_OK);
        ck_assert_int_eq(healer_approve(rig->healer, episode, "ada"), HEALER_E_NOT_FOUND);
        rig_run(rig, 900);
        for (uint32_t i = 0; i < rig->order_count; i++)
                ck_assert_uint_eq(rig->orders[i].kind, HEALER_ACTION_ESCALATE);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 1);
        rig_free(rig);
}
END_TEST

START_TEST(s2_19_a_question_expires_and_cannot_be_answered_then)
{
        uint64_t episode = asks();

        rig_run(rig, 605);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_ESCALATION), 1);
        ck_assert_int_eq(healer_approve(rig->healer, episode, "ada"), HEALER_E_NOT_FOUND);
        rig_run(rig, 60);
        for (uint32_t i = 0; i < rig->order_count; i++)
                ck_assert_uint_eq(rig->orders[i].kind, HEALER_ACTION_ESCALATE);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("escalate");
        TCase *alone = tcase_create("alone"), *within = tcase_create("supervisor");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(alone, setup, teardown);
        tcase_add_test(alone,
                       s3_19_all_channels_of_the_level_are_called_and_a_missing_handler_is_a_failure);
        tcase_add_test(alone, a_channel_that_fails_or_is_not_there_is_counted_and_told);
        tcase_add_test(alone,
                       s1_07_an_alert_that_nobody_acknowledges_goes_up_exactly_at_its_timeout_and_once);
        tcase_add_test(alone, s3_19_a_manual_incident_stays_open_until_a_person_closes_it);
        tcase_add_test(alone, a_handler_cannot_call_back_in_and_more_than_have_room_are_still_told);
        tcase_add_test(within,
                       s1_21_without_a_verified_recovery_by_the_deadline_one_human_is_called_with_the_context);
        tcase_add_test(within, s2_19_nothing_runs_before_approval_and_only_a_named_one_once_counts);
        tcase_add_test(within, s2_19_a_rejected_plan_never_runs_and_a_human_is_called);
        tcase_add_test(within, s2_19_a_question_expires_and_cannot_be_answered_then);
        suite_add_tcase(suite, alone);
        suite_add_tcase(suite, within);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
