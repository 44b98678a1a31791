/* metric_words.c - what a metric means. */
#include "reports/metric_words.h"

#include <string.h>

#include "reports/metric_table.h"

const char *metric_words(const char *metric)
{
        const struct metric_row *row = metric_find(metric);

        return row == NULL ? metric : row->definition;
}

const char *metric_unit(const char *metric)
{
        const struct metric_row *row = metric_find(metric);

        return row == NULL ? "" : row->unit;
}

const char *const metric_limits_words =
        "Limits are cut to what a metric can be: 0 and more, a share at most 1; differences are "
        "not cut. What is cut off cannot be the truth, so that an interval holds as often as "
        "before.";

bool metric_is_count(const char *metric)
{
        static const char *const units[] = {"requests", "incidents",   "episodes", "predictions",
                                            "actions",  "transitions", "changes",  "calls",
                                            "pages"};
        const struct metric_row *row = metric_find(metric);

        if (row == NULL || row->method != METHOD_MEAN || (row->scopes & SCOPE_TWINS))
                return false;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (strcmp(row->unit, units[i]) == 0)
                        return true;
        return false;
}
