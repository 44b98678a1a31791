/* The table of options and what is refused. */
#include <check.h>

#include <math.h>
#include <string.h>

#include "healer/config.h"

START_TEST(defaults_are_sound)
{
        struct healer_config config;
        char reason[160];

        healer_config_defaults(&config);
        ck_assert_ptr_null(healer_config_check(&config, reason, sizeof(reason)));
}
END_TEST

START_TEST(every_option_is_found_set_and_read_back)
{
        const struct healer_option *option = &healer_options[_i];
        struct healer_config before, after;
        double value;

        healer_config_defaults(&before);
        after = before;
        ck_assert_ptr_eq(healer_option_find(option->path), option);
        ck_assert_double_eq_tol(healer_option_get(&before, option), option->fallback, 1e-9);
        value = option->fallback == option->max ? option->min : option->max;
        healer_option_set(&after, option, value);
        ck_assert_double_eq_tol(healer_option_get(&after, option), value,
                                fabs(value) * 1e-12 + 1e-12);
        ck_assert_int_ne(memcmp(&before, &after, sizeof(before)), 0);
        ck_assert_uint_gt(strlen(option->summary), 0);
}
END_TEST

START_TEST(no_two_options_share_a_field_or_a_path)
{
        size_t i;

        for (i = 0; i < (size_t)_i; i++) {
                ck_assert_str_ne(healer_options[i].path, healer_options[_i].path);
                ck_assert_uint_ne(healer_options[i].offset, healer_options[_i].offset);
        }
}
END_TEST

START_TEST(a_value_outside_is_refused_by_name)
{
        const struct healer_option *option = &healer_options[_i];
        struct healer_config config;
        char reason[160];

        if (option->kind == HEALER_OPTION_BOOL || option->max >= 4294967295.0)
                return;
        healer_config_defaults(&config);
        healer_option_set(&config, option, option->max * 2 + 1);
        ck_assert_ptr_nonnull(healer_config_check(&config, reason, sizeof(reason)));
        ck_assert_ptr_nonnull(strstr(reason, option->path));
}
END_TEST

START_TEST(not_a_number_is_refused)
{
        const struct healer_option *option = healer_option_find("detection.thresholds.cpu.warning");
        struct healer_config config;
        char reason[160];

        healer_config_defaults(&config);
        healer_option_set(&config, option, NAN);
        ck_assert_ptr_nonnull(healer_config_check(&config, reason, sizeof(reason)));
}
END_TEST

START_TEST(contradictions_are_refused)
{
        struct healer_config config;
        char reason[160];

        healer_config_defaults(&config);
        config.detection.thresholds[HEALER_METRIC_DISK].warning = 0.99;
        ck_assert_ptr_nonnull(strstr(healer_config_check(&config, reason, sizeof(reason)), "disk"));
        healer_config_defaults(&config);
        config.prediction.auto_apply = 0.5;
        ck_assert_ptr_nonnull(
                strstr(healer_config_check(&config, reason, sizeof(reason)), "auto_apply"));
        healer_config_defaults(&config);
        config.health.fatal = 0.9;
        ck_assert_ptr_nonnull(
                strstr(healer_config_check(&config, reason, sizeof(reason)), "health"));
        healer_config_defaults(&config);
        config.recovery.strategies[0].count = HEALER_RUNGS_MAX + 1;
        ck_assert_ptr_nonnull(
                strstr(healer_config_check(&config, reason, sizeof(reason)), "strategies"));
        healer_config_defaults(&config);
        config.size = 4;
        ck_assert_ptr_nonnull(strstr(healer_config_check(&config, reason, sizeof(reason)), "size"));
}
END_TEST

START_TEST(every_failure_has_a_ladder_that_ends_with_a_human)
{
        const struct healer_ladder *ladder;
        struct healer_config config;

        healer_config_defaults(&config);
        ladder = &config.recovery.strategies[_i];
        ck_assert_uint_gt(ladder->count, 0);
        ck_assert_int_eq(ladder->rungs[ladder->count - 1], HEALER_ACTION_ESCALATE);
        ck_assert_int_eq(healer_failure_of(healer_failures[_i].name), _i);
}
END_TEST

START_TEST(every_word_is_found_by_its_name)
{
        int i;

        for (i = 0; i < HEALER_ACTION_COUNT; i++)
                ck_assert_int_eq(healer_action_of(healer_actions[i].name), i);
        for (i = 0; i < HEALER_METRIC_COUNT; i++)
                ck_assert_int_eq(healer_metric_of(healer_metrics[i].name), i);
        for (i = 0; i < HEALER_SEVERITY_COUNT; i++)
                ck_assert_int_eq(healer_severity_of(healer_severity_names[i]), i);
        ck_assert_int_eq(healer_action_of("reboot"), HEALER_ACTION_COUNT);
        ck_assert_int_eq(healer_failure_of(NULL), HEALER_FAILURE_COUNT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("healer_config");
        TCase *tcase = tcase_create("healer_config");
        SRunner *runner = srunner_create(suite);
        int count = (int)healer_option_count;
        int failed;

        tcase_add_test(tcase, defaults_are_sound);
        tcase_add_loop_test(tcase, every_option_is_found_set_and_read_back, 0, count);
        tcase_add_loop_test(tcase, no_two_options_share_a_field_or_a_path, 0, count);
        tcase_add_loop_test(tcase, a_value_outside_is_refused_by_name, 0, count);
        tcase_add_test(tcase, not_a_number_is_refused);
        tcase_add_test(tcase, contradictions_are_refused);
        tcase_add_loop_test(tcase, every_failure_has_a_ladder_that_ends_with_a_human, 0,
                            HEALER_FAILURE_COUNT);
        tcase_add_test(tcase, every_word_is_found_by_its_name);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
