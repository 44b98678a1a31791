/* Types and severities of error messages, over a corpus of 200 from real programs and
 * their like: tests/data/messages/corpus.tsv (type, severity, text).
 *
 * "Right" is what a person would say who reads the message alone; the rows of
 * classify.c were written with the corpus at hand, so this holds what was reached and
 * does not foretell how strangers' messages fare. */
#include <check.h>
#include <stdio.h>

#include "tests/healer_rig.h"

struct labelled {
        enum healer_failure failure;
        enum healer_severity severity;
        char text[256];
};

static struct labelled corpus[512];
static uint32_t corpus_count;

static void load(void)
{
        char path[4096], line[512], type[64], severity[32];
        const char *folder = getenv("TEST_DATA");
        FILE *file;

        ck_assert_ptr_nonnull(folder);
        snprintf(path, sizeof(path), "%s/messages/corpus.tsv", folder);
        file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        for (corpus_count = 0; fgets(line, sizeof(line), file) != NULL; corpus_count++) {
                struct labelled *one = &corpus[corpus_count];

                ck_assert_uint_lt(corpus_count, 512);
                ck_assert_int_eq(sscanf(line, "%63[^\t]\t%31[^\t]\t%255[^\n]", type, severity, one->text), 3);
                one->failure = healer_failure_of(type);
                one->severity = healer_severity_of(severity);
                ck_assert_int_lt(one->failure, HEALER_FAILURE_COUNT);
                ck_assert_int_lt(one->severity, HEALER_SEVERITY_COUNT);
        }
        fclose(file);
}

START_TEST(s1_11_nine_in_ten_of_200_messages_are_of_the_right_type)
{
        uint32_t i, right = 0;

        load();
        ck_assert_uint_ge(corpus_count, 200);
        for (i = 0; i < corpus_count; i++) {
                if (healer_classify_text(corpus[i].text) == corpus[i].failure)
                        right++;
                else
                        fprintf(stderr, "# %s: %s\n",
                                healer_failures[healer_classify_text(corpus[i].text)].name, corpus[i].text);
        }
        ck_assert_uint_ge(right * 10, corpus_count * 9);
}
END_TEST

START_TEST(s1_11_each_of_the_types_is_right_in_eight_of_ten)
{
        uint32_t all[HEALER_FAILURE_COUNT] = {0}, right[HEALER_FAILURE_COUNT] = {0};
        uint32_t i, types = 0;

        load();
        for (i = 0; i < corpus_count; i++) {
                all[corpus[i].failure]++;
                right[corpus[i].failure] += healer_classify_text(corpus[i].text) == corpus[i].failure;
        }
        for (i = 0; i < HEALER_FAILURE_COUNT; i++) {
                ck_assert_uint_ge(right[i] * 10, all[i] * 8);
                types += all[i] >= 10;
        }
        ck_assert_uint_ge(types, 8);
}
END_TEST

START_TEST(s1_11_nine_in_ten_are_as_grave_as_they_say)
{
        uint32_t i, right = 0;

        load();
        for (i = 0; i < corpus_count; i++) {
                if (healer_severity_of_text(corpus[i].text) == corpus[i].severity)
                        right++;
                else
                        fprintf(stderr, "# %s: %s\n",
                                healer_severity_names[healer_severity_of_text(corpus[i].text)], corpus[i].text);
        }
        ck_assert_uint_ge(right * 10, corpus_count * 9);
}
END_TEST

/* Situations of metrics have their types from tables: each metric raises its own. */
START_TEST(s1_11_a_metric_beyond_its_limit_is_an_alarm_of_its_type)
{
        static const struct {
                double cpu, memory, disk, tokens, errors;
                enum healer_failure failure;
        } situations[] = {
                {0.3, 0.99, NAN, NAN, 0, HEALER_FAILURE_MEMORY_EXHAUSTION},
                {0.3, 0.4, 0.99, NAN, 0, HEALER_FAILURE_DISK_FULL},
                {0.3, 0.4, NAN, 1, 0, HEALER_FAILURE_TOKEN_EXHAUSTION},
                {0.3, 0.4, NAN, NAN, 0.9, HEALER_FAILURE_EXECUTION_ERROR},
        };
        struct rig *rig = rig_started();
        struct healer_instance_sample *one = &rig->instance[INSTANCE(CART, 1)];

        rig_run(rig, 300);
        one->cpu_ratio = situations[_i].cpu;
        one->memory_ratio = situations[_i].memory;
        one->disk_ratio = situations[_i].disk;
        one->token_ratio = situations[_i].tokens;
        one->error_ratio = situations[_i].errors;
        rig_run(rig, 20);
        ck_assert_ptr_nonnull(rig_first(rig, HEALER_NOTICE_ALARM));
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->failure, situations[_i].failure);
        rig_free(rig);
}
END_TEST

START_TEST(s1_11_what_the_caller_says_is_kept)
{
        const struct healer_failure_seen seen = {HEALER_FAILURE_CONFIGURATION_ERROR, HEALER_SEVERITY_LOW,
                                                 NAN, 0};
        struct rig *rig = rig_started();

        rig_run(rig, 60);
        ck_assert_int_eq(healer_report(rig->healer, rig->now_ns, CART, HEALER_NONE, &seen, HEALER_NEVER),
                         HEALER_OK);
        rig_run(rig, 20);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->failure, HEALER_FAILURE_CONFIGURATION_ERROR);
        ck_assert_int_eq(rig_first(rig, HEALER_NOTICE_ALARM)->severity, HEALER_SEVERITY_LOW);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("classify");
        TCase *tests = tcase_create("classify");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, s1_11_nine_in_ten_of_200_messages_are_of_the_right_type);
        tcase_add_test(tests, s1_11_each_of_the_types_is_right_in_eight_of_ten);
        tcase_add_test(tests, s1_11_nine_in_ten_are_as_grave_as_they_say);
        tcase_add_loop_test(tests, s1_11_a_metric_beyond_its_limit_is_an_alarm_of_its_type, 0, 4);
        tcase_add_test(tests, s1_11_what_the_caller_says_is_kept);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
