/* harness/scenario/metric_value.h - metrics that a scenario may name, and their units.
 *
 * Thresholds and tolerances compare a metric with a value in the metric's unit:
 * "30s", "99.9%", "80/s", "3". The table says which metric has which; how each
 * is measured is the reports' business, under the same names.
 */
#ifndef CHAOS_SCENARIO_METRIC_VALUE_H
#define CHAOS_SCENARIO_METRIC_VALUE_H

#include <stdbool.h>

#include "harness/base/quantity.h"

enum metric_unit {
        METRIC_SECONDS, /* a duration; kept in seconds */
        METRIC_RATIO,   /* 0..1 or a percentage */
        METRIC_PER_S,   /* a rate; per second */
        METRIC_COUNT,   /* a plain number */
};

struct metric_name {
        const char *name;
        enum metric_unit unit;
        bool has_quantiles; /* p99(name) */
        bool is_signed;     /* may be below 0 */
};

/* NULL-ended by name. */
extern const struct metric_name metric_names[];

/* NULL when a threshold cannot name it. */
const struct metric_name *metric_name_find(const char *name);

/* Blanks around the value are allowed. False: `error` says why. */
bool metric_value_parse(const char *text, enum metric_unit unit, double *out,
                        struct quantity_error *error);
const char *metric_unit_wants(enum metric_unit unit);

#endif
