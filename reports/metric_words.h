/* reports/metric_words.h - what a metric means, and what it is called elsewhere. */
#ifndef CHAOS_REPORTS_METRIC_WORDS_H
#define CHAOS_REPORTS_METRIC_WORDS_H

#include <stdbool.h>

#include "reports/text.h"

/* The definition of a metric as in `list metrics`; its own name when it has
 * none. Never NULL, static or `metric` itself. */
const char *metric_words(const char *metric);

/* Its unit: "s", "ratio", ...; "" when there is no such metric. */
const char *metric_unit(const char *metric);

/* The rule of all limits; stands beside definitions. */
extern const char *const metric_limits_words;

/* Whether its value is a mean of counts, whose sum only grows with more
 * replications: neither a time, a ratio or a rate nor a difference of arms. */
bool metric_is_count(const char *metric);

/* Adds the name of its value's family in metrics.prom. */
void prometheus_name(const char *metric, const char *unit, struct text *name);

#endif
