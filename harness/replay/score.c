/* score.c - precision, recall, delay and false alarms; see score.h.
 *
 * Windows are looked at on alarms only, so a row costs two comparisons however
 * many windows a file has.
 */
#include "harness/replay/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9
#define S_PER_DAY 86400.0

bool score_card_init(struct score_card *card, const struct label_window *windows,
                     size_t window_count)
{
        *card = (struct score_card){.windows = windows, .window_count = window_count};
        card->first_alarm_at_ns = malloc((window_count + 1) * sizeof(*card->first_alarm_at_ns));
        if (!card->first_alarm_at_ns)
                return false;
        for (size_t i = 0; i < window_count; i++)
                card->first_alarm_at_ns[i] = INT64_MAX;
        return true;
}

void score_card_release(struct score_card *card)
{
        free(card->first_alarm_at_ns);
        *card = (struct score_card){0};
}

static void count_alarm(struct score_card *card, int64_t at_ns)
{
        bool inside = false, before = false;

        for (size_t i = 0; i < card->window_count; i++) {
                const struct label_window *window = &card->windows[i];
                double early = (double)window->start_at_ns - (double)at_ns;

                if (early <= 0 && at_ns <= window->end_at_ns) {
                        inside = true;
                        if (at_ns < card->first_alarm_at_ns[i])
                                card->first_alarm_at_ns[i] = at_ns;
                }
                if (early > 0 &&
                    early <= (double)window->end_at_ns - (double)window->start_at_ns)
                        before = true;
        }
        card->alarms++;
        card->alarms_inside += inside;
        card->alarms_before += before && !inside;
}

void score_card_row(struct score_card *card, int64_t at_ns, bool alarm)
{
        if (!card->any_row || at_ns < card->first_at_ns)
                card->first_at_ns = at_ns;
        if (!card->any_row || at_ns > card->last_at_ns)
                card->last_at_ns = at_ns;
        card->any_row = true;
        if (alarm)
                count_alarm(card, at_ns);
}

/* The observed time that no window covers; windows are sorted by start and may
 * overlap. */
static double outside_s(const struct score_card *card)
{
        int64_t covered_to = card->first_at_ns;
        double inside_ns = 0;

        if (!card->any_row)
                return 0;
        for (size_t i = 0; i < card->window_count; i++) {
                int64_t start = card->windows[i].start_at_ns, end = card->windows[i].end_at_ns;

                if (start < covered_to)
                        start = covered_to;
                if (end > card->last_at_ns)
                        end = card->last_at_ns;
                if (end <= start)
                        continue;
                inside_ns += (double)end - (double)start;
                covered_to = end;
        }
        return ((double)card->last_at_ns - (double)card->first_at_ns - inside_ns) / NS_PER_S;
}

static int by_size(const void *a, const void *b)
{
        double left = *(const double *)a, right = *(const double *)b;

        return (left > right) - (left < right);
}

bool score_sum_add(struct score_sum *sum, const struct score_card *card)
{
        double *delays = realloc(sum->delays_s, (sum->windows_found + card->window_count + 1) *
                                                        sizeof(*delays));

        if (!delays)
                return false;
        sum->delays_s = delays;
        for (size_t i = 0; i < card->window_count; i++) {
                if (card->first_alarm_at_ns[i] == INT64_MAX)
                        continue;
                delays[sum->windows_found++] = ((double)card->first_alarm_at_ns[i] -
                                                (double)card->windows[i].start_at_ns) /
                                               NS_PER_S;
        }
        qsort(delays, sum->windows_found, sizeof(*delays), by_size);
        sum->windows += card->window_count;
        sum->alarms += card->alarms;
        sum->alarms_inside += card->alarms_inside;
        sum->alarms_before += card->alarms_before;
        sum->outside_s += outside_s(card);
        return true;
}

void score_sum_release(struct score_sum *sum)
{
        free(sum->delays_s);
        *sum = (struct score_sum){0};
}

static double ratio(double numerator, double denominator)
{
        return denominator > 0 ? numerator / denominator : (double)NAN;
}

struct score_rates score_sum_rates(const struct score_sum *sum)
{
        struct score_rates rates;
        size_t found = sum->windows_found;
        double total = 0;

        rates.precision = ratio((double)sum->alarms_inside, (double)sum->alarms);
        rates.recall = ratio((double)found, (double)sum->windows);
        rates.f1 = rates.precision + rates.recall == 0
                           ? 0
                           : ratio(2 * rates.precision * rates.recall,
                                   rates.precision + rates.recall);
        for (size_t i = 0; i < found; i++)
                total += sum->delays_s[i];
        rates.delay_s_mean = ratio(total, (double)found);
        rates.delay_s_median = (double)NAN;
        if (found)
                rates.delay_s_median =
                        0.5 * (sum->delays_s[(found - 1) / 2] + sum->delays_s[found / 2]);
        rates.false_alarms_per_day =
                ratio((double)(sum->alarms - sum->alarms_inside), sum->outside_s / S_PER_DAY);
        return rates;
}
