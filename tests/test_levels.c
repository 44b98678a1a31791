/* Levels of degradation that usage and rules ask for, in a supervisor that runs. */
#include <check.h>

#include "healer/degrade.h"
#include "tests/healer_rig.h"

static const struct healer_level whole = {"WHOLE", 1, 0, 1, 1, 0, 0, 0};

/* Two levels below full service; memory is watched, by the table of all. */
static struct rig *watching(void)
{
        struct rig *rig = rig_create();

        rig->config.prediction.enabled = false;
        rig->config.degradation.levels = (struct healer_levels){
                3,
                {whole,
                 {"LEAN", 0.7, 0.6, 0.9, 0.8, 6, 1, 0},
                 {"BARE", 0.3, 0.8, 0.4, 0.5, 2, 0, 200}}};
        rig->config.degradation.feature_count = 3;
        rig->config.degradation.features[0] =
                (struct healer_level_feature){"recommendations", 0, 300, 0};
        rig->config.degradation.features[1] = (struct healer_level_feature){"previews", 0, 100, 0};
        rig->config.degradation.features[2] = (struct healer_level_feature){"reviews", 0, 300, 1};
        rig->config.degradation.per_resource[HEALER_METRIC_MEMORY].watched = true;
        return rig;
}

/* The mean of the service's instances is that. */
static void use_memory(struct rig *rig, double ratio)
{
        for (uint32_t i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CART, i)].memory_ratio = ratio;
}

/* Runs, and answers each order as one that sets a level; how many there were. */
static uint32_t run_levels(struct rig *rig, int64_t seconds)
{
        uint32_t before = rig->order_count;

        for (; seconds > 0; seconds -= 5) {
                rig_step(rig);
                rig_answer_all(rig, true);
        }
        return rig->order_count - before;
}

static const struct healer_command *last(const struct rig *rig)
{
        ck_assert_uint_gt(rig->order_count, 0);
        return &rig->orders[rig->order_count - 1];
}

START_TEST(usage_at_a_cut_off_asks_for_its_level_before_anything_is_wrong)
{
        struct rig *rig = watching();

        rig_start(rig);
        use_memory(rig, 0.599);
        ck_assert_uint_eq(run_levels(rig, 300), 0);
        use_memory(rig, 0.6);
        ck_assert_uint_eq(run_levels(rig, 10), 1);
        ck_assert_int_eq(last(rig)->kind, HEALER_ACTION_SET_DEGRADATION);
        ck_assert_uint_eq(last(rig)->service, CART);
        ck_assert_double_eq(last(rig)->amount, 1);
        use_memory(rig, 0.82);
        ck_assert_uint_eq(run_levels(rig, 10), 1);
        ck_assert_double_eq(last(rig)->amount, 2);
        ck_assert_uint_eq(healer_stats(rig->healer).alarms, 0);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_DEGRADATION), 2);
        rig_free(rig);
}
END_TEST

START_TEST(an_order_says_what_its_level_leaves)
{
        struct rig *rig = watching();

        rig_start(rig);
        use_memory(rig, 0.61);
        run_levels(rig, 10);
        ck_assert(last(rig)->level.given);
        ck_assert_double_eq(last(rig)->level.capacity, 0.7);
        ck_assert_double_eq(last(rig)->level.timeout, 0.9);
        ck_assert_double_eq(last(rig)->level.quality, 0.8);
        ck_assert_uint_eq(last(rig)->level.concurrency, 6);
        ck_assert_uint_eq(last(rig)->level.off, 1 | 1 << 2); /* reviews need recommendations */
        use_memory(rig, 0.9);
        run_levels(rig, 10);
        ck_assert_double_eq(last(rig)->level.capacity, 0.3);
        ck_assert_uint_eq(last(rig)->level.off, 7); /* previews are below priority 200 */
        rig_free(rig);
}
END_TEST

START_TEST(without_a_table_a_level_is_known_by_its_number)
{
        struct rig *rig = watching();

        rig->config.degradation.levels.count = 0;
        rig->config.degradation.feature_count = 0;
        rig_start(rig);
        use_memory(rig, 0.849);
        ck_assert_uint_eq(run_levels(rig, 100), 0);
        use_memory(rig, 0.85); /* memory's own, 4a-policies */
        run_levels(rig, 10);
        ck_assert_double_eq(last(rig)->amount, 1);
        ck_assert(!last(rig)->level.given);
        rig_free(rig);
}
END_TEST

START_TEST(a_resource_has_a_table_of_its_own)
{
        struct rig *rig = watching();

        rig->config.degradation.per_resource[HEALER_METRIC_CPU].watched = true;
        rig->config.degradation.per_resource[HEALER_METRIC_CPU].levels =
                (struct healer_levels){2, {whole, {"LESS", 0.5, 0.9, 0.5, 0.7, 0, 0, 0}}};
        rig_start(rig);
        for (uint32_t i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(PAYMENT, i)].cpu_ratio = 0.95;
        run_levels(rig, 10);
        ck_assert_uint_eq(last(rig)->service, PAYMENT);
        ck_assert_double_eq(last(rig)->level.capacity, 0.5);
        rig_free(rig);
}
END_TEST

START_TEST(a_level_goes_back_one_at_a_time_after_its_dwell)
{
        struct rig *rig = watching();

        rig_start(rig);
        use_memory(rig, 0.85);
        run_levels(rig, 10);
        ck_assert_double_eq(last(rig)->amount, 2);
        use_memory(rig, 0.3);
        ck_assert_uint_eq(run_levels(rig, 25), 0);
        ck_assert_uint_eq(run_levels(rig, 15), 1);
        ck_assert_double_eq(last(rig)->amount, 1);
        ck_assert_uint_eq(run_levels(rig, 40), 1);
        ck_assert_double_eq(last(rig)->amount, 0);
        ck_assert_uint_eq(run_levels(rig, 300), 0);
        /* from the first step to the last it is one episode, and the next one is another */
        ck_assert_uint_ne(rig->orders[0].episode, 0);
        ck_assert_uint_eq(last(rig)->episode, rig->orders[0].episode);
        use_memory(rig, 0.85);
        run_levels(rig, 10);
        ck_assert_uint_ne(last(rig)->episode, rig->orders[0].episode);
        rig_free(rig);
}
END_TEST

/* Less is done, so less is used; given back, it is used again. */
START_TEST(a_level_that_relapses_is_kept_twice_as_long_each_time)
{
        struct rig *rig = watching();
        uint32_t in_the_first, in_the_last;

        rig_start(rig);
        for (uint32_t k = 0, before = 0; k < 720; k++) {
                rig_step(rig);
                rig_answer_all(rig, true);
                use_memory(rig, rig->order_count == 0 || last(rig)->amount == 0 ? 0.7 : 0.4);
                if (k == 120)
                        in_the_first = rig->order_count;
                if (k == 600)
                        before = rig->order_count;
                in_the_last = rig->order_count - before;
        }
        ck_assert_uint_ge(in_the_first, 4);
        ck_assert_uint_le(in_the_last, 2);
        rig_free(rig);
}
END_TEST

START_TEST(a_rule_asks_while_its_condition_has_held_for_its_duration)
{
        struct rig *rig = watching();

        rig->config.degradation.per_resource[HEALER_METRIC_MEMORY].watched = false;
        rig->config.degradation.rule_count = 1;
        rig->config.degradation.rules[0] = (struct healer_level_rule){
                .name = "half in use",
                .kind = HEALER_RULE_THRESHOLD,
                .op = HEALER_RULE_GE,
                .metric = HEALER_METRIC_MEMORY,
                .value = 0.5,
                .duration_ns = 30 * RIG_SECOND,
                .level = 2,
        };
        rig_start(rig);
        ck_assert_uint_eq(run_levels(rig, 100), 0);
        use_memory(rig, 0.5);
        ck_assert_uint_eq(run_levels(rig, 30), 0);
        ck_assert_uint_eq(run_levels(rig, 15), 1);
        ck_assert_double_eq(last(rig)->amount, 2);
        use_memory(rig, 0.4);
        ck_assert_uint_eq(run_levels(rig, 60), 1);
        ck_assert_double_eq(last(rig)->amount, 0);
        rig_free(rig);
}
END_TEST

START_TEST(nothing_is_watched_unless_it_is_asked_for_or_when_degrading_is_off)
{
        struct rig *rig = rig_started();

        use_memory(rig, 0.84); /* no alarm yet; 100 % of nothing */
        for (uint32_t i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(CART, i)].cpu_ratio = 0.99;
        run_levels(rig, 100);
        ck_assert_uint_eq(rig_count(rig, HEALER_NOTICE_DEGRADATION), 0);
        rig_free(rig);
        rig = watching();
        rig->config.degradation.enabled = false;
        rig_start(rig);
        use_memory(rig, 0.84);
        ck_assert_uint_eq(run_levels(rig, 100), 0);
        rig_free(rig);
}
END_TEST

START_TEST(a_table_that_is_not_monotone_and_a_rule_that_is_not_sound_are_refused)
{
        struct rig *rig = watching();
        char reason[160];

        rig->config.degradation.levels.rows[2].capacity = 0.7;
        ck_assert_ptr_nonnull(healer_config_check(&rig->config, reason, sizeof(reason)));
        ck_assert_ptr_nonnull(strstr(reason, "degradation.levels: "));
        rig->config.degradation.levels.rows[2].capacity = 0.3;
        ck_assert_ptr_null(healer_config_check(&rig->config, reason, sizeof(reason)));
        rig->config.degradation.rule_count = 1;
        rig->config.degradation.rules[0].level = 3; /* there are 0, 1 and 2 */
        ck_assert_ptr_nonnull(healer_config_check(&rig->config, reason, sizeof(reason)));
        ck_assert_ptr_nonnull(strstr(reason, "degradation.rules: "));
        rig->config.degradation.rule_count = 0;
        rig->config.degradation.features[1].needs = 1 << 1;
        ck_assert_ptr_nonnull(healer_config_check(&rig->config, reason, sizeof(reason)));
        free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("levels");
        TCase *tcase = tcase_create("levels");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, usage_at_a_cut_off_asks_for_its_level_before_anything_is_wrong);
        tcase_add_test(tcase, an_order_says_what_its_level_leaves);
        tcase_add_test(tcase, without_a_table_a_level_is_known_by_its_number);
        tcase_add_test(tcase, a_resource_has_a_table_of_its_own);
        tcase_add_test(tcase, a_level_goes_back_one_at_a_time_after_its_dwell);
        tcase_add_test(tcase, a_level_that_relapses_is_kept_twice_as_long_each_time);
        tcase_add_test(tcase, a_rule_asks_while_its_condition_has_held_for_its_duration);
        tcase_add_test(tcase, nothing_is_watched_unless_it_is_asked_for_or_when_degrading_is_off);
        tcase_add_test(tcase, a_table_that_is_not_monotone_and_a_rule_that_is_not_sound_are_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
