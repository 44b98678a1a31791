/* patterns.c - counting what comes before what; see patterns.h.
 *
 * Each place remembers its last ten signs. A failure there makes a pattern of
 * every one, two or three different ones of them in order. A sign completes
 * those patterns that end with it and whose other signs stand before it: that
 * is counted once a window and place, so that a sign which flutters is not
 * taken for many. A pattern that is new cannot know how often its signs came
 * to nothing before; the counts of single signs since the beginning stand in.
 */
#include "healer/patterns.h"

#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

enum { RECENT = 10, DISTINCT_MAX = 6, TIMES = 8, HOURS = 24 };

#define COUPLE_NS (10 * HLR_SECOND)
#define HOUR_NS (3600 * HLR_SECOND)
#define REGULAR_MIN 0.6
#define AGAIN_NS (5 * HLR_SECOND) /* failures of one kind this close are one */

struct sign {
        int64_t at_ns;
        uint32_t sign;
};

struct place {
        struct sign recent[RECENT];
        uint64_t count;
        int64_t failed_ns[HEALER_SIGNS_MAX / 2][TIMES]; /* failure types below 32 */
        uint32_t failed_count[HEALER_SIGNS_MAX / 2];
        int64_t last_event_ns; /* INT64_MIN: none */
        uint64_t events;       /* for couples: one a second at most */
};

struct counted { /* of a pattern: the last time it was complete */
        uint32_t place;
        int64_t at_ns, followed_ns;
};

struct healer_patterns {
        struct healer_patterns_config config;
        struct healer_pattern rows[HEALER_PATTERNS_MAX];
        struct counted counted[HEALER_PATTERNS_MAX];
        uint32_t row_count;
        uint64_t sign_seen[HEALER_SIGNS_MAX];
        uint64_t hours[HOURS], hour_events;
        int64_t first_ns, last_ns; /* INT64_MIN: nothing yet */
        struct place *places;
        uint32_t place_count;
        uint32_t *together; /* [couples][couples] */
        uint32_t couples;
};

struct healer_patterns_config healer_patterns_config_defaults(void)
{
        return (struct healer_patterns_config){
                .size = sizeof(struct healer_patterns_config),
                .occurrences_min = 5,
                .similarity_min = 0.7,
                .window_ns = 600 * HLR_SECOND,
        };
}

const char *healer_patterns_config_check(const struct healer_patterns_config *config)
{
        if (config->occurrences_min < 2 || config->occurrences_min > 1000)
                return "occurrences_min: must be 2..1000";
        if (!(config->similarity_min >= 0 && config->similarity_min <= 1))
                return "similarity_min: must be 0..1";
        if (config->window_ns < HLR_SECOND || config->window_ns > 86400 * HLR_SECOND)
                return "window_ns: must be 1 s..1 d";
        return NULL;
}

enum healer_err healer_patterns_create(const struct healer_patterns_config *config,
                                       uint32_t places, struct healer_patterns **out)
{
        struct healer_patterns_config c = healer_patterns_config_defaults();
        struct healer_patterns *patterns;
        enum healer_err err;
        uint32_t couples = places < HEALER_COUPLES_MAX ? places : HEALER_COUPLES_MAX;
        size_t own = (sizeof(*patterns) + 15) / 16 * 16;
        size_t bytes = hlr_bytes(own, places, sizeof(struct place));
        uint32_t i;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_patterns_config_check(&c) != NULL)
                return HEALER_E_RANGE;
        patterns = hlr_alloc(c.allocator,
                             hlr_bytes(bytes, (size_t)couples * couples, sizeof(uint32_t)));
        if (patterns == NULL)
                return HEALER_E_NOMEM;
        patterns->config = c;
        patterns->places = (struct place *)(void *)((char *)patterns + own);
        patterns->place_count = places;
        patterns->together = (uint32_t *)(void *)((char *)patterns + bytes);
        patterns->couples = couples;
        patterns->first_ns = INT64_MIN;
        for (i = 0; i < places; i++)
                patterns->places[i].last_event_ns = INT64_MIN;
        *out = patterns;
        return HEALER_OK;
}

void healer_patterns_destroy(struct healer_patterns *patterns)
{
        if (patterns != NULL)
                hlr_free(patterns->config.allocator, patterns);
}

/* ---- sequences */

/* Whether the pattern's signs stand among the place's, in order and within the
 * window before `now_ns`; the time of the last one. */
static bool present(const struct healer_patterns *patterns, const struct place *place,
                    const struct healer_pattern *row, int64_t now_ns, int64_t *last_ns)
{
        uint32_t kept = place->count < RECENT ? (uint32_t)place->count : RECENT;
        uint32_t left = row->length, i;
        const struct sign *sign;

        for (i = 0; i < kept && left > 0; i++) {
                sign = &place->recent[(place->count - 1 - i) % RECENT];
                if (hlr_sub(now_ns, sign->at_ns) > patterns->config.window_ns)
                        return false;
                if (sign->sign != row->signs[left - 1])
                        continue;
                if (left == row->length)
                        *last_ns = sign->at_ns;
                left--;
        }
        return left == 0;
}

static bool same_signs(const struct healer_pattern *a, const struct healer_pattern *b)
{
        return a->length == b->length && a->failure == b->failure &&
               memcmp(a->signs, b->signs, sizeof(a->signs)) == 0;
}

/* The row to put a new pattern in: a free one, else the least useful. */
static uint32_t room_for(struct healer_patterns *patterns)
{
        uint32_t i, worst = 0;

        if (patterns->row_count < HEALER_PATTERNS_MAX)
                return patterns->row_count++;
        for (i = 1; i < HEALER_PATTERNS_MAX; i++) {
                if (patterns->rows[i].followed < patterns->rows[worst].followed ||
                    (patterns->rows[i].followed == patterns->rows[worst].followed &&
                     patterns->rows[i].seen > patterns->rows[worst].seen))
                        worst = i;
        }
        return worst;
}

static void learn_lead(struct healer_pattern *row, double lead_s)
{
        double step = lead_s - row->lead_mean_s;

        row->lead_mean_s += step / (double)row->followed;
        row->lead_m2 += step * (lead_s - row->lead_mean_s);
}

static void followed(struct healer_patterns *patterns, uint32_t place,
                     const struct healer_pattern *pattern, int64_t last_ns, int64_t at_ns)
{
        struct healer_pattern *row;
        struct counted *counted;
        uint32_t i;

        for (i = 0; i < patterns->row_count; i++) {
                if (same_signs(&patterns->rows[i], pattern))
                        break;
        }
        if (i == patterns->row_count) {
                i = room_for(patterns);
                patterns->rows[i] = *pattern;
                patterns->rows[i].seen = 1;
                if (pattern->length == 1)
                        patterns->rows[i].seen = patterns->sign_seen[pattern->signs[0]];
                patterns->counted[i] = (struct counted){place, last_ns, INT64_MIN};
        }
        row = &patterns->rows[i];
        counted = &patterns->counted[i];
        if (counted->followed_ns != INT64_MIN && counted->place == place &&
            counted->followed_ns >= last_ns)
                return; /* of the same signs */
        row->followed++;
        if (row->seen < row->followed)
                row->seen = row->followed;
        counted->followed_ns = at_ns;
        counted->place = place;
        learn_lead(row, (double)hlr_sub(at_ns, last_ns) / 1e9);
}

/* The different signs of the window, in the order of their last coming. */
static uint32_t distinct(const struct healer_patterns *patterns, const struct place *place,
                         int64_t now_ns, struct sign *out)
{
        uint32_t kept = place->count < RECENT ? (uint32_t)place->count : RECENT;
        uint32_t count = 0, i, k;
        struct sign found[DISTINCT_MAX];
        const struct sign *sign;

        for (i = 0; i < kept && count < DISTINCT_MAX; i++) {
                sign = &place->recent[(place->count - 1 - i) % RECENT];
                if (hlr_sub(now_ns, sign->at_ns) > patterns->config.window_ns)
                        break;
                for (k = 0; k < count && found[k].sign != sign->sign; k++)
                        ;
                if (k == count)
                        found[count++] = *sign;
        }
        for (i = 0; i < count; i++)
                out[i] = found[count - 1 - i];
        return count;
}

static void learn_sequences(struct healer_patterns *patterns, uint32_t place, uint32_t failure,
                            int64_t at_ns)
{
        struct healer_pattern pattern;
        struct sign signs[DISTINCT_MAX];
        uint32_t count = distinct(patterns, &patterns->places[place], at_ns, signs);
        uint32_t a, b, c;

        if (patterns->config.frozen)
                return;
        for (a = 0; a < count; a++) {
                memset(&pattern, 0, sizeof(pattern));
                pattern.failure = failure;
                pattern.length = 1;
                pattern.signs[0] = signs[a].sign;
                followed(patterns, place, &pattern, signs[a].at_ns, at_ns);
                for (b = a + 1; b < count; b++) {
                        pattern.length = 2;
                        pattern.signs[1] = signs[b].sign;
                        pattern.signs[2] = 0;
                        followed(patterns, place, &pattern, signs[b].at_ns, at_ns);
                        for (c = b + 1; c < count; c++) {
                                pattern.length = 3;
                                pattern.signs[2] = signs[c].sign;
                                followed(patterns, place, &pattern, signs[c].at_ns, at_ns);
                        }
                }
        }
}

static void complete(struct healer_patterns *patterns, uint32_t place, uint32_t sign,
                     int64_t at_ns)
{
        struct healer_pattern *row;
        struct counted *counted;
        int64_t last_ns;
        uint32_t i;

        if (patterns->config.frozen)
                return;
        for (i = 0; i < patterns->row_count; i++) {
                row = &patterns->rows[i];
                counted = &patterns->counted[i];
                if (row->signs[row->length - 1] != sign ||
                    !present(patterns, &patterns->places[place], row, at_ns, &last_ns))
                        continue;
                if (counted->place == place &&
                    hlr_sub(at_ns, counted->at_ns) < patterns->config.window_ns)
                        continue; /* the same story */
                row->seen++;
                counted->place = place;
                counted->at_ns = at_ns;
        }
}

/* ---- couples, hours */

static void count_event(struct healer_patterns *patterns, int64_t at_ns, uint32_t index)
{
        struct place *place = &patterns->places[index];
        uint32_t i;

        if (patterns->first_ns == INT64_MIN)
                patterns->first_ns = at_ns;
        patterns->last_ns = hlr_max(patterns->last_ns, at_ns);
        patterns->hours[(uint64_t)(((at_ns / HOUR_NS) % HOURS + HOURS) % HOURS)]++;
        patterns->hour_events++;
        if (index >= patterns->couples)
                return;
        if (place->last_event_ns != INT64_MIN && hlr_sub(at_ns, place->last_event_ns) < COUPLE_NS)
                return; /* one story, one event */
        place->last_event_ns = at_ns;
        place->events++;
        for (i = 0; i < patterns->couples; i++) {
                if (i == index || patterns->places[i].last_event_ns == INT64_MIN ||
                    hlr_sub(at_ns, patterns->places[i].last_event_ns) > COUPLE_NS)
                        continue;
                patterns->together[(size_t)i * patterns->couples + index]++;
                patterns->together[(size_t)index * patterns->couples + i]++;
        }
}

void healer_patterns_sign(struct healer_patterns *patterns, int64_t at_ns, uint32_t place,
                          uint32_t sign)
{
        struct place *p;
        uint32_t kept, i;

        if (place >= patterns->place_count || sign >= HEALER_SIGNS_MAX)
                return;
        p = &patterns->places[place];
        kept = p->count < RECENT ? (uint32_t)p->count : RECENT;
        for (i = 0; i < kept; i++) {
                if (p->recent[(p->count - 1 - i) % RECENT].sign == sign &&
                    hlr_sub(at_ns, p->recent[(p->count - 1 - i) % RECENT].at_ns) <
                            patterns->config.window_ns)
                        break;
        }
        patterns->sign_seen[sign] += i == kept;
        p->recent[p->count++ % RECENT] = (struct sign){at_ns, sign};
        count_event(patterns, at_ns, place);
        complete(patterns, place, sign, at_ns);
}

void healer_patterns_failure(struct healer_patterns *patterns, int64_t at_ns, uint32_t place,
                             uint32_t failure)
{
        struct place *p;
        uint32_t times;

        if (place >= patterns->place_count || failure >= HEALER_SIGNS_MAX / 2)
                return;
        p = &patterns->places[place];
        times = p->failed_count[failure];
        if (times > 0 &&
            hlr_sub(at_ns, p->failed_ns[failure][(times - 1) % TIMES]) < AGAIN_NS)
                return;
        p->failed_ns[failure][times % TIMES] = at_ns;
        p->failed_count[failure]++;
        count_event(patterns, at_ns, place);
        learn_sequences(patterns, place, failure, at_ns);
}

/* ---- asking */

static double similarity_of(const struct healer_pattern *row)
{
        double share = (double)row->followed / (double)row->seen;
        double deviation = row->followed > 1 ? sqrt(row->lead_m2 / (double)row->followed) : 0;
        double regularity = row->lead_mean_s > 0 ? fmax(0, 1 - deviation / row->lead_mean_s) : 0;

        return fmin(1, 0.7 * share + 0.3 * regularity);
}

static void offer(struct healer_pattern_match *out, uint32_t *count, uint32_t room,
                  const struct healer_pattern_match *match)
{
        uint32_t i, k;

        for (i = 0; i < *count && out[i].failure != match->failure; i++)
                ;
        if (i < *count) {
                if (out[i].similarity >= match->similarity)
                        return;
        } else if (*count < room) {
                (*count)++;
        } else {
                return;
        }
        out[i] = *match;
        for (k = i; k > 0 && out[k - 1].similarity < out[k].similarity; k--) {
                struct healer_pattern_match moved = out[k];

                out[k] = out[k - 1];
                out[k - 1] = moved;
        }
}

uint32_t healer_patterns_match(const struct healer_patterns *patterns, int64_t now_ns,
                               uint32_t place, struct healer_pattern_match *out, uint32_t room)
{
        const struct healer_pattern *row;
        struct healer_pattern_match match;
        uint32_t i, count = 0;

        if (place >= patterns->place_count)
                return 0;
        for (i = 0; i < patterns->row_count; i++) {
                row = &patterns->rows[i];
                if (row->followed < patterns->config.occurrences_min)
                        continue;
                match.similarity = similarity_of(row);
                if (match.similarity < patterns->config.similarity_min ||
                    !present(patterns, &patterns->places[place], row, now_ns, &match.sign_ns))
                        continue;
                match.index = i;
                match.failure = row->failure;
                /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): present() has set it */
                match.due_ns = hlr_add(match.sign_ns, hlr_from_double(row->lead_mean_s * 1e9));
                /* Twice the usual lead has gone by: this time it came to nothing. */
                if (hlr_sub(now_ns, match.sign_ns) > 2 * hlr_sub(match.due_ns, match.sign_ns) +
                                                             5 * HLR_SECOND)
                        continue;
                match.due_ns = hlr_max(match.due_ns, now_ns);
                offer(out, &count, room, &match);
        }
        return count;
}

void healer_patterns_outcome(struct healer_patterns *patterns, uint32_t index, bool right)
{
        if (index >= patterns->row_count)
                return;
        if (right)
                patterns->rows[index].right++;
        else
                patterns->rows[index].wrong++;
}

bool healer_patterns_recurs(const struct healer_patterns *patterns, uint32_t place,
                            uint32_t failure, struct healer_recurrence *out)
{
        const struct place *p;
        double gaps[TIMES], sum = 0, squares = 0, deviation;
        uint32_t kept, i;

        memset(out, 0, sizeof(*out));
        if (place >= patterns->place_count || failure >= HEALER_SIGNS_MAX / 2)
                return false;
        p = &patterns->places[place];
        kept = p->failed_count[failure] < TIMES ? p->failed_count[failure] : TIMES;
        out->times = kept;
        if (kept < 3)
                return false;
        for (i = 0; i + 1 < kept; i++) {
                gaps[i] = (double)hlr_sub(
                                  p->failed_ns[failure][(p->failed_count[failure] - 1 - i) % TIMES],
                                  p->failed_ns[failure][(p->failed_count[failure] - 2 - i) %
                                                        TIMES]) /
                          1e9;
                sum += gaps[i];
        }
        out->period_s = sum / (kept - 1);
        for (i = 0; i + 1 < kept; i++)
                squares += (gaps[i] - out->period_s) * (gaps[i] - out->period_s);
        deviation = sqrt(squares / (kept - 1));
        out->regularity = fmax(0, 1 - deviation / fmax(out->period_s, 1));
        out->last_ns = p->failed_ns[failure][(p->failed_count[failure] - 1) % TIMES];
        out->next_ns = hlr_add(out->last_ns, hlr_from_double(out->period_s * 1e9));
        return out->regularity >= REGULAR_MIN;
}

bool healer_patterns_coupled(const struct healer_patterns *patterns, uint32_t a, uint32_t b,
                             double *lift)
{
        double both, expected, span_s;

        if (lift != NULL)
                *lift = 0;
        if (a >= patterns->couples || b >= patterns->couples || a == b)
                return false;
        both = patterns->together[(size_t)a * patterns->couples + b];
        span_s = (double)hlr_sub(patterns->last_ns, patterns->first_ns) / 1e9;
        expected = (double)patterns->places[a].events * (double)patterns->places[b].events * 2 *
                   ((double)COUPLE_NS / 1e9) / fmax(span_s, 1);
        if (lift != NULL && expected > 0)
                *lift = both / expected;
        return both >= 5 && both >= 1.5 * expected && both - expected > 3 * sqrt(expected + 1);
}

uint32_t healer_patterns_hours(const struct healer_patterns *patterns)
{
        uint32_t bits = 0, h;

        if (patterns->first_ns == INT64_MIN ||
            hlr_sub(patterns->last_ns, patterns->first_ns) < 2 * HOURS * HOUR_NS)
                return 0;
        for (h = 0; h < HOURS; h++) {
                double expected = (double)patterns->hour_events / HOURS;

                if ((double)patterns->hours[h] >= 2 * expected &&
                    (double)patterns->hours[h] - expected > 3 * sqrt(expected + 1))
                        bits |= UINT32_C(1) << h;
        }
        return bits;
}

/* ---- out and in */

uint32_t healer_patterns_count(const struct healer_patterns *patterns)
{
        return patterns->row_count;
}

const struct healer_pattern *healer_patterns_at(const struct healer_patterns *patterns,
                                                uint32_t index)
{
        return index < patterns->row_count ? &patterns->rows[index] : NULL;
}

enum healer_err healer_patterns_add(struct healer_patterns *patterns,
                                    const struct healer_pattern *pattern)
{
        uint32_t i;

        if (pattern->length < 1 || pattern->length > HEALER_PATTERN_SIGNS_MAX ||
            pattern->failure >= HEALER_SIGNS_MAX / 2 || pattern->followed > pattern->seen ||
            pattern->seen == 0 || !(pattern->lead_mean_s >= 0 && pattern->lead_m2 >= 0) ||
            isinf(pattern->lead_mean_s) || isinf(pattern->lead_m2) ||
            patterns->row_count == HEALER_PATTERNS_MAX)
                return HEALER_E_RANGE;
        for (i = 0; i < HEALER_PATTERN_SIGNS_MAX; i++) {
                if (pattern->signs[i] >= HEALER_SIGNS_MAX ||
                    (i >= pattern->length && pattern->signs[i] != 0))
                        return HEALER_E_RANGE;
        }
        for (i = 0; i < patterns->row_count; i++) {
                if (same_signs(&patterns->rows[i], pattern))
                        return HEALER_E_RANGE;
        }
        patterns->rows[patterns->row_count] = *pattern;
        patterns->counted[patterns->row_count] = (struct counted){UINT32_MAX, INT64_MIN, INT64_MIN};
        patterns->row_count++;
        return HEALER_OK;
}
