/* anomaly.c - streaming anomaly detection by a vote of self-calibrating tests.
 *
 * A row goes through four steps: measure (the value of each test, from the row
 * and what was learned before it), judge (each value against the tail of that
 * test's own past, joined to one surprise), decide (score, alarm, silence) and
 * learn (only now does the row enter rings, profiles and tails).
 *
 * The tail of a test is three numbers: a high quantile tracked by stochastic
 * steps, the mean excess above it, and the scale of the steps. Surprise is
 * -ln(1 - q) + excess / mean excess, an exponential tail: too thin for a wild
 * series, too thick for Gaussian noise, right enough for both to be ranked on
 * one scale. What is learned from one excess is limited, and is learned some
 * rows late, so that an anomaly does not explain itself away while it begins.
 *
 * Why many weak tests with equal weights: on labelled recordings a few tests
 * with fitted weights scored better on the recordings they were fitted to and
 * far worse on others; scales in powers of three with weights near 1 did not.
 *
 * Costs: O(1) per row, some 250 ns (1900 instructions), most of it what the tails
 * of twelve tests learn; sums over the last w rows are kept running and made anew
 * every RING rows, so that rounding cannot pile up.
 *
 * Not here: thresholds with hysteresis (monitors), forecasts (prediction).
 */
#include "healer/anomaly.h"
#include "healer/hlr_math.h"

#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

enum {
        RING = 128,        /* rows kept; a power of two above the longest scale */
        SLOTS = 288,       /* parts of the short season */
        LONG_SLOTS = 168,  /* parts of the long one */
        SEASONS_PER_LONG = 7,
        SYMBOLS = 8,       /* levels a value is quantised to */
        SEQUENCE_ROWS = 4,
        LATE_MAX = 8,
        SCALES = 4,
        TAILS = HEALER_ANOMALY_RANGE, /* every test but the range has a tail */
};

static const uint32_t scale_rows[SCALES] = {3, 9, 27, 81};
/* How many rows make one independent value of each test, for the trust in its
 * tail: its width, and more where rows share a profile of few seasons. */
static const double test_rows[TAILS] = {1, 3, 9, 27, 81, 36, 108, 324, 9, 27, 81, 4};
static const double test_weight[HEALER_ANOMALY_TEST_COUNT] = {
        1, 1.2, 1, 1, 1, 0.9, 0.9, 0.9, 1, 1, 1, 0.8, 1,
};

/* What was tuned, by cross-validation over labelled recordings. */
struct tuning {
        double needed;          /* joined surprise of an alarm, sensitivity 1, long history */
        double tail_quantile;   /* where a tail begins */
        double tail_rate;       /* of the quantile, per row */
        double excess_rate;     /* of the mean excess, per excess */
        double excess_limit;    /* learned from one excess, in mean excesses */
        double surprise_linear; /* beyond it one test's surprise grows like its logarithm */
        double level_rate;      /* of the long-run level, per row */
        double profile_rate;    /* of the seasonal profiles, per season */
        double habit;           /* each alarm makes the next dearer by this share .. */
        double habit_rows;      /* .. which halves in so many rows */
        uint32_t late_rows;     /* a test's value is learned so many rows later */
};

static const struct tuning tuning = {
        .needed = 15.4,
        .tail_quantile = 0.97,
        .tail_rate = 0.0015,
        .excess_rate = 0.005,
        .excess_limit = 7,
        .surprise_linear = 20,
        .level_rate = 0.0008,
        .profile_rate = 0.1,
        .habit = 0.02,
        .habit_rows = 5000,
        .late_rows = 4,
};

#define VALUE_LIMIT 1e150 /* larger ones are taken as this: sums stay finite */
#define GRAIN_RATIO 1e-9  /* of the largest value seen: changes below are rounding */
#define GAP_INTERVALS 10.0
#define VOTE_SURPRISE 6.0
#define SILENCE_BREAK_RATIO 2.0
#define SAME_WIDTH_DISCOUNT 0.5
#define SHIFT_ALONE_RATIO 1.33 /* a fresh shift of level needs no second opinion */

/* Of two numbers, without a call: fmin() and fmax() where neither is NaN. */
static inline double lesser(double a, double b)
{
        return a < b ? a : b;
}

static inline double greater(double a, double b)
{
        return a > b ? a : b;
}

/* 1 / rows, within bounds: no division where it is known to be the lower one. */
static inline double rate_after(double rows, double least, double most)
{
        if (rows * least > 1.01)
                return least;
        return lesser(greater(least, 1 / rows), most);
}

struct tail {
        double quantile;
        double excess_mean;
        double spread; /* mean distance from the quantile: the size of its steps */
        double rows, excesses;
        double late[LATE_MAX];
        uint32_t late_count;
};

/* A mean per part of a season. The running visit to a part is folded in when
 * it ends: the profile a row is held against is made of earlier seasons only. */
struct profile_slot {
        double mean, departure; /* departure: mean |value - mean| */
        double visits;
};

struct visit {
        double sum, departure_sum, rows;
        int64_t from_ns, until_ns; /* when it is that slot's time */
        uint32_t slot;
};

struct measured {
        double value[TAILS];
        uint32_t valid; /* bit i: test i has a value */
        double range_surprise;
        double step; /* |value - previous value| */
        double departure, departure_scaled; /* from the seasonal profile */
        bool seasonal;
        uint32_t symbol;
};

struct healer_anomaly {
        struct healer_anomaly_config config;
        double rows; /* learned so far */
        int64_t last_at_ns;
        double interval_ns; /* usual distance of two readings */
        double previous, fast_mean, slow_mean;
        double centre, spread; /* robust */
        double low, high;
        double habit;
        double habit_keep;
        double tail_begin; /* surprise where a tail begins */
        uint32_t silent_rows;
        double alarm_surprise; /* of the last alarm */

        /* since the last gap */
        uint64_t run_rows, seasonal_rows;
        double values[RING], steps[RING], departures[RING];
        double value_sum[SCALES], step_sum[SCALES], departure_sum[SCALES];
        double rough_mean[SCALES];
        double rough_rows[SCALES];

        struct profile_slot slots[SLOTS], long_slots[LONG_SLOTS];
        struct visit visit, long_visit;
        double departure_mean;

        float follows[SYMBOLS][SYMBOLS][SYMBOLS];
        uint32_t symbols[2]; /* the last two, newest first */
        double rarity[SEQUENCE_ROWS];
        uint64_t rarity_rows;

        struct tail tails[TAILS];
};

/* ---- tails ---- */

static double tail_surprise(const struct tail *tail, double value, double rows_seen, double grain,
                            double surprise)
{
        double excess = value - tail->quantile;
        double mean;

        if (excess <= 0 || tail->rows < 30 + rows_seen)
                return 0;
        mean = greater(tail->excess_mean,
                       0.02 * tail->spread + 1e-6 * fabs(tail->quantile) + grain);
        /* a short history knows little about its tail */
        mean *= 1 + (20 + 4 * rows_seen) / tail->rows;
        surprise += excess / mean;
        if (surprise > tuning.surprise_linear)
                surprise = tuning.surprise_linear +
                           log1p(lesser(surprise, 1e6) - tuning.surprise_linear);
        return surprise;
}

static inline void tail_learn(struct tail *tail, double value)
{
        double rate, step, excess = value - tail->quantile;

        tail->rows++;
        if (HLR_UNLIKELY(tail->rows == 1)) {
                tail->spread = fabs(value);
                tail->quantile = value;
                return;
        }
        rate = rate_after(tail->rows, tuning.tail_rate, 0.5);
        tail->spread += rate * (fabs(excess) - tail->spread);
        step = 2 * rate * tail->spread;
        if (excess <= 0) {
                tail->quantile -= step * (1 - tuning.tail_quantile);
                return;
        }
        tail->quantile += step * tuning.tail_quantile;
        if (tail->rows > 60)
                excess = lesser(excess, tuning.excess_limit *
                                                (tail->excess_mean + 0.05 * tail->spread));
        tail->excesses++;
        rate = rate_after(tail->excesses, tuning.excess_rate, 0.3);
        tail->excess_mean += rate * (excess - tail->excess_mean);
}

/* Learns the value that came late_rows ago and keeps this one for later. */
static void tail_learn_late(struct tail *tail, double value)
{
        uint32_t at = tail->late_count % LATE_MAX;
        uint32_t due = (tail->late_count + LATE_MAX - tuning.late_rows) % LATE_MAX;

        if (tail->late_count >= tuning.late_rows)
                tail_learn(tail, tuning.late_rows ? tail->late[due] : value);
        tail->late[at] = value;
        tail->late_count++;
        if (tail->late_count >= 2 * LATE_MAX)
                tail->late_count -= LATE_MAX;
}

/* ---- seasons ---- */

/* The part of the season that `at_ns` is in, and until when: most rows come in the same
 * one as the row before, and need no division to know it. */
static uint32_t season_slot(int64_t at_ns, int64_t season_ns, uint32_t slots, struct visit *visit)
{
        int64_t phase = at_ns % season_ns, width = season_ns / slots;
        uint64_t slot;

        if (phase < 0)
                phase += season_ns;
        slot = (uint64_t)phase / (uint64_t)width;
        if (slot >= slots)
                slot = slots - 1;
        visit->from_ns = hlr_sub(at_ns, phase - (int64_t)slot * width);
        visit->until_ns = hlr_add(at_ns, (slot == slots - 1 ? season_ns
                                                            : (int64_t)(slot + 1) * width) -
                                                 phase);
        return (uint32_t)slot;
}

static bool still_there(const struct visit *visit, int64_t at_ns)
{
        return at_ns >= visit->from_ns && at_ns < visit->until_ns;
}

static void visit_fold(struct visit *visit, struct profile_slot *slots, uint32_t now_slot)
{
        struct profile_slot *slot = &slots[visit->slot];
        double rate;

        if (visit->slot == now_slot)
                return;
        if (visit->rows > 0) {
                if (slot->visits >= 1) {
                        rate = fmax(1 / slot->visits, tuning.profile_rate);
                        slot->departure += rate * (visit->departure_sum / visit->rows -
                                                   slot->departure);
                }
                slot->visits++;
                rate = fmax(1 / slot->visits, tuning.profile_rate);
                slot->mean += rate * (visit->sum / visit->rows - slot->mean);
        }
        visit->sum = visit->departure_sum = visit->rows = 0;
        visit->slot = now_slot;
}

static void enter_slot(struct visit *visit, struct profile_slot *profile, int64_t at_ns,
                       int64_t season_ns, uint32_t slots, bool first)
{
        uint32_t slot;

        if (still_there(visit, at_ns))
                return;
        slot = season_slot(at_ns, season_ns, slots, visit);
        if (first)
                visit->slot = slot;
        visit_fold(visit, profile, slot);
}

static void enter_slots(struct healer_anomaly *anomaly, int64_t at_ns)
{
        int64_t season_ns = anomaly->config.season_ns;
        bool first = anomaly->rows == 0;

        if (!season_ns)
                return;
        enter_slot(&anomaly->visit, anomaly->slots, at_ns, season_ns, SLOTS, first);
        enter_slot(&anomaly->long_visit, anomaly->long_slots, at_ns, season_ns * SEASONS_PER_LONG,
                   LONG_SLOTS, first);
}

/* Distance from the band that the profile spans around now; the neighbours
 * count, so that an edge may come a little early or late. */
static double band_departure(const struct healer_anomaly *anomaly, double value)
{
        uint32_t slot = anomaly->visit.slot;
        const struct profile_slot *beside[2] = {&anomaly->slots[(slot + SLOTS - 1) % SLOTS],
                                                &anomaly->slots[(slot + 1) % SLOTS]};
        double low = anomaly->slots[slot].mean, high = low;

        for (int i = 0; i < 2; i++) {
                if (beside[i]->visits < 1)
                        continue;
                low = lesser(low, beside[i]->mean);
                high = greater(high, beside[i]->mean);
        }
        return value > high ? value - high : value < low ? value - low : 0;
}

/* ---- measuring ---- */

static double series_grain(const struct healer_anomaly *anomaly)
{
        return GRAIN_RATIO * greater(fabs(anomaly->low), fabs(anomaly->high)) + 1e-300;
}

static void set_test(struct measured *m, uint32_t test, double value)
{
        m->value[test] = value;
        m->valid |= UINT32_C(1) << test;
}

static double window_sum(double sum, const double *ring, uint64_t rows, uint32_t width,
                         double value)
{
        return sum + value - (rows >= width ? ring[(rows - width) % RING] : 0);
}

/* A jump is one that neither the last reading, nor the last few, nor the
 * season explain. */
static void measure_jump(const struct healer_anomaly *anomaly, double value, struct measured *m)
{
        double jump = lesser(m->step, fabs(value - anomaly->fast_mean));

        if (anomaly->run_rows < 1 || anomaly->rows < 3)
                return;
        if (m->seasonal && anomaly->slots[anomaly->visit.slot].visits >= 2)
                jump = lesser(jump, fabs(m->departure));
        set_test(m, HEALER_ANOMALY_JUMP, jump);
}

static void measure_season(struct healer_anomaly *anomaly, double value, double grain,
                           struct measured *m)
{
        const struct profile_slot *slot = &anomaly->slots[anomaly->visit.slot];
        const struct profile_slot *long_slot = &anomaly->long_slots[anomaly->long_visit.slot];
        double usual, known = slot->visits - 1;

        if (!anomaly->config.season_ns || slot->visits < 1)
                return;
        m->seasonal = true;
        m->departure = band_departure(anomaly, value);
        if (long_slot->visits >= 1 && fabs(value - long_slot->mean) < fabs(m->departure))
                m->departure = value - long_slot->mean;
        usual = (known * slot->departure + 2 * anomaly->departure_mean) / (known + 2);
        m->departure_scaled = m->departure / (0.5 * usual + 0.6 * anomaly->departure_mean +
                                              1e3 * grain);
        for (int i = 1; i < SCALES; i++) {
                anomaly->departure_sum[i] =
                        window_sum(anomaly->departure_sum[i], anomaly->departures,
                                   anomaly->seasonal_rows, scale_rows[i], m->departure_scaled);
                if (anomaly->seasonal_rows >= scale_rows[i])
                        set_test(m, HEALER_ANOMALY_SEASON_9 + (uint32_t)i - 1,
                                 fabs(anomaly->departure_sum[i] / scale_rows[i]));
        }
}

static void measure_levels(struct healer_anomaly *anomaly, double value, struct measured *m)
{
        for (int i = 0; i < SCALES; i++) {
                anomaly->value_sum[i] = window_sum(anomaly->value_sum[i], anomaly->values,
                                                   anomaly->run_rows, scale_rows[i], value);
                if (anomaly->run_rows > scale_rows[i])
                        set_test(m, HEALER_ANOMALY_LEVEL_3 + (uint32_t)i,
                                 fabs(anomaly->value_sum[i] / scale_rows[i] -
                                      anomaly->slow_mean));
        }
}

static void measure_roughness(struct healer_anomaly *anomaly, double grain, struct measured *m)
{
        double rate = rate_after(anomaly->rows + 1, tuning.level_rate, 1);

        for (int i = 1; i < SCALES; i++) {
                double rough;

                anomaly->step_sum[i] = window_sum(anomaly->step_sum[i], anomaly->steps,
                                                  anomaly->run_rows, scale_rows[i], m->step);
                if (anomaly->run_rows <= scale_rows[i])
                        continue;
                rough = hlr_log((greater(anomaly->step_sum[i], 0) / scale_rows[i] +
                                 1e-3 * anomaly->spread + grain) /
                                (0.1 * anomaly->spread + grain));
                if (anomaly->rough_rows[i] < scale_rows[i])
                        anomaly->rough_mean[i] = rough;
                anomaly->rough_rows[i]++;
                set_test(m, HEALER_ANOMALY_ROUGHNESS_9 + (uint32_t)i - 1,
                         fabs(rough - anomaly->rough_mean[i]));
                anomaly->rough_mean[i] += rate * (rough - anomaly->rough_mean[i]);
        }
}

/* Equal steps of asinh(z), by where they begin; as near to a beginning as rounding may
 * reach, by the formula itself. */
static uint32_t symbol_of(double z)
{
        static const double begins[SYMBOLS - 1] = {
                -6.0502044810397875, -2.552807223816234, -0.9331888411928735, 0,
                0.9331888411928735, 2.552807223816234, 6.0502044810397875};
        uint32_t symbol = 0;
        double nearest = HUGE_VAL;

        if (z == 0)
                return SYMBOLS / 2;
        for (int i = 0; i < SYMBOLS - 1; i++) {
                symbol += z > begins[i];
                nearest = lesser(nearest, fabs(z - begins[i]));
        }
        if (nearest > 1e-9)
                return symbol;
        return (uint32_t)fmin(fmax(floor(1.2 * asinh(z) + SYMBOLS / 2.0), 0), SYMBOLS - 1);
}

/* -ln of how often this level followed the last two, over the last rows. */
static void measure_sequence(struct healer_anomaly *anomaly, double value, double grain,
                             struct measured *m)
{
        const float *row = anomaly->follows[anomaly->symbols[1]][anomaly->symbols[0]];
        double z = 1.5 * (value - anomaly->centre) / (anomaly->spread + grain);
        double total = 0, sum = 0;

        m->symbol = symbol_of(z);
        for (int i = 0; i < SYMBOLS; i++)
                total += (double)row[i];
        anomaly->rarity[anomaly->rarity_rows % SEQUENCE_ROWS] =
                log((total + 0.05 * SYMBOLS) / ((double)row[m->symbol] + 0.05));
        for (int i = 0; i < SEQUENCE_ROWS; i++)
                sum += anomaly->rarity[i];
        if (++anomaly->rarity_rows > 50)
                set_test(m, HEALER_ANOMALY_SEQUENCE, sum / SEQUENCE_ROWS);
}

/* A record among n rows has chance 1/n, and one far outside is rarer still. Not
 * the whole ln n: what makes a record has mostly been seen by other tests too. */
static void measure_range(const struct healer_anomaly *anomaly, double value, double grain,
                          struct measured *m)
{
        double beyond = greater(value - anomaly->high, anomaly->low - value);
        double range = anomaly->high - anomaly->low + 1e3 * grain;

        if (beyond > 0 && anomaly->rows > HEALER_ANOMALY_WARM_UP_ROWS)
                m->range_surprise = fmin(0.6 * log(anomaly->rows) + 30 * beyond / range, 12);
}

static void measure(struct healer_anomaly *anomaly, double value, struct measured *m)
{
        double grain = series_grain(anomaly);

        m->valid = 0;
        m->range_surprise = 0;
        m->step = anomaly->run_rows ? fabs(value - anomaly->previous) : 0;
        m->departure = m->departure_scaled = 0;
        m->seasonal = false;
        measure_season(anomaly, value, grain, m);
        measure_jump(anomaly, value, m);
        measure_levels(anomaly, value, m);
        measure_roughness(anomaly, grain, m);
        measure_sequence(anomaly, value, grain, m);
        measure_range(anomaly, value, grain, m);
}

/* ---- judging ---- */

static bool in_units_of_series(uint32_t test)
{
        return test <= HEALER_ANOMALY_LEVEL_81;
}

static void weigh(uint32_t test, double *surprise, double *loudest,
                  struct healer_anomaly_result *out)
{
        if (*surprise >= VOTE_SURPRISE)
                out->voters |= UINT32_C(1) << test;
        *surprise *= test_weight[test];
        if (*surprise > *loudest) {
                *loudest = *surprise;
                out->loudest = test;
        }
}

/* Weighted surprise of every test, 0 where it has no value; false: nothing surprises. */
static bool ask_tests(const struct healer_anomaly *anomaly, const struct measured *m,
                      double *surprise, struct healer_anomaly_result *out)
{
        double grain = series_grain(anomaly), loudest = 0;
        bool any = false;
        uint32_t test;

        memset(surprise, 0, HEALER_ANOMALY_TEST_COUNT * sizeof(*surprise));
        for (uint32_t left = m->valid; left != 0; left &= left - 1) {
                test = (uint32_t)__builtin_ctz(left);
                surprise[test] = tail_surprise(&anomaly->tails[test], m->value[test],
                                               test_rows[test],
                                               in_units_of_series(test) ? grain : GRAIN_RATIO,
                                               anomaly->tail_begin);
                if (surprise[test] == 0)
                        continue;
                weigh(test, &surprise[test], &loudest, out);
                any = true;
        }
        if (m->range_surprise > 0) {
                surprise[HEALER_ANOMALY_RANGE] = m->range_surprise;
                weigh(HEALER_ANOMALY_RANGE, &surprise[HEALER_ANOMALY_RANGE], &loudest, out);
                any = true;
        }
        return any;
}

/* Root of the sum of squares. In a series without a season the level and the
 * season tests of one width see the same thing: the lesser then counts less. */
static double join(const double *surprise)
{
        double sum = 0;

        for (uint32_t test = 0; test < HEALER_ANOMALY_TEST_COUNT; test++)
                sum += surprise[test] * surprise[test];
        for (uint32_t i = 0; i < SCALES - 1; i++) {
                double both = fmin(surprise[HEALER_ANOMALY_LEVEL_9 + i],
                                   surprise[HEALER_ANOMALY_SEASON_9 + i]);

                sum -= SAME_WIDTH_DISCOUNT * both * both;
        }
        return sqrt(sum);
}

static void judge(const struct healer_anomaly *anomaly, const struct measured *m,
                  struct healer_anomaly_result *out)
{
        double surprise[HEALER_ANOMALY_TEST_COUNT];
        double shift_alone;

        if (!ask_tests(anomaly, m, surprise, out))
                return; /* as nearly always */
        shift_alone = SHIFT_ALONE_RATIO * surprise[HEALER_ANOMALY_LEVEL_3];
        out->surprise = fmax(join(surprise), shift_alone);
}

/* ---- deciding ---- */

static void decide(struct healer_anomaly *anomaly, struct healer_anomaly_result *out)
{
        double ratio;

        anomaly->habit *= anomaly->habit_keep;
        out->needed = tuning.needed * (1 + 50 / (anomaly->rows + 1) + anomaly->habit) /
                      anomaly->config.sensitivity;
        if (anomaly->rows < HEALER_ANOMALY_WARM_UP_ROWS)
                return;
        ratio = out->surprise / out->needed;
        out->score = ratio / (1 + ratio);
        if (anomaly->silent_rows > 0 &&
            (ratio < 1 || out->surprise < SILENCE_BREAK_RATIO * anomaly->alarm_surprise)) {
                anomaly->silent_rows--;
                out->silenced = ratio >= 1;
                out->score = 0.9 * fmin(out->score, HEALER_ANOMALY_ALARM_SCORE);
        } else if (ratio >= 1) {
                anomaly->silent_rows = anomaly->config.silence_rows;
                anomaly->alarm_surprise = out->surprise;
                anomaly->habit += tuning.habit;
        }
        out->alarm = out->score >= HEALER_ANOMALY_ALARM_SCORE;
}

/* ---- learning ---- */

/* Sums are made anew once a turn of the ring. */
static void renew_sums(double *sums, const double *ring, uint64_t rows)
{
        if (rows % RING)
                return;
        for (int i = 0; i < SCALES; i++) {
                sums[i] = 0;
                for (uint32_t back = 1; back <= scale_rows[i]; back++)
                        sums[i] += ring[(rows - back) % RING];
        }
}

static void learn_level(struct healer_anomaly *anomaly, double value)
{
        double rate = rate_after(anomaly->rows + 1, tuning.level_rate, 1);
        double error = value - anomaly->centre, limit = 3 * anomaly->spread, distance;
        bool settled = anomaly->rows > 20;

        anomaly->previous = value;
        anomaly->fast_mean += 0.3 * (value - anomaly->fast_mean);
        anomaly->slow_mean += rate * (value - anomaly->slow_mean);
        if (settled)
                error = lesser(greater(error, -limit), limit);
        anomaly->centre += rate * error;
        distance = fabs(value - anomaly->centre);
        if (settled)
                distance = lesser(distance, 5 * anomaly->spread + GRAIN_RATIO * fabs(value));
        anomaly->spread += rate * (distance - anomaly->spread);
        anomaly->low = lesser(anomaly->low, value);
        anomaly->high = greater(anomaly->high, value);
}

static void learn_season(struct healer_anomaly *anomaly, double value, const struct measured *m)
{
        double plain = fabs(value - anomaly->slots[anomaly->visit.slot].mean);
        double rate = anomaly->rows < 500 ? 0.02 : 2 * tuning.level_rate;

        if (!anomaly->config.season_ns)
                return;
        anomaly->visit.sum += value;
        anomaly->visit.rows++;
        anomaly->long_visit.sum += value;
        anomaly->long_visit.rows++;
        if (!m->seasonal)
                return;
        anomaly->visit.departure_sum += plain;
        anomaly->departure_mean += rate * (plain - anomaly->departure_mean);
        anomaly->departures[anomaly->seasonal_rows % RING] = m->departure_scaled;
        anomaly->seasonal_rows++;
        renew_sums(anomaly->departure_sum, anomaly->departures, anomaly->seasonal_rows);
}

static void learn_sequence(struct healer_anomaly *anomaly, uint32_t symbol)
{
        float *row = anomaly->follows[anomaly->symbols[1]][anomaly->symbols[0]];

        for (int i = 0; i < SYMBOLS; i++)
                row[i] *= 0.9995F;
        row[symbol] += 1;
        anomaly->symbols[1] = anomaly->symbols[0];
        anomaly->symbols[0] = symbol;
}

static void learn(struct healer_anomaly *anomaly, double value, const struct measured *m)
{
        uint32_t test;

        for (uint32_t left = m->valid; left != 0; left &= left - 1) {
                test = (uint32_t)__builtin_ctz(left);
                tail_learn_late(&anomaly->tails[test], m->value[test]);
        }
        learn_season(anomaly, value, m);
        learn_level(anomaly, value);
        learn_sequence(anomaly, m->symbol);
        anomaly->values[anomaly->run_rows % RING] = value;
        anomaly->steps[anomaly->run_rows % RING] = m->step;
        anomaly->run_rows++;
        renew_sums(anomaly->value_sum, anomaly->values, anomaly->run_rows);
        renew_sums(anomaly->step_sum, anomaly->steps, anomaly->run_rows);
        anomaly->rows++;
}

/* ---- time ---- */

static void start_series(struct healer_anomaly *anomaly, double value)
{
        anomaly->previous = anomaly->fast_mean = anomaly->slow_mean = value;
        anomaly->centre = anomaly->low = anomaly->high = value;
}

/* What was measured over the last rows says nothing about those after a gap. */
static void restart_windows(struct healer_anomaly *anomaly, double value)
{
        anomaly->run_rows = anomaly->seasonal_rows = 0;
        memset(anomaly->value_sum, 0, sizeof(anomaly->value_sum));
        memset(anomaly->step_sum, 0, sizeof(anomaly->step_sum));
        memset(anomaly->departure_sum, 0, sizeof(anomaly->departure_sum));
        anomaly->fast_mean = value;
}

static bool pass_time(struct healer_anomaly *anomaly, int64_t at_ns)
{
        double interval_ns = (double)hlr_sub(at_ns, anomaly->last_at_ns);
        bool gap = false;

        if (anomaly->rows == 1) {
                anomaly->interval_ns = interval_ns;
        } else if (anomaly->rows > 1) {
                gap = anomaly->interval_ns > 0 && interval_ns > GAP_INTERVALS * anomaly->interval_ns;
                anomaly->interval_ns +=
                        0.05 * (lesser(interval_ns, 3 * anomaly->interval_ns + 1) -
                                anomaly->interval_ns);
        }
        anomaly->last_at_ns = at_ns;
        return gap;
}

/* ---- public ---- */

struct healer_anomaly_config healer_anomaly_config_defaults(void)
{
        return (struct healer_anomaly_config){
                .size = sizeof(struct healer_anomaly_config),
                .enabled = 1,
                .sensitivity = 1,
                .season_ns = 24 * 3600 * HLR_SECOND,
                .silence_rows = 120,
        };
}

const char *healer_anomaly_config_check(const struct healer_anomaly_config *config)
{
        if (!config)
                return "config: must not be NULL";
        if (config->enabled > 1)
                return "enabled: must be 0 or 1";
        if (!(config->sensitivity >= 0.1 && config->sensitivity <= 10))
                return "sensitivity: must be 0.1..10";
        if (config->season_ns != 0 &&
            (config->season_ns < SLOTS || config->season_ns > INT64_MAX / SEASONS_PER_LONG))
                return "season_ns: must be 0, or 288 up to a seventh of the largest time";
        if (config->silence_rows > 1000000)
                return "silence_rows: must be 0..1000000";
        return NULL;
}

enum healer_err healer_anomaly_create(const struct healer_anomaly_config *config,
                                      struct healer_anomaly **out)
{
        struct healer_anomaly_config checked = healer_anomaly_config_defaults();
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&checked, sizeof(checked), config, sizeof(checked));
        if (err != HEALER_OK)
                return err;
        if (healer_anomaly_config_check(&checked))
                return HEALER_E_RANGE;
        *out = hlr_alloc(checked.allocator, sizeof(**out));
        if (!*out)
                return HEALER_E_NOMEM;
        (*out)->config = checked;
        (*out)->habit_keep = exp2(-1 / tuning.habit_rows);
        (*out)->tail_begin = -hlr_log(1 - tuning.tail_quantile);
        return HEALER_OK;
}

void healer_anomaly_destroy(struct healer_anomaly *anomaly)
{
        if (anomaly)
                hlr_free(anomaly->config.allocator, anomaly);
}

enum healer_err healer_anomaly_update(struct healer_anomaly *anomaly, int64_t at_ns, double value,
                                      struct healer_anomaly_result *out)
{
        struct measured m;

        *out = (struct healer_anomaly_result){.loudest = HEALER_ANOMALY_TEST_COUNT};
        if (!anomaly->config.enabled)
                return HEALER_OK;
        if (anomaly->rows > 0 && at_ns < anomaly->last_at_ns) {
                *out = (struct healer_anomaly_result){0};
                return HEALER_E_RANGE;
        }
        if (!isfinite(value))
                return HEALER_OK;
        value = lesser(greater(value, -VALUE_LIMIT), VALUE_LIMIT);
        if (anomaly->rows == 0)
                start_series(anomaly, value);
        out->gap = pass_time(anomaly, at_ns);
        if (out->gap)
                restart_windows(anomaly, value);
        enter_slots(anomaly, at_ns);
        measure(anomaly, value, &m);
        judge(anomaly, &m, out);
        decide(anomaly, out);
        learn(anomaly, value, &m);
        return HEALER_OK;
}

size_t healer_anomaly_bytes(void)
{
        return sizeof(struct healer_anomaly);
}

const char *healer_anomaly_test_name(uint32_t test)
{
        static const char *const names[HEALER_ANOMALY_TEST_COUNT] = {
                "jump",      "level-3",     "level-9",      "level-27",     "level-81",
                "season-9",  "season-27",   "season-81",    "roughness-9",  "roughness-27",
                "roughness-81", "sequence", "range",
        };

        return test < HEALER_ANOMALY_TEST_COUNT ? names[test] : "none";
}
