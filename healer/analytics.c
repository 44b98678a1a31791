/* analytics.c - what healing has achieved, from the healings themselves.
 *
 * Records lie in a ring, their names as small numbers into a table. A report
 * goes once over the records of its range in order of time, oldest first, and
 * counts them into rows by strategy, type, component, action and severity. Rates are
 * compared as whole numbers, so that an edge of a rule is where it is said to be.
 *
 * Not here: the words of JSON and dashboard (analytics_text.c).
 */
#include "healer/analytics.h"

#include "healer/hlr_base.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)

enum { NAME_SIZE = 48, OTHER = 0, TREND_RESULTS_MIN = 10, TREND_RECENT_MAX = 20 };

const char *const healer_trend_names[3] = {"stable", "improving", "degrading"};
const char *const healer_advice_names[6] = {"none",    "keep",        "tune",
                                            "replace", "investigate", "monitor"};
const char *const healer_recommendation_names[6] = {"overall",    "strategy",  "mttr",
                                                    "prevention", "resources", "breakers"};

const uint32_t healer_time_edges_s[HEALER_ANALYTICS_TIMES - 1] = {1, 2, 5, 10, 30, 60, 300};

enum { REPEATS_MAX = 3 }; /* of an action or by another, in a score */

struct record {
        uint64_t id;
        int64_t noticed_ns, acted_ns, ended_ns;
        uint8_t outcome, severity, strategy, type, component;
        uint8_t action_count, action_names[HEALER_ANALYTICS_ACTIONS_MAX];
        bool escalated;
        uint32_t actions_all;
};

struct healer_analytics {
        struct healer_analytics_config config;
        struct record *records; /* a ring */
        uint64_t added;
        double *times;    /* scratch, [healings_max] */
        uint32_t *order;  /* scratch: indices by time of ending */
        uint32_t *spare;  /* scratch of the sort */
        char names[HEALER_ANALYTICS_NAMES_MAX][NAME_SIZE];
        uint32_t name_count;
        struct healer_analytics_stats stats;
        struct healer_analytics_report cached;
        uint64_t cached_added;
        bool has_cached;
};

/* ---- life */

struct healer_analytics_config healer_analytics_config_defaults(void)
{
        return (struct healer_analytics_config){
                .size = sizeof(struct healer_analytics_config),
                .healings_max = 10000,
                .results_min = 5,
                .cache_for_ns = INT64_C(60) * 1000000000,
                .mttr_high_ns = INT64_C(5) * 1000000000,
        };
}

const char *healer_analytics_config_check(const struct healer_analytics_config *config)
{
        if (config->healings_max < 1 || config->healings_max > 1000000)
                return "healings_max: must be 1..1000000";
        if (config->results_min < 1 || config->results_min > 1000)
                return "results_min: must be 1..1000";
        if (config->cache_for_ns < 0)
                return "cache_for_ns: must be >= 0";
        if (config->zone_ns < -14 * HOUR_NS || config->zone_ns > 14 * HOUR_NS)
                return "zone_ns: must be within 14 h";
        if (config->mttr_high_ns <= 0)
                return "mttr_high_ns: must be > 0";
        if ((config->lock.lock == NULL) != (config->lock.unlock == NULL))
                return "lock: wants both functions or none";
        return NULL;
}

enum healer_err healer_analytics_create(const struct healer_analytics_config *config,
                                        struct healer_analytics **out)
{
        struct healer_analytics *analytics;
        size_t records, times, order;
        char *memory;

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_analytics_config_check(config) != NULL)
                return HEALER_E_RANGE;
        records = hlr_bytes(0, config->healings_max, sizeof(struct record));
        times = hlr_bytes(0, config->healings_max, sizeof(double));
        order = hlr_bytes(0, config->healings_max, sizeof(uint32_t));
        memory = hlr_alloc(config->allocator, sizeof(*analytics) + records + times + 2 * order);
        if (memory == NULL)
                return HEALER_E_NOMEM;
        analytics = (struct healer_analytics *)(void *)memory;
        analytics->config = *config;
        memory += sizeof(*analytics);
        analytics->records = (struct record *)(void *)memory;
        analytics->times = (double *)(void *)(memory + records);
        analytics->order = (uint32_t *)(void *)(memory + records + times);
        analytics->spare = analytics->order + config->healings_max;
        memcpy(analytics->names[OTHER], "(other)", sizeof("(other)"));
        analytics->name_count = 1;
        *out = analytics;
        return HEALER_OK;
}

void healer_analytics_destroy(struct healer_analytics *analytics)
{
        if (analytics != NULL)
                hlr_free(analytics->config.allocator, analytics);
}

static void enter(struct healer_analytics *analytics)
{
        if (analytics->config.lock.lock != NULL)
                analytics->config.lock.lock(analytics->config.lock.ctx);
}

static void leave(struct healer_analytics *analytics)
{
        if (analytics->config.lock.unlock != NULL)
                analytics->config.lock.unlock(analytics->config.lock.ctx);
}

/* ---- adding */

static uint8_t name_of(struct healer_analytics *analytics, const char *text)
{
        char name[NAME_SIZE] = "unknown";
        size_t length;
        uint32_t i;

        if (text != NULL && *text != '\0') {
                length = strlen(text);
                if (length >= NAME_SIZE) {
                        length = NAME_SIZE - 1;
                        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
                                length--; /* not in the middle of a character */
                }
                memcpy(name, text, length);
                name[length] = '\0';
        }
        for (i = 1; i < analytics->name_count; i++) {
                if (strcmp(analytics->names[i], name) == 0)
                        return (uint8_t)i;
        }
        if (analytics->name_count == HEALER_ANALYTICS_NAMES_MAX) {
                analytics->stats.names_dropped++;
                return OTHER;
        }
        memcpy(analytics->names[i], name, NAME_SIZE);
        analytics->name_count++;
        return (uint8_t)i;
}

enum healer_err healer_analytics_add(struct healer_analytics *analytics,
                                     const struct healer_healing *healing)
{
        struct record *record;
        uint32_t i;

        if (healing->ended_ns < healing->noticed_ns ||
            (healing->acted_ns != HEALER_NEVER && healing->acted_ns > healing->ended_ns) ||
            (unsigned)healing->severity >= HEALER_SEVERITY_COUNT ||
            (unsigned)healing->outcome > HEALER_NOT_TRIED)
                return HEALER_E_RANGE;
        enter(analytics);
        if (analytics->added >= analytics->config.healings_max)
                analytics->stats.forgotten++;
        record = &analytics->records[analytics->added % analytics->config.healings_max];
        memset(record, 0, sizeof(*record));
        record->id = healing->id;
        record->noticed_ns = healing->noticed_ns;
        record->acted_ns = healing->acted_ns;
        record->ended_ns = healing->ended_ns;
        record->outcome = (uint8_t)healing->outcome;
        record->severity = (uint8_t)healing->severity;
        record->strategy = name_of(analytics, healing->strategy);
        record->type = name_of(analytics, healing->failure_type);
        record->component = name_of(analytics, healing->component);
        record->actions_all = healing->action_count;
        record->escalated = healing->escalated;
        for (i = 0; i < healing->action_count && i < HEALER_ANALYTICS_ACTIONS_MAX; i++)
                record->action_names[i] = name_of(analytics, healing->actions[i]);
        record->action_count = (uint8_t)i;
        analytics->added++;
        analytics->stats.added++;
        leave(analytics);
        return HEALER_OK;
}

/* ---- counting */

/* Results in order of time, as bits: all there is to a trend. The recent part is
 * a third, which is known only at the end; so the newest 20 are kept. */
struct counter {
        uint64_t failures, attempts, successes;
        uint64_t newest; /* bit i: the i-th newest result was a success; 20 are used */
        double time_sum_s, restore_sum_s, score_sum;
        uint64_t timed;
};

static double seconds(int64_t ns)
{
        return (double)ns / 1e9;
}

static double action_time_s(const struct record *record)
{
        return record->acted_ns == HEALER_NEVER ? NAN
                                                : seconds(record->ended_ns - record->acted_ns);
}

static double share_for_time(double took_s)
{
        static const struct {
                double to_s, share;
        } steps[] = {{150, 1}, {300, 0.8}, {600, 0.6}, {1200, 0.3}};
        size_t i;

        for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                if (took_s <= steps[i].to_s)
                        return steps[i].share;
        }
        return 0.1;
}

static struct healer_effectiveness score_of(enum healer_healing_outcome outcome, bool escalated,
                                            double took_s, uint32_t actions)
{
        struct healer_effectiveness score = {0};
        uint32_t repeats = actions > 1 ? actions - 1 : 0;

        if (outcome == HEALER_HEALED) {
                score.status = 0.4;
                score.time = 0.3 * share_for_time(took_s);
                score.repeats = repeats >= REPEATS_MAX
                                        ? 0
                                        : 0.2 * (1 - (double)repeats / REPEATS_MAX);
                score.result = 0.1;
        } else if (escalated) {
                score.status = 0.2;
        }
        score.score = score.status + score.time + score.repeats + score.result;
        score.effective = score.score >= 0.6;
        return score;
}

struct healer_effectiveness healer_effectiveness_of(const struct healer_healing *healing)
{
        return score_of(healing->outcome, healing->escalated,
                        seconds(healing->ended_ns - healing->noticed_ns), healing->action_count);
}

static void count_result(struct counter *counter, const struct record *record, bool success)
{
        if (record->outcome == HEALER_NOT_TRIED) {
                counter->failures++;
                return;
        }
        counter->failures++;
        counter->attempts++;
        counter->successes += success;
        counter->newest = counter->newest << 1 | success;
        counter->score_sum += score_of(success ? HEALER_HEALED : HEALER_NOT_HEALED,
                                       record->escalated,
                                       seconds(record->ended_ns - record->noticed_ns),
                                       record->actions_all)
                                      .score;
        if (!success)
                return;
        counter->restore_sum_s += seconds(record->ended_ns - record->noticed_ns);
        if (record->acted_ns != HEALER_NEVER) {
                counter->time_sum_s += action_time_s(record);
                counter->timed++;
        }
}

static enum healer_trend trend_of(const struct counter *counter)
{
        uint64_t third = counter->attempts / 3;
        uint64_t recent = third < TREND_RECENT_MAX ? third : TREND_RECENT_MAX;
        uint64_t rest = counter->attempts - recent, good, i;
        int64_t change, edge;

        if (counter->attempts < TREND_RESULTS_MIN)
                return HEALER_TREND_STABLE;
        for (good = 0, i = 0; i < recent; i++)
                good += counter->newest >> i & 1;
        /* good / recent - (successes - good) / rest, times 20 recent rest */
        change = 20 * ((int64_t)(good * rest) - (int64_t)((counter->successes - good) * recent));
        edge = (int64_t)(recent * rest);
        return change > edge    ? HEALER_TREND_IMPROVING
               : change < -edge ? HEALER_TREND_DEGRADING
                                : HEALER_TREND_STABLE;
}

static enum healer_advice advice_of(const struct counter *counter, enum healer_trend trend)
{
        bool degrading = trend == HEALER_TREND_DEGRADING;
        uint64_t tenths = 10 * counter->successes;

        if (tenths >= 9 * counter->attempts && !degrading)
                return HEALER_ADVICE_KEEP;
        if (tenths >= 7 * counter->attempts && degrading)
                return HEALER_ADVICE_TUNE;
        if (tenths < 5 * counter->attempts)
                return HEALER_ADVICE_REPLACE;
        return degrading ? HEALER_ADVICE_INVESTIGATE : HEALER_ADVICE_MONITOR;
}

static void fill_row(const struct healer_analytics *analytics, const struct counter *counter,
                     const char *name, struct healer_analytics_row *row)
{
        memset(row, 0, sizeof(*row));
        memcpy(row->name, name, strlen(name) + 1);
        row->failures = counter->failures;
        row->attempts = counter->attempts;
        row->successes = counter->successes;
        row->rate = counter->attempts == 0
                            ? NAN
                            : (double)counter->successes / (double)counter->attempts;
        row->mean_time_s = counter->timed == 0 ? NAN : counter->time_sum_s / (double)counter->timed;
        row->mttr_s = counter->successes == 0
                              ? NAN
                              : counter->restore_sum_s / (double)counter->successes;
        row->effectiveness = counter->attempts == 0
                                     ? NAN
                                     : counter->score_sum / (double)counter->attempts;
        row->trend = trend_of(counter);
        row->advice = counter->attempts < analytics->config.results_min
                              ? HEALER_ADVICE_NONE
                              : advice_of(counter, row->trend);
}

/* Best rate first; those without one last; then by name. */
static int by_rate(const struct healer_analytics_row *a, const struct healer_analytics_row *b)
{
        uint64_t left = a->successes * b->attempts, right = b->successes * a->attempts;

        if ((a->attempts == 0) != (b->attempts == 0))
                return a->attempts == 0 ? 1 : -1;
        if (left != right)
                return left > right ? -1 : 1;
        return strcmp(a->name, b->name);
}

static int by_failures(const struct healer_analytics_row *a, const struct healer_analytics_row *b)
{
        if (a->failures != b->failures)
                return a->failures > b->failures ? -1 : 1;
        return strcmp(a->name, b->name);
}

/* Rows of the counters that have anything; the first rows by `compare` when there
 * are more than fit. */
static uint32_t make_rows(const struct healer_analytics *analytics, const struct counter *counters,
                          struct healer_analytics_row *rows,
                          int (*compare)(const struct healer_analytics_row *,
                                         const struct healer_analytics_row *))
{
        struct healer_analytics_row row;
        uint32_t count = 0, i, at;

        for (i = 0; i < analytics->name_count; i++) {
                if (counters[i].failures == 0)
                        continue;
                fill_row(analytics, &counters[i], analytics->names[i], &row);
                for (at = count; at > 0 && compare(&row, &rows[at - 1]) < 0; at--)
                        if (at < HEALER_ANALYTICS_ROWS_MAX)
                                rows[at] = rows[at - 1];
                if (at < HEALER_ANALYTICS_ROWS_MAX)
                        rows[at] = row;
                if (count < HEALER_ANALYTICS_ROWS_MAX)
                        count++;
        }
        return count;
}

/* ---- one range */

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

static uint32_t digit_of(uint64_t bits, uint32_t shift)
{
        return (uint32_t)(bits >> shift) % DIGITS;
}

/* In the order of the times. */
static uint64_t ended_bits(const struct record *record)
{
        return (uint64_t)record->ended_ns ^ (UINT64_C(1) << 63);
}

/* Sorts the chosen records by time of ending, stable: digit by digit from the last, so that
 * it takes as long for each however many there are. Digits in which all are alike are passed
 * over. */
static void sort_order(struct healer_analytics *analytics, uint32_t count)
{
        uint32_t *from = analytics->order, *to = analytics->spare, *swap;
        uint32_t starts[DIGITS], digit, shift, i;

        for (shift = 0; shift < 64; shift += DIGIT_BITS) {
                memset(starts, 0, sizeof(starts));
                for (i = 0; i < count; i++)
                        starts[digit_of(ended_bits(&analytics->records[from[i]]), shift)]++;
                if (count == 0 ||
                    starts[digit_of(ended_bits(&analytics->records[from[0]]), shift)] == count)
                        continue;
                for (digit = 0, i = 0; digit < DIGITS; digit++) {
                        i += starts[digit];
                        starts[digit] = i - starts[digit];
                }
                for (i = 0; i < count; i++)
                        to[starts[digit_of(ended_bits(&analytics->records[from[i]]), shift)]++] =
                                from[i];
                swap = from;
                from = to;
                to = swap;
        }
        if (from != analytics->order)
                memcpy(analytics->order, from, count * sizeof(*from));
}

static uint32_t choose(struct healer_analytics *analytics, int64_t now_ns, int64_t range_ns)
{
        uint64_t kept = analytics->added < analytics->config.healings_max
                                ? analytics->added
                                : analytics->config.healings_max;
        int64_t since_ns = range_ns == HEALER_NEVER ? INT64_MIN : hlr_sub(now_ns, range_ns);
        uint64_t first = analytics->added - kept, i;
        uint32_t count = 0;

        for (i = first; i < analytics->added; i++) {
                uint32_t at = (uint32_t)(i % analytics->config.healings_max);

                if (analytics->records[at].ended_ns >= since_ns &&
                    analytics->records[at].ended_ns <= now_ns)
                        analytics->order[count++] = at;
        }
        sort_order(analytics, count);
        return count;
}

/* In the order of the values, and back. */
static uint64_t bits_of(double value)
{
        uint64_t bits;

        memcpy(&bits, &value, sizeof(bits));
        return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static double value_of(uint64_t bits)
{
        double value;

        bits = bits >> 63 != 0 ? bits & ~(UINT64_C(1) << 63) : ~bits;
        memcpy(&value, &bits, sizeof(value));
        return value;
}

/* The smallest value that at least that share of all does not exceed: found digit by digit
 * from the first, by how many of those that begin alike have which. */
static double quantile(const double *values, uint32_t count, uint32_t percent)
{
        uint64_t rank = ((uint64_t)count * percent + 99) / 100, found = 0;
        uint32_t counts[DIGITS], digit, shift, i;

        if (count == 0)
                return NAN;
        for (shift = 64; shift > 0;) {
                uint64_t known = shift == 64 ? 0 : UINT64_MAX << shift;

                shift -= DIGIT_BITS;
                memset(counts, 0, sizeof(counts));
                for (i = 0; i < count; i++)
                        if ((bits_of(values[i]) & known) == found)
                                counts[digit_of(bits_of(values[i]), shift)]++;
                for (digit = 0; rank > counts[digit]; digit++)
                        rank -= counts[digit];
                found |= (uint64_t)digit << shift;
        }
        return value_of(found);
}

static void measure_times(struct healer_analytics *analytics, uint32_t count,
                          struct healer_analytics_report *report)
{
        uint32_t i, k, timed = 0;

        for (i = 0; i < count; i++) {
                const struct record *record = &analytics->records[analytics->order[i]];

                if (record->outcome != HEALER_HEALED || record->acted_ns == HEALER_NEVER)
                        continue;
                analytics->times[timed++] = action_time_s(record);
                for (k = 0; k + 1 < HEALER_ANALYTICS_TIMES &&
                            analytics->times[timed - 1] >= healer_time_edges_s[k];
                     k++)
                        ;
                report->time_histogram[k]++;
        }
        report->time_s_p50 = quantile(analytics->times, timed, 50);
        report->time_s_p90 = quantile(analytics->times, timed, 90);
        report->time_s_p99 = quantile(analytics->times, timed, 99);
}

struct counters {
        struct counter all, severities[HEALER_SEVERITY_COUNT];
        struct counter strategies[HEALER_ANALYTICS_NAMES_MAX], types[HEALER_ANALYTICS_NAMES_MAX];
        struct counter components[HEALER_ANALYTICS_NAMES_MAX], actions[HEALER_ANALYTICS_NAMES_MAX];
};

static void count_record(struct counters *counters, const struct record *record)
{
        bool healed = record->outcome == HEALER_HEALED;
        uint32_t i;

        count_result(&counters->all, record, healed);
        count_result(&counters->severities[record->severity], record, healed);
        if (record->outcome != HEALER_NOT_TRIED)
                count_result(&counters->strategies[record->strategy], record, healed);
        count_result(&counters->types[record->type], record, healed);
        count_result(&counters->components[record->component], record, healed);
        for (i = 0; i < record->action_count; i++)
                count_result(&counters->actions[record->action_names[i]], record,
                             healed && i + 1u == record->action_count);
}

/* ---- patterns */

static int64_t floor_mod(int64_t a, int64_t b)
{
        return (a % b + b) % b;
}

static void find_patterns(struct healer_analytics *analytics, uint32_t count,
                          struct healer_analytics_report *report)
{
        double sums[HEALER_ANALYTICS_BUCKETS] = {0}, n = 0, sum_x = 0, sum_y = 0, sum_xx = 0,
               sum_xy = 0;
        uint32_t counts[HEALER_ANALYTICS_BUCKETS] = {0}, i;
        int64_t first = INT64_MAX, last = INT64_MIN, span;

        for (i = 0; i < count; i++) {
                const struct record *record = &analytics->records[analytics->order[i]];

                first = hlr_min(first, record->noticed_ns);
                last = hlr_max(last, record->noticed_ns);
                report->by_hour[floor_mod(hlr_add(record->noticed_ns, analytics->config.zone_ns),
                                          24 * HOUR_NS) /
                                HOUR_NS]++;
        }
        span = count > 0 ? hlr_sub(last, first) : 0;
        report->failures_per_hour =
                count < 2 ? 0 : (double)count / ((double)hlr_max(span, HOUR_NS) / (double)HOUR_NS);
        for (i = 0; i < count; i++) {
                const struct record *record = &analytics->records[analytics->order[i]];
                double share = span > 0 ? (double)(record->noticed_ns - first) / (double)span : 0;
                uint32_t bucket = (uint32_t)(share * HEALER_ANALYTICS_BUCKETS);
                double restore_s = seconds(record->ended_ns - record->noticed_ns);

                if (record->outcome != HEALER_HEALED)
                        continue;
                if (bucket >= HEALER_ANALYTICS_BUCKETS)
                        bucket = HEALER_ANALYTICS_BUCKETS - 1;
                sums[bucket] += restore_s;
                counts[bucket]++;
                n++;
                sum_x += share;
                sum_y += restore_s;
                sum_xx += share * share;
                sum_xy += share * restore_s;
        }
        for (i = 0; i < HEALER_ANALYTICS_BUCKETS; i++)
                report->mttr_over_time_s[i] = counts[i] == 0 ? NAN : sums[i] / counts[i];
        if (n >= TREND_RESULTS_MIN && n * sum_xx - sum_x * sum_x > 0) {
                double slope = (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);

                /* A change over the whole range of less than a tenth is none. */
                if (fabs(slope) > 0.1 * sum_y / n)
                        report->mttr_direction = slope < 0 ? -1 : 1;
        }
}

/* ---- recommendations */

static char *recommend(struct healer_analytics_report *report,
                       enum healer_recommendation_kind kind)
{
        struct healer_recommendation *to;

        if (report->recommendation_count ==
            sizeof(report->recommendations) / sizeof(*report->recommendations))
                return NULL;
        to = &report->recommendations[report->recommendation_count++];
        to->kind = kind;
        return to->text;
}

/* Tenths of a percent as whole numbers, since printf() of a double follows the
 * locale of the program that we are in. */
#define PERCENT(part, whole)                                                                       \
        (unsigned)((1000 * (part) + (whole) / 2) / (whole) / 10),                                  \
                (unsigned)((1000 * (part) + (whole) / 2) / (whole) % 10)

static void recommend_overall(const struct healer_analytics *analytics,
                              struct healer_analytics_report *report)
{
        uint64_t n = report->attempts, good = report->successes;
        bool low = 10 * good < 7 * n, high = 20 * good > 19 * n;
        char *text;

        if (n < analytics->config.results_min || (!low && !high))
                return;
        text = recommend(report, HEALER_RECOMMEND_OVERALL);
        if (text != NULL)
                snprintf(text, HEALER_ANALYTICS_TEXT_MAX,
                         low ? "success rate %u.%u %% of %llu healings is low: look at the strategies "
                               "with the lowest rate first"
                             : "success rate %u.%u %% of %llu healings is excellent: keep it",
                         PERCENT(good, n), (unsigned long long)n);
}

/* The strategy that did best against the types that this one was used on. */
static uint32_t better_strategy(const struct healer_analytics *analytics, uint32_t count,
                                uint32_t strategy, struct counter *out)
{
        static const struct counter zero;
        struct counter counters[HEALER_ANALYTICS_NAMES_MAX];
        bool types[HEALER_ANALYTICS_NAMES_MAX] = {false};
        uint32_t i, best = strategy;

        memset(counters, 0, sizeof(counters));
        for (i = 0; i < count; i++) {
                const struct record *record = &analytics->records[analytics->order[i]];

                if (record->strategy == strategy && record->outcome != HEALER_NOT_TRIED)
                        types[record->type] = true;
        }
        for (i = 0; i < count; i++) {
                const struct record *record = &analytics->records[analytics->order[i]];

                if (types[record->type] && record->outcome != HEALER_NOT_TRIED)
                        count_result(&counters[record->strategy], record,
                                     record->outcome == HEALER_HEALED);
        }
        for (i = 0; i < analytics->name_count; i++) {
                if (counters[i].attempts >= analytics->config.results_min &&
                    counters[i].successes * counters[best].attempts >
                            counters[best].successes * counters[i].attempts)
                        best = i;
        }
        *out = best == strategy ? zero : counters[best];
        return best;
}

static void recommend_strategies(const struct healer_analytics *analytics, uint32_t count,
                                 struct healer_analytics_report *report)
{
        uint32_t r, i, better;
        struct counter other;
        char *text;
        int length;

        for (r = 0; r < report->strategy_count; r++) {
                const struct healer_analytics_row *row = &report->strategies[r];

                if (row->advice != HEALER_ADVICE_REPLACE && row->advice != HEALER_ADVICE_TUNE)
                        continue;
                for (i = 0; i < analytics->name_count && strcmp(analytics->names[i], row->name); i++)
                        ;
                text = recommend(report, HEALER_RECOMMEND_STRATEGY);
                if (text == NULL)
                        return;
                length = snprintf(text, HEALER_ANALYTICS_TEXT_MAX,
                                  "%s '%.47s': it healed %llu of %llu (%u.%u %%) and is %s",
                                  healer_advice_names[row->advice], row->name,
                                  (unsigned long long)row->successes,
                                  (unsigned long long)row->attempts,
                                  PERCENT(row->successes, row->attempts),
                                  healer_trend_names[row->trend]);
                better = better_strategy(analytics, count, i, &other);
                if (length < 0 || length >= HEALER_ANALYTICS_TEXT_MAX)
                        continue;
                if (better == i)
                        snprintf(text + length, HEALER_ANALYTICS_TEXT_MAX - (size_t)length,
                                 "; nothing else did better there: a new one is wanted");
                else
                        snprintf(text + length, HEALER_ANALYTICS_TEXT_MAX - (size_t)length,
                                 "; '%.47s' healed %llu of %llu there", analytics->names[better],
                                 (unsigned long long)other.successes,
                                 (unsigned long long)other.attempts);
        }
}

static void recommend_mttr(const struct healer_analytics *analytics,
                           struct healer_analytics_report *report)
{
        double high_s = seconds(analytics->config.mttr_high_ns);
        char *text;

        if (report->successes < analytics->config.results_min || !(report->mttr_s > high_s))
                return;
        text = recommend(report, HEALER_RECOMMEND_MTTR);
        if (text != NULL)
                snprintf(text, HEALER_ANALYTICS_TEXT_MAX,
                         "time to restore is %llu ms over %llu healings, the aim %llu ms: %s",
                         (unsigned long long)(report->mttr_s * 1e3 + 0.5),
                         (unsigned long long)report->successes,
                         (unsigned long long)(high_s * 1e3 + 0.5),
                         report->mean_time_s < report->mttr_s / 2
                                 ? "most of it passes before anything is done, decide sooner"
                                 : "most of it is the actions, choose quicker ones");
}

static const struct {
        const char *part, *measure;
} measures[] = {
        {"leak", "restart before the limit is reached (prediction by trend)"},
        {"memory", "raise the limit, or restart before it is reached"},
        {"token", "a rate limit ahead of the quota"},
        {"quota", "a rate limit ahead of the quota"},
        {"disk", "rotation and a free-space alarm well before it is full"},
        {"timeout", "deadlines and a breaker on the call"},
        {"latency", "deadlines and a breaker on the call"},
        {"exhaustion", "scale on the trend of its use"},
        {"cpu", "scale on the trend of its use"},
        {"database", "a checked pool that reconnects by itself"},
        {"deployment", "canary the deployment and roll back on errors"},
        {"configuration", "validate the configuration before it is rolled out"},
        {"dependency", "a fallback for the call"},
        {"heartbeat", "a health check that restarts what hangs"},
        {"agent", "a spare instance, so that one may fail"},
        {"", "find what announces it, and act on that"},
};

static void recommend_prevention(const struct healer_analytics *analytics,
                                 struct healer_analytics_report *report)
{
        const struct healer_analytics_row *most = &report->types[0];
        uint32_t i = 0;
        char *text;

        if (report->type_count == 0 || most->failures < analytics->config.results_min)
                return;
        while (strstr(most->name, measures[i].part) == NULL)
                i++;
        text = recommend(report, HEALER_RECOMMEND_PREVENTION);
        if (text != NULL)
                snprintf(text, HEALER_ANALYTICS_TEXT_MAX, "'%.47s' is the most common failure, %llu of "
                         "%llu: %s", most->name, (unsigned long long)most->failures,
                         (unsigned long long)report->failures, measures[i].measure);
}

static uint64_t failures_named(const struct healer_analytics_report *report,
                               const char *const *parts, size_t count)
{
        uint64_t sum = 0;
        uint32_t i;
        size_t k;

        for (i = 0; i < report->type_count; i++) {
                for (k = 0; k < count && strstr(report->types[i].name, parts[k]) == NULL; k++)
                        ;
                if (k < count)
                        sum += report->types[i].failures;
        }
        return sum;
}

static void recommend_parts(const struct healer_analytics *analytics,
                            struct healer_analytics_report *report)
{
        static const char *const resources[] = {"exhaustion", "quota", "disk_full", "cpu_spike"};
        static const char *const silent[] = {"timeout"};
        uint64_t failures = failures_named(report, resources, 4);
        char *text;

        if (failures > 0 && report->failures >= analytics->config.results_min &&
            !analytics->config.degradation_enabled) {
                text = recommend(report, HEALER_RECOMMEND_RESOURCES);
                if (text != NULL)
                        snprintf(text, HEALER_ANALYTICS_TEXT_MAX,
                                 "%llu of %llu failures ran out of a resource: enable degradation, "
                                 "or give more of it",
                                 (unsigned long long)failures,
                                 (unsigned long long)report->failures);
        }
        failures = failures_named(report, silent, 1);
        if (failures > 0 && report->failures >= analytics->config.results_min &&
            !analytics->config.breakers_enabled) {
                text = recommend(report, HEALER_RECOMMEND_BREAKERS);
                if (text != NULL)
                        snprintf(text, HEALER_ANALYTICS_TEXT_MAX,
                                 "%llu of %llu failures were timeouts: enable circuit breakers",
                                 (unsigned long long)failures,
                                 (unsigned long long)report->failures);
        }
}

/* ---- the report */

static void list_events(const struct healer_analytics *analytics, uint32_t count,
                        struct healer_analytics_report *report)
{
        uint32_t i, k;

        for (i = 0; i < count && i < HEALER_ANALYTICS_TIMELINE_MAX; i++) {
                const struct record *record =
                        &analytics->records[analytics->order[count - 1 - i]];
                struct healer_analytics_event *event = &report->timeline[i];

                event->at_ns = record->ended_ns;
                event->id = record->id;
                memcpy(event->strategy, analytics->names[record->strategy], NAME_SIZE);
                event->success = record->outcome == HEALER_HEALED;
                event->duration_s = seconds(record->ended_ns - record->noticed_ns);
                event->action_count = record->actions_all;
                for (k = 0; k < record->action_count; k++)
                        memcpy(event->actions[k], analytics->names[record->action_names[k]],
                               NAME_SIZE);
        }
        report->timeline_count = i;
}

static void make_report(struct healer_analytics *analytics, int64_t now_ns, int64_t range_ns,
                        struct healer_analytics_report *report)
{
        struct counters counters;
        struct healer_analytics_row all;
        uint32_t count = choose(analytics, now_ns, range_ns), i;

        memset(&counters, 0, sizeof(counters));
        memset(report, 0, sizeof(*report));
        for (i = 0; i < count; i++)
                count_record(&counters, &analytics->records[analytics->order[i]]);
        fill_row(analytics, &counters.all, "", &all);
        report->generated_ns = now_ns;
        report->range_ns = range_ns;
        report->failures = all.failures;
        report->attempts = all.attempts;
        report->successes = all.successes;
        report->refused = all.failures - all.attempts;
        report->success_rate = all.rate;
        report->mean_time_s = all.mean_time_s;
        report->mttr_s = all.mttr_s;
        report->trend = all.trend;
        measure_times(analytics, count, report);
        report->strategy_count =
                make_rows(analytics, counters.strategies, report->strategies, by_rate);
        report->type_count = make_rows(analytics, counters.types, report->types, by_failures);
        report->component_count =
                make_rows(analytics, counters.components, report->components, by_failures);
        report->action_count = make_rows(analytics, counters.actions, report->actions, by_rate);
        for (i = 0; i < HEALER_SEVERITY_COUNT; i++)
                fill_row(analytics, &counters.severities[i], healer_severity_names[i],
                         &report->severities[i]);
        find_patterns(analytics, count, report);
        recommend_overall(analytics, report);
        recommend_strategies(analytics, count, report);
        recommend_mttr(analytics, report);
        recommend_prevention(analytics, report);
        recommend_parts(analytics, report);
        list_events(analytics, count, report);
}

enum healer_err healer_analytics_report(struct healer_analytics *analytics, int64_t now_ns,
                                        int64_t range_ns, struct healer_analytics_report *out)
{
        const struct healer_analytics_report *cached = &analytics->cached;

        if (range_ns < 0)
                return HEALER_E_RANGE;
        enter(analytics);
        if (analytics->has_cached && analytics->cached_added == analytics->added &&
            cached->range_ns == range_ns && now_ns >= cached->generated_ns &&
            hlr_sub(now_ns, cached->generated_ns) < analytics->config.cache_for_ns) {
                analytics->stats.reports_from_cache++;
        } else {
                make_report(analytics, now_ns, range_ns, &analytics->cached);
                analytics->cached_added = analytics->added;
                analytics->has_cached = true;
                analytics->stats.reports_made++;
        }
        *out = analytics->cached;
        leave(analytics);
        return HEALER_OK;
}

struct healer_analytics_stats healer_analytics_stats(struct healer_analytics *analytics)
{
        struct healer_analytics_stats stats;

        enter(analytics);
        stats = analytics->stats;
        leave(analytics);
        return stats;
}
