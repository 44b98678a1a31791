/* stats_reference.h - runs the cases of tests/data/stats/<file> and compares with what R gave.
 *
 * Each case names a method, its input, and the fields expected in the answer; other fields of the
 * answer are free. Numbers agree to 1e-9 relative unless the case has a `tolerance` (where R's own
 * way to the value is not that exact); an expected 0 allows 1e-12, null must be null.
 */
#ifndef CHAOS_TESTS_STATS_REFERENCE_H
#define CHAOS_TESTS_STATS_REFERENCE_H

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/stats/method_table.h"

static inline json_t *stats_reference_load(const char *file)
{
        const char *folder = getenv("TEST_DATA");
        char path[1024];
        json_error_t error;
        json_t *root;

        snprintf(path, sizeof(path), "%s/stats/%s", folder ? folder : "tests/data", file);
        root = json_load_file(path, 0, &error);
        ck_assert_msg(json_is_array(root), "%s:%d: %s", path, error.line, error.text);
        ck_assert_uint_gt(json_array_size(root), 0);
        return root;
}

static inline void stats_reference_compare(const char *where, const json_t *expected,
                                           const json_t *got, double tolerance)
{
        char place[256];
        const char *key;
        json_t *value;
        size_t i;

        ck_assert_msg(got != NULL, "%s: not in the answer", where);
        if (json_is_object(expected)) {
                json_object_foreach((json_t *)(uintptr_t)expected, key, value)
                {
                        snprintf(place, sizeof(place), "%.200s.%s", where, key);
                        stats_reference_compare(place, value, json_object_get(got, key), tolerance);
                }
        } else if (json_is_array(expected)) {
                ck_assert_msg(json_array_size(got) == json_array_size(expected),
                              "%s: %zu entries, R has %zu", where, json_array_size(got),
                              json_array_size(expected));
                json_array_foreach(expected, i, value)
                {
                        snprintf(place, sizeof(place), "%.200s[%zu]", where, i);
                        stats_reference_compare(place, value, json_array_get(got, i), tolerance);
                }
        } else if (json_is_number(expected)) {
                double want = json_number_value(expected), have = json_number_value(got);
                double allowed = want == 0 ? 1e-12 : tolerance * fabs(want);

                ck_assert_msg(json_is_number(got) && fabs(have - want) <= allowed,
                              "%s: %.17g, R has %.17g (relative %.3g)", where, have, want,
                              fabs(have / want - 1));
        } else {
                ck_assert_msg(json_equal(got, expected), "%s: differs from R", where);
        }
}

static inline void stats_reference_check(const char *file)
{
        json_t *root = stats_reference_load(file), *one, *out, *tolerance;
        char message[256], where[128];
        const char *method;
        size_t i;

        json_array_foreach(root, i, one)
        {
                method = json_string_value(json_object_get(one, "method"));
                snprintf(where, sizeof(where), "%s[%zu] %s", file, i, method);
                message[0] = '\0';
                ck_assert_msg(stats_method_run(method, json_object_get(one, "input"), &out, message,
                                               sizeof(message)) == 0,
                              "%s: %s", where, message);
                tolerance = json_object_get(one, "tolerance");
                stats_reference_compare(where, json_object_get(one, "expected"), out,
                                        tolerance ? json_number_value(tolerance) : 1e-9);
                json_decref(out);
        }
        json_decref(root);
}

#endif
