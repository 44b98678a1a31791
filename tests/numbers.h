/* tests/numbers.h - what holds for every number of a result, wherever it stands.
 *
 * A metric object (value, n, unit) has all its keys, a value exactly where n is
 * above 0, limits on their sides of it and within what the metric can be; and no
 * number at all is NaN or infinite. numbers_check() walks a whole tree.
 */
#ifndef CHAOS_TESTS_NUMBERS_H
#define CHAOS_TESTS_NUMBERS_H

#include <check.h>
#include <jansson.h>
#include <math.h>

#include "reports/metric_table.h"
#include "reports/report.h"

static bool numbers_is_metric(const json_t *node)
{
        return json_is_object(node) && json_object_get(node, "value") != NULL &&
               json_object_get(node, "n") != NULL && json_object_get(node, "unit") != NULL;
}

static void numbers_check_metric(const char *where, const char *name, const json_t *metric)
{
        static const char *const keys[] = {"value",     "low",         "high", "n", "count",
                                           "numerator", "denominator", "unit"};
        double value = result_number(metric, "value"), low = result_number(metric, "low"),
               high = result_number(metric, "high");
        const struct metric_row *row = metric_find(name);
        bool is_share = row != NULL && (row->method == METHOD_PROPORTION || row->method == METHOD_SHARE);

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                ck_assert_msg(json_object_get(metric, keys[i]) != NULL, "%s: %s has no %s", where,
                              name, keys[i]);
        ck_assert_msg(!(result_number(metric, "n") == 0 && !isnan(value)),
                      "%s: %s is %g with n 0", where, name, value);
        ck_assert_msg(isnan(value) || result_number(metric, "n") > 0, "%s: %s has no n", where,
                      name);
        ck_assert_msg(isnan(low) || low <= value + 1e-9 * fabs(value) + 1e-9,
                      "%s: %s: low %g above %g", where, name, low, value);
        ck_assert_msg(isnan(high) || high >= value - 1e-9 * fabs(value) - 1e-9,
                      "%s: %s: high %g below %g", where, name, high, value);
        if (row == NULL || row->is_signed)
                return;
        ck_assert_msg(!(value < 0) && !(low < 0), "%s: %s: %g (%g to %g) cannot be below 0", where,
                      name, value, low, high);
        ck_assert_msg(!is_share || (!(value > 1) && !(high > 1)),
                      "%s: %s: %g (%g to %g) cannot be above 1", where, name, value, low, high);
}

/* How many metric objects there are. */
static size_t numbers_check(const char *where, const char *name, const json_t *node)
{
        size_t seen = 0, i;
        const char *key;
        json_t *child;

        if (numbers_is_metric(node)) {
                numbers_check_metric(where, name, node);
                seen = 1;
        }
        json_object_foreach((json_t *)(uintptr_t)node, key, child)
                seen += numbers_check(where, key, child);
        json_array_foreach((json_t *)(uintptr_t)node, i, child)
                seen += numbers_check(where, name, child);
        if (json_is_real(node))
                ck_assert_msg(isfinite(json_real_value(node)), "%s: %s is not finite", where, name);
        return seen;
}

#endif
