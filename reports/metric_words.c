/* metric_words.c - what a metric means. */
#include "reports/metric_words.h"

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
