/* trace.c - recorded load: CSV files of counts or of arrivals.
 *
 *     timestamp,value              one timestamp a line
 *     2014-07-01 00:00:00,10844    2014-07-01T00:00:00.25Z
 *     2014-07-01 00:30:00,8127     1404172800.75
 *
 * Counts: value x scale requests come in the `per` that a row stands for. Rows
 * are usually evenly spaced; where some are missing (the gap is a multiple of
 * the usual one, the median) the row before is held, so that times of day stay
 * where they are. `per` may differ from the spacing: that plays the trace
 * faster or slower. Arrivals: played as they are, from the first one.
 *
 * Timestamps are ISO 8601 (date and time with ' ' or 'T', an optional fraction
 * and zone) or seconds since 1970; only differences matter. The file is read
 * line by line; a row takes 16 bytes.
 */
#include "harness/scenario/loader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/sim/time.h"

enum { STEPS_MAX = READ_ROWS_MAX, LINE_MAX_BYTES = 256, FAULTS_MAX = 20 };

struct trace_reading {
        struct read_context *ctx;
        const char *file;
        uint32_t line;
        unsigned faults;
        bool has_values, kind_known, stopped;
        int64_t *at_ns;
        double *values;
        size_t count, room;
};

static void complain(struct trace_reading *r, uint32_t column, const char *what, const char *text)
{
        char excerpt[DIAG_EXCERPT_SIZE];

        diag_add(r->ctx->session->diags, r->file, r->line, column, NULL, "%s%s%s%s", what,
                 text != NULL ? ": '" : "", text != NULL ? diag_excerpt(excerpt, text) : "",
                 text != NULL ? "'" : "");
        r->stopped = ++r->faults >= FAULTS_MAX;
}

/* Days since 1970-01-01 of a civil date (Hinnant's algorithm). */
static int64_t days_from_civil(int64_t year, int month, int day)
{
        int64_t era, year_of_era, day_of_year;

        year -= month <= 2;
        era = (year >= 0 ? year : year - 399) / 400;
        year_of_era = year - era * 400;
        day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
               day_of_year - 719468;
}

/* Exactly `digits` digits at `*at`, or -1. */
static int fixed_number(const char **at, int digits)
{
        int value = 0;

        for (; digits > 0; digits--, ++*at) {
                if (**at < '0' || **at > '9')
                        return -1;
                value = value * 10 + (**at - '0');
        }
        return value;
}

/* ".25" in ns; nothing when there is no point. False without a digit after it. */
static bool fraction_ns(const char **at, int64_t *out_ns)
{
        int64_t unit_ns = NS_PER_S / 10;

        *out_ns = 0;
        if (**at != '.')
                return true;
        ++*at;
        if (**at < '0' || **at > '9')
                return false;
        for (; **at >= '0' && **at <= '9'; ++*at, unit_ns /= 10)
                *out_ns += (**at - '0') * unit_ns;
        return true;
}

/* "Z", "+02:00", "-0330" or nothing, in seconds east. */
static bool zone_offset(const char **at, int64_t *out_s)
{
        int sign = **at == '-' ? -1 : 1, hours, minutes;

        *out_s = 0;
        if (**at == 'Z')
                ++*at;
        if (**at != '+' && **at != '-')
                return true;
        ++*at;
        hours = fixed_number(at, 2);
        *at += **at == ':';
        minutes = fixed_number(at, 2);
        *out_s = sign * (hours * 3600 + minutes * 60);
        return hours >= 0 && hours <= 14 && minutes >= 0 && minutes < 60;
}

static bool parse_iso(const char *text, int64_t *out_ns)
{
        int year, month, day, hour, minute, second;
        int64_t part_ns, east_s;

        year = fixed_number(&text, 4);
        if (year < 0 || *text++ != '-' || (month = fixed_number(&text, 2)) < 1 || month > 12 ||
            *text++ != '-' || (day = fixed_number(&text, 2)) < 1 || day > 31)
                return false;
        if ((*text != ' ' && *text != 'T') || (text++, (hour = fixed_number(&text, 2)) < 0) ||
            hour > 23 || *text++ != ':' || (minute = fixed_number(&text, 2)) < 0 || minute > 59)
                return false;
        second = 0;
        if (*text == ':' && (text++, (second = fixed_number(&text, 2)) < 0 || second > 60))
                return false;
        if (!fraction_ns(&text, &part_ns) || !zone_offset(&text, &east_s) || *text != '\0')
                return false;
        if (year < 1800 || year > 2200)
                return false;
        *out_ns = ((days_from_civil(year, month, day) * 24 + hour) * 3600 + minute * 60 + second -
                   east_s) *
                          NS_PER_S +
                  part_ns;
        return true;
}

static bool parse_epoch(const char *text, int64_t *out_ns)
{
        int64_t seconds = 0, part_ns;
        int digits = 0;

        for (; *text >= '0' && *text <= '9'; text++)
                if (++digits <= 10)
                        seconds = seconds * 10 + (*text - '0');
        if (digits == 0 || digits > 10 || seconds > 7000000000 || !fraction_ns(&text, &part_ns) ||
            *text != '\0')
                return false;
        *out_ns = seconds * NS_PER_S + part_ns;
        return true;
}

static bool parse_timestamp(const char *text, int64_t *out_ns)
{
        return parse_iso(text, out_ns) || parse_epoch(text, out_ns);
}

/* Digits, a point, digits, an exponent; independent of the locale. */
static bool parse_value(const char *text, double *out)
{
        size_t length = strspn(text, "0123456789.eE+-");
        json_t *number;
        bool ok;

        if (length == 0 || text[length] != '\0')
                return false;
        number = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
        ok = json_is_number(number);
        if (ok)
                *out = json_number_value(number);
        json_decref(number);
        return ok;
}

static bool make_room(struct trace_reading *r)
{
        size_t room = r->room == 0 ? 1024 : r->room * 2;
        int64_t *at_ns;
        double *values;

        if (r->count < r->room)
                return true;
        if ((at_ns = realloc(r->at_ns, room * sizeof(*at_ns))) == NULL)
                return false;
        r->at_ns = at_ns;
        if ((values = realloc(r->values, room * sizeof(*values))) == NULL)
                return false;
        r->values = values;
        r->room = room;
        return true;
}

static char *trimmed(char *text)
{
        size_t length;

        text += strspn(text, " \t\"");
        length = strlen(text);
        while (length > 0 && strchr(" \t\r\n\"", text[length - 1]) != NULL)
                text[--length] = '\0';
        return text;
}

static void add_row(struct trace_reading *r, char *line)
{
        char *comma = strchr(line, ','), *stamp;
        uint32_t value_column = comma != NULL ? (uint32_t)(comma - line) + 2 : 1;
        double value = 1;
        int64_t at_ns;

        if (!r->kind_known)
                r->has_values = comma != NULL;
        r->kind_known = true;
        if (r->has_values != (comma != NULL)) {
                complain(r, 1,
                         r->has_values ? "a value is missing"
                                       : "a value where there was none before",
                         NULL);
                return;
        }
        if (comma != NULL)
                *comma = '\0';
        stamp = trimmed(line);
        if (!parse_timestamp(stamp, &at_ns)) {
                complain(r, 1, "neither an ISO 8601 time nor seconds since 1970", stamp);
                return;
        }
        if (comma != NULL && !parse_value(trimmed(comma + 1), &value)) {
                complain(r, value_column, "not a number", trimmed(comma + 1));
                return;
        }
        if (comma != NULL && value < 0) {
                complain(r, value_column, "below 0", trimmed(comma + 1));
                return;
        }
        if (r->count > 0 && (at_ns < r->at_ns[r->count - 1] ||
                             (r->has_values && at_ns == r->at_ns[r->count - 1]))) {
                complain(r, 1, "not after the row before", stamp);
                return;
        }
        if (!make_room(r))
                return;
        r->at_ns[r->count] = at_ns;
        r->values[r->count++] = value;
}

static bool is_header(const char *line)
{
        return strncmp(line, "timestamp", 9) == 0;
}

static void read_rows(struct trace_reading *r, FILE *file)
{
        char line[LINE_MAX_BYTES];

        while (!r->stopped && fgets(line, sizeof(line), file) != NULL) {
                size_t length = strlen(line);

                if (!read_row(r->ctx, r->file)) {
                        r->faults++;
                        return;
                }
                r->line++;
                sha256_add_text(&r->ctx->session->sha, line);
                if (length + 1 == sizeof(line) && line[length - 1] != '\n') {
                        complain(r, 1, "a line longer than 254 bytes", NULL);
                        r->stopped = true;
                        return;
                }
                if (*trimmed(line) == '\0' || (r->line == 1 && is_header(line))) {
                        if (r->line == 1 && is_header(line)) {
                                r->kind_known = true;
                                r->has_values = strchr(line, ',') != NULL;
                        }
                        continue;
                }
                add_row(r, trimmed(line));
        }
}

static int compare_ns(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* The median distance of two rows, at least 1. */
static int64_t usual_gap_ns(const struct trace_reading *r)
{
        int64_t *gaps = malloc(r->count * sizeof(*gaps)), usual = 1;

        if (gaps == NULL || r->count < 2) {
                free(gaps);
                return 1;
        }
        for (size_t i = 1; i < r->count; i++)
                gaps[i - 1] = r->at_ns[i] - r->at_ns[i - 1];
        qsort(gaps, r->count - 1, sizeof(*gaps), compare_ns);
        usual = gaps[(r->count - 1) / 2];
        free(gaps);
        return usual > 0 ? usual : 1;
}

/* How many steps row i stands for: its own and those missing behind it. */
static size_t steps_of_row(const struct trace_reading *r, size_t i, int64_t usual_ns)
{
        int64_t gap_ns = i + 1 < r->count ? r->at_ns[i + 1] - r->at_ns[i] : usual_ns;
        int64_t steps = (gap_ns + usual_ns / 2) / usual_ns;

        return steps < 1 ? 1 : steps > STEPS_MAX ? STEPS_MAX : (size_t)steps;
}

static void keep_counts(struct trace_reading *r, int64_t per_ns, double scale,
                        struct load_trace *out)
{
        int64_t usual_ns = usual_gap_ns(r);
        size_t length = 0, next = 0;
        double *count;

        for (size_t i = 0; i < r->count && length <= STEPS_MAX; i++)
                length += steps_of_row(r, i, usual_ns);
        if (length > STEPS_MAX || (double)length * (double)per_ns > 9e18) {
                r->line = 0;
                complain(r, 0, "too long once its gaps are filled", NULL);
                return;
        }
        count = ARENA_ARRAY(r->ctx->session->arena, double, length);
        if (count == NULL)
                return;
        for (size_t i = 0; i < r->count; i++)
                for (size_t step = steps_of_row(r, i, usual_ns); step > 0; step--)
                        count[next++] = r->values[i] * scale;
        out->count = count;
        out->length = length;
        out->step_ns = per_ns;
        out->total_ns = per_ns * (int64_t)length;
}

static void keep_instants(struct trace_reading *r, struct load_trace *out)
{
        int64_t *at_ns = ARENA_ARRAY(r->ctx->session->arena, int64_t, r->count);
        int64_t span_ns = r->at_ns[r->count - 1] - r->at_ns[0];

        if (at_ns == NULL)
                return;
        for (size_t i = 0; i < r->count; i++)
                at_ns[i] = r->at_ns[i] - r->at_ns[0];
        out->at_ns = at_ns;
        out->length = r->count;
        /* The pause before it starts over is an average one. */
        out->total_ns = span_ns + (r->count > 1 ? span_ns / (int64_t)(r->count - 1) : 0);
        if (out->total_ns < NS_PER_S)
                out->total_ns = NS_PER_S;
}

/* What only the whole file can tell. */
static void check_and_keep(struct trace_reading *r, const char *path, int64_t per_ns, double scale,
                           struct load_trace *out)
{
        double sum = 0;

        r->line = 0;
        for (size_t i = 0; i < r->count; i++)
                sum += r->values[i];
        if (r->count == 0)
                complain(r, 0, "has no rows", NULL);
        else if (sum <= 0)
                complain(r, 0, "has no requests in it", NULL);
        else if (r->has_values && per_ns == 0)
                read_error(r->ctx, path,
                           "a trace with values wants 'per': the time that a row stands for");
        else if (!r->has_values && (per_ns != 0 || scale != 1))
                read_error(r->ctx, path,
                           "a trace of single arrivals takes neither 'per' nor 'scale'");
        else if (r->has_values)
                keep_counts(r, per_ns, scale, out);
        else
                keep_instants(r, out);
}

void load_trace(struct read_context *ctx, const char *path, const char *name, int64_t per_ns,
                double scale, struct load_trace *out)
{
        struct trace_reading r = {.ctx = ctx, .file = read_resolve_path(ctx, path, name)};
        FILE *file = r.file != NULL ? read_open_data(ctx, r.file) : NULL;

        if (file == NULL)
                return;
        read_rows(&r, file);
        if (ferror(file))
                diag_add(ctx->session->diags, r.file, 0, 0, NULL, "cannot be read: %s",
                         strerror(errno));
        else if (r.faults == 0)
                check_and_keep(&r, path, per_ns, scale, out);
        fclose(file);
        free(r.at_ns);
        free(r.values);
}
