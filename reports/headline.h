/* reports/headline.h - the numbers that come first, the same in every format.
 *
 * The screen, the page, the Markdown and the plots show the same few rows in
 * the same order; they are listed here, once.
 */
#ifndef CHAOS_REPORTS_HEADLINE_H
#define CHAOS_REPORTS_HEADLINE_H

#include "reports/report.h"

struct headline_row {
        const char *metric;  /* as in result.json */
        const char *title;   /* short, for people */
        const char *meaning; /* one sentence */
        bool compared;       /* also shown for untreated */
        bool on_screen;      /* on the verdict screen, too */
};
extern const struct headline_row headline_rows[];
extern const size_t headline_row_count;

/* What is told of a strategy beside the reference healers. */
struct floor_column {
        const char *metric, *title;
};
extern const struct floor_column floor_columns[];
extern const size_t floor_column_count;

/* The metrics that are told of cold and warm, with a title. */
struct learning_row {
        const char *metric, *title;
};
extern const struct learning_row learning_rows[];
extern const size_t learning_row_count;

/* "12 s (3 s to 21 s)". */
void learning_difference(struct text *out, const struct metric_value *value);

/* untreated -> reaction -> prediction -> self_made -> left */
enum waterfall_part_id {
        WATERFALL_UNTREATED,
        WATERFALL_REACTION,
        WATERFALL_PREDICTION,
        WATERFALL_SELF_MADE,
        WATERFALL_LEFT,
        WATERFALL_COUNT
};
struct waterfall_part {
        const char *name, *title, *meaning;
        struct metric_value amount;
        double bottom, top; /* of its bar in a stacked drawing */
};

/* False when the result has no complete waterfall in failed requests. */
bool report_waterfall(const struct report *report, struct waterfall_part parts[WATERFALL_COUNT]);

#endif
