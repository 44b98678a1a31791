/* reports/timeline.h - things that happened, as lines in order of time.
 *
 *        6:41.1  +0:11.1  alarm     frontend: high_latency, latency 1.01 s
 *
 * Rows may be added in any order; rows of one instant keep the order in which
 * they were added. 80 columns. Memory that runs out is remembered and shows in
 * the text that it is printed to.
 */
#ifndef CHAOS_REPORTS_TIMELINE_H
#define CHAOS_REPORTS_TIMELINE_H

#include "reports/text.h"

enum { TIMELINE_COLUMNS = 80 };

struct timeline_row {
        double at_s;
        size_t order;
        const char *label; /* borrowed; 9 columns at most */
        struct text words;
};

struct timeline {
        struct timeline_row *rows;
        size_t count, room;
        struct text spare; /* what is added when memory is out goes here */
        bool failed;
};

void timeline_init(struct timeline *timeline);
void timeline_release(struct timeline *timeline);

/* The words of a new row, to be filled before the next call; never NULL. */
struct text *timeline_add(struct timeline *timeline, double at_s, const char *label);

/* All rows. With `zero_s` a second column counts from there; NaN: without. */
void timeline_print(struct timeline *timeline, double zero_s, struct text *out);

#endif
