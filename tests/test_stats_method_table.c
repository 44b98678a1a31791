/* test_stats_method_table.c - every row of the table: what it refuses, and that it never prints
 * what is not a number. */
#include "tests/stats_reference.h"

/* ----------------------------------------------------------- allocations that fail when told to */

static size_t allocations_left = SIZE_MAX; /* until the one that fails */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool allocation_fails(void)
{
        if (allocations_left == SIZE_MAX)
                return false;
        if (allocations_left == 0) {
                allocations_left = SIZE_MAX;
                return true;
        }
        allocations_left--;
        return false;
}

void *__wrap_malloc(size_t size)
{
        return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
        return allocation_fails() ? NULL : __real_calloc(count, size);
}

/* Runs a method on JSON text; the answer or NULL with the message. */
static json_t *run(const char *method, const char *text, char message[256])
{
        json_error_t error;
        json_t *input = json_loads(text, JSON_DECODE_ANY, &error), *out;
        int status;

        ck_assert_msg(input != NULL, "%s: %s", text, error.text);
        message[0] = '\0';
        status = stats_method_run(method, input, &out, message, 256);
        json_decref(input);
        ck_assert((status == 0) == (out != NULL));
        ck_assert((status == 0) == (message[0] == '\0'));
        return out;
}

static void assert_refused(const char *method, const char *text, const char *expected)
{
        char message[256];

        ck_assert_ptr_null(run(method, text, message));
        ck_assert_str_eq(message, expected);
}

START_TEST(each_mistake_has_one_message_that_says_what_would_be_right)
{
        assert_refused("mean_q", "{}", "no method named 'mean_q' (nearest: 'mean_t')");
        assert_refused(
                "mean_t", "[1, 2]",
                "input: found an array where an object with the fields of a method should be");
        assert_refused("mean_t", "{}", "values: missing; mean_t needs it (the numbers)");
        assert_refused("mean_t", "{\"values\": 3}", "values: found 3 where an array should be");
        assert_refused("mean_t", "{\"values\": [1, \"two\"]}",
                       "values[1]: found \"two\" where a number should be");
        assert_refused("mean_t", "{\"values\": [1, null]}",
                       "values[1]: found null where a number should be");
        assert_refused("mean_t", "{\"valeus\": [1]}",
                       "valeus: unknown field; mean_t takes values, confidence");
        assert_refused("mean_t", "{\"values\": [1], \"confidence\": 95}",
                       "confidence: found 95 where a number between 0 and 1 should be");
        assert_refused("mean_t", "{\"values\": [1], \"confidence\": 1}",
                       "confidence: found 1 where a number between 0 and 1 should be");
        assert_refused("wilson", "{\"successes\": 5, \"trials\": 3}",
                       "successes: 5 is more than the 3 trials");
        assert_refused("wilson", "{\"successes\": 1.5, \"trials\": 3}",
                       "successes: found 1.5 where a whole number should be");
        assert_refused("wilson", "{\"successes\": -1, \"trials\": 3}",
                       "successes: found -1 where a whole number should be");
        assert_refused("poisson_rate", "{\"events\": 1, \"exposure\": 0}",
                       "exposure: found 0 where a number above 0 should be");
        assert_refused("ratio", "{\"numerators\": [1], \"denominators\": [1, 2]}",
                       "denominators: has 2 entries where numerators has 1; give one for each");
        assert_refused("ratio", "{\"numerators\": [1], \"denominators\": [-1]}",
                       "denominators[0]: found -1 where a number of at least 0 should be");
        assert_refused("ratio", "{\"numerators\": [-1], \"denominators\": [1], \"kind\": \"rate\"}",
                       "numerators[0]: -1 is below 0, which a rate cannot be");
        assert_refused(
                "ratio", "{\"numerators\": [1], \"denominators\": [1], \"kind\": \"odds\"}",
                "kind: found \"odds\" where one of proportion, rate, share, plain should be");
        assert_refused("kaplan_meier", "{\"times\": [1, -2], \"ended\": [1, 1]}",
                       "times[1]: found -2 where a number of at least 0 should be");
        assert_refused("kaplan_meier", "{\"times\": [1], \"ended\": [2]}",
                       "ended[0]: found 2 where true or false should be");
        assert_refused("restricted_mean",
                       "{\"times\": [1], \"ended\": [true], \"tau\": 5, \"clusters\": [1, 2]}",
                       "clusters: has 2 entries where times has 1; give one for each");
        assert_refused("paired_t", "{\"a\": [1]}",
                       "differences: give either these, or both a and b, but not a mixture");
        assert_refused("paired_t", "{\"a\": [1e308], \"b\": [-1e308]}",
                       "a[0]: minus b[0] is too large a number");
        assert_refused("variance_ratio", "{\"a\": [1]}",
                       "b: missing; variance_ratio needs a and b");
        assert_refused("holm", "{\"p_values\": [0.1, 1.5]}",
                       "p_values[1]: found 1.5 where a number from 0 to 1 should be");
        assert_refused("mcnemar", "{\"only_a\": 2, \"only_b\": 2, \"pairs\": 3}",
                       "pairs: 3 is less than only_a and only_b together (4)");
        assert_refused("power", "{\"effect\": 1, \"deviation\": 1, \"pairs\": 1}",
                       "pairs: found 1 where a whole number from 2 to 1000000000 should be");
        assert_refused("detectable_effect", "{\"deviation\": 1, \"pairs\": 9, \"power\": 0.01}",
                       "power: 0.01 is not above alpha (0.05)");
        assert_refused("bca", "{\"differences\": [1, 2], \"replicates\": 5}",
                       "replicates: found 5 where a whole number from 99 to 1000000 should be");
}
END_TEST

static void assert_no_infinity(const char *method, const json_t *value)
{
        const char *key;
        json_t *inner;
        size_t i;

        json_object_foreach((json_t *)(uintptr_t)value, key, inner)
                assert_no_infinity(method, inner);
        json_array_foreach(value, i, inner) assert_no_infinity(method, inner);
        if (json_is_real(value))
                ck_assert_msg(isfinite(json_real_value(value)), "%s", method);
}

/* Arrays to try in every field that takes one: none, one, equal, wide, tiny and many numbers. */
static json_t *array_of(const struct stats_field *field, size_t pattern)
{
        static const size_t sizes[] = {0, 1, 4, 3, 2, 60, 5};
        json_t *array = json_array();
        size_t n = sizes[pattern], i;
        size_t step = strcmp(field->name, "b") ? 7 : 5; /* so that b is not a */

        for (i = 0; i < n; i++) {
                double numbers[] = {
                        0, 3.5, 0.1, (i % 2 ? 1e300 : 7e299), 1e-320, 10. + (double)(i * step % 11),
                        0};
                double number = numbers[pattern];

                if (field->kind == STATS_FIELD_FLAGS)
                        json_array_append_new(array, json_boolean(pattern != 6 && i % 3));
                else if (field->kind == STATS_FIELD_COUNTS)
                        json_array_append_new(array, json_integer((json_int_t)(i / 2)));
                else
                        json_array_append_new(
                                array,
                                json_real(field->max == 1 && number > 1 ? 1 / number : number));
        }
        return array;
}

static json_t *input_of(const struct stats_method *method, size_t pattern, double scalar)
{
        json_t *input = json_object();
        size_t i;

        for (i = 0; method->fields[i]; i++) {
                const struct stats_field *field = method->fields[i];
                json_t *value = NULL;

                if (!strcmp(field->name, "differences") && pattern % 2)
                        continue;
                if ((!strcmp(field->name, "a") || !strcmp(field->name, "b")) && pattern % 2 == 0 &&
                    strcmp(method->name, "variance_ratio"))
                        continue;
                if (field->kind <= STATS_FIELD_FLAGS)
                        value = array_of(field, pattern);
                else if (field->kind == STATS_FIELD_COUNT && field->min == 0)
                        value = json_integer(strstr("trials pairs", field->name) ? 1000 : 7);
                else if (field->kind == STATS_FIELD_COUNT)
                        value = json_integer((json_int_t)field->min);
                else if (field->kind == STATS_FIELD_NUMBER && field->max > 1)
                        value = json_real(scalar);
                else if (field->kind == STATS_FIELD_NUMBER && field->max == 0)
                        value = json_real(-scalar);
                if (value)
                        json_object_set_new(input, field->name, value);
        }
        return input;
}

START_TEST(no_method_prints_nan_or_infinity_whatever_the_numbers)
{
        static const double scalars[] = {1, 1e-300, 1e300, 60};
        const struct stats_method *method;
        size_t row, pattern, s, answered = 0;
        char message[256];
        json_t *input, *out;

        for (row = 0; (method = stats_method_at(row)); row++) {
                for (pattern = 0; pattern < 7; pattern++) {
                        for (s = 0; s < 4; s++) {
                                input = input_of(method, pattern, scalars[s]);
                                message[0] = '\0';
                                if (stats_method_run(method->name, input, &out, message,
                                                     sizeof(message)) == 0)
                                        answered++;
                                else
                                        ck_assert_msg(message[0] != '\0', "%s", method->name);
                                assert_no_infinity(method->name, out);
                                json_decref(out);
                                json_decref(input);
                        }
                }
        }
        ck_assert_uint_gt(answered, row * 7 * 4 * 9 / 10);
}
END_TEST

START_TEST(every_answer_has_its_n)
{
        const struct stats_method *method;
        char message[256];
        json_t *input, *out;
        size_t row;

        for (row = 0; (method = stats_method_at(row)); row++) {
                input = input_of(method, 5, 60);
                ck_assert_msg(
                        stats_method_run(method->name, input, &out, message, sizeof(message)) == 0,
                        "%s: %s", method->name, message);
                ck_assert_msg(json_is_integer(json_object_get(out, "n")) ||
                                      json_object_get(out, "pairs"),
                              "%s", method->name);
                json_decref(out);
                json_decref(input);
        }
}
END_TEST

START_TEST(each_failed_allocation_is_one_message_and_leaks_nothing)
{
        const struct stats_method *method;
        char message[256];
        json_t *input, *out;
        size_t row, fail, failed = 0;
        int status;

        for (row = 0; (method = stats_method_at(row)); row++) {
                input = input_of(method, 5, 60);
                for (fail = 0;; fail++) {
                        allocations_left = fail;
                        status = stats_method_run(method->name, input, &out, message,
                                                  sizeof(message));
                        allocations_left = SIZE_MAX;
                        if (status == 0)
                                break;
                        ck_assert_ptr_null(out);
                        ck_assert_str_eq(message, "not enough memory for this many numbers");
                        failed++;
                        ck_assert_uint_lt(fail, 1000);
                }
                json_decref(out);
                json_decref(input);
        }
        ck_assert_uint_gt(failed, 50);
}
END_TEST

START_TEST(every_row_explains_itself)
{
        const struct stats_method *method;
        size_t row, i;

        for (row = 0; (method = stats_method_at(row)); row++) {
                ck_assert(strlen(method->summary) > 10 && method->run && method->fields[0]);
                for (i = 0; method->fields[i]; i++) {
                        ck_assert(strlen(method->fields[i]->summary) > 5);
                        ck_assert(method->fields[i]->kind != STATS_FIELD_CHOICE ||
                                  method->fields[i]->choices);
                }
        }
        ck_assert_uint_gt(row, 25);
        ck_assert_ptr_null(stats_method_at(row));
}
END_TEST

START_TEST(what_cannot_be_computed_is_null_with_its_n)
{
        char message[256];
        json_t *out = run("mean_t", "{\"values\": []}", message);

        ck_assert(json_is_null(json_object_get(out, "mean")));
        ck_assert(json_is_null(json_object_get(out, "low")));
        ck_assert_int_eq(json_integer_value(json_object_get(out, "n")), 0);
        json_decref(out);
        out = run("mean_t", "{\"values\": [1e300, -1e300]}", message);
        ck_assert(json_is_null(json_object_get(out, "deviation")));
        ck_assert(json_is_null(json_object_get(out, "low")));
        json_decref(out);
}
END_TEST

START_TEST(pairs_and_their_differences_give_the_same_answer)
{
        char message[256];
        json_t *one = run("wilcoxon", "{\"a\": [3, 5, 9], \"b\": [1, 1, 10]}", message);
        json_t *other = run("wilcoxon", "{\"differences\": [2, 4, -1]}", message);

        ck_assert(json_equal(one, other));
        json_decref(one);
        json_decref(other);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("stats_method_table");
        TCase *tests = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tests);
        tcase_add_test(tests, each_mistake_has_one_message_that_says_what_would_be_right);
        tcase_add_test(tests, no_method_prints_nan_or_infinity_whatever_the_numbers);
        tcase_add_test(tests, every_answer_has_its_n);
        tcase_add_test(tests, each_failed_allocation_is_one_message_and_leaks_nothing);
        tcase_add_test(tests, every_row_explains_itself);
        tcase_add_test(tests, what_cannot_be_computed_is_null_with_its_n);
        tcase_add_test(tests, pairs_and_their_differences_give_the_same_answer);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
