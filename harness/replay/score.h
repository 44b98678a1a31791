/* harness/replay/score.h - alarms held against labelled windows.
 *
 *   precision            alarms inside a window / alarms
 *   recall               windows with an alarm inside / windows
 *   F1                   2 P R / (P + R); 0 when both are 0
 *   delay                from a window's start to the first alarm inside it, over
 *                        the windows that have one
 *   false alarms a day   alarms outside every window / days observed outside them
 *   alarms before        those of them that came at most one window's length before
 *                        a window's start: early, or by chance
 *
 * A ratio without a denominator is NaN here, "-" in a table and null in JSON.
 */
#ifndef CHAOS_REPLAY_SCORE_H
#define CHAOS_REPLAY_SCORE_H

#include "harness/replay/labels.h"

struct score_card {
        const struct label_window *windows; /* the caller's, outlive the card */
        size_t window_count;
        int64_t *first_alarm_at_ns; /* per window; INT64_MAX: none */
        bool any_row;
        int64_t first_at_ns, last_at_ns;
        uint64_t alarms, alarms_inside, alarms_before;
};

/* What remains of one card or the sum of several. */
struct score_sum {
        uint64_t alarms, alarms_inside, alarms_before;
        uint64_t windows, windows_found;
        double outside_s;  /* observed outside windows */
        double *delays_s;  /* windows_found of them, sorted */
};

struct score_rates {
        double precision, recall, f1;
        double delay_s_mean, delay_s_median;
        double false_alarms_per_day;
};

/* False when memory is out. */
bool score_card_init(struct score_card *card, const struct label_window *windows,
                     size_t window_count);
void score_card_release(struct score_card *card);
void score_card_row(struct score_card *card, int64_t at_ns, bool alarm);

/* Adds a finished card to `sum` (all zero at first). False when memory is out. */
bool score_sum_add(struct score_sum *sum, const struct score_card *card);
void score_sum_release(struct score_sum *sum);
struct score_rates score_sum_rates(const struct score_sum *sum);

#endif
