/* csv.c - lines, fields, instants and numbers; see csv.h.
 *
 * Own buffering and own calendar: getline() and timegm() are right but cost
 * more than the detector does, and a million rows should take about a second.
 *
 * Not here: what the columns mean (replay.c).
 */
#include "harness/replay/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/code_point.h"

#define TIME_S_MIN (-1000000000.0)
#define TIME_S_MAX 8000000000.0

void csv_start(struct csv_reader *reader, FILE *stream)
{
        reader->stream = stream;
        reader->line = 0;
        reader->next = reader->end = 0;
        reader->eof = reader->failed = false;
        reader->field_count = 0;
}

static bool fill(struct csv_reader *reader)
{
        if (reader->eof)
                return false;
        reader->next = 0;
        reader->end = fread(reader->buffer, 1, sizeof(reader->buffer), reader->stream);
        if (reader->end == 0) {
                reader->eof = true;
                reader->failed = ferror(reader->stream) != 0;
        }
        return reader->end > 0;
}

/* One line without its end into `text`. False when there is none; `*length` is
 * above CSV_LINE_MAX when it did not fit. */
static bool read_line(struct csv_reader *reader, size_t *length)
{
        size_t used = 0;
        bool any = false;

        while (reader->next < reader->end || fill(reader)) {
                const char *from = reader->buffer + reader->next;
                size_t left = reader->end - reader->next;
                const char *feed = memchr(from, '\n', left);
                size_t take = feed ? (size_t)(feed - from) : left;

                any = true;
                if (used <= CSV_LINE_MAX && take <= CSV_LINE_MAX - used)
                        memcpy(reader->text + used, from, take);
                else
                        used = CSV_LINE_MAX + 1;
                if (used <= CSV_LINE_MAX)
                        used += take;
                reader->next += take + (feed ? 1 : 0);
                if (feed)
                        break;
        }
        if (!any)
                return false;
        reader->line++;
        if (used <= CSV_LINE_MAX) {
                if (used > 0 && reader->text[used - 1] == '\r')
                        used--;
                reader->text[used] = '\0';
        }
        *length = used;
        return true;
}

/* Unquotes in place; gives where the field's comma or the line's end stood. */
static char *take_quoted(char *from, char *end, char **field)
{
        char *to = from + 1, *at = from + 1;

        *field = to;
        while (at < end) {
                if (*at == '"' && at + 1 < end && at[1] == '"') {
                        *to++ = '"';
                        at += 2;
                } else if (*at == '"') {
                        at++;
                        break;
                } else {
                        *to++ = *at++;
                }
        }
        while (at < end && *at != ',')
                *to++ = *at++;
        if (to < at)
                *to = '\0';
        return at;
}

static void split(struct csv_reader *reader, char *at, char *end)
{
        reader->field_count = 0;
        for (;;) {
                char *field = at, *stop;

                if (at < end && *at == '"') {
                        stop = take_quoted(at, end, &field);
                } else {
                        stop = memchr(at, ',', (size_t)(end - at));
                        if (!stop)
                                stop = end;
                }
                if (reader->field_count < CSV_FIELDS_MAX)
                        reader->fields[reader->field_count] = field;
                reader->field_count++;
                if (stop == end)
                        return;
                *stop = '\0';
                at = stop + 1;
        }
}

static bool blank(const char *text, size_t length)
{
        return strspn(text, " \t") == length;
}

bool csv_next(struct csv_reader *reader)
{
        size_t length;
        char *at;

        while (read_line(reader, &length)) {
                if (length > CSV_LINE_MAX) {
                        reader->field_count = 0;
                        return true;
                }
                at = reader->text;
                if (reader->line == 1 && length >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) {
                        at += 3;
                        length -= 3;
                }
                if (blank(at, length))
                        continue;
                split(reader, at, at + length);
                return true;
        }
        return false;
}

/* ---- instants ---- */

static const char *skip_blanks(const char *text)
{
        return text + strspn(text, " \t");
}

static bool digits(const char **text, int count, int *out)
{
        int number = 0;

        for (int i = 0; i < count; i++) {
                if ((*text)[i] < '0' || (*text)[i] > '9')
                        return false;
                number = 10 * number + ((*text)[i] - '0');
        }
        *text += count;
        *out = number;
        return true;
}

static int month_days(int year, int month)
{
        static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int64_t civil_days(int year, int month, int day)
{
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t era = y / 400, of_era = y % 400;
        int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool parse_date(const char **text, int64_t *days)
{
        int year, month, day;

        if (!digits(text, 4, &year) || *(*text)++ != '-' || !digits(text, 2, &month) ||
            *(*text)++ != '-' || !digits(text, 2, &day))
                return false;
        if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
                return false;
        *days = civil_days(year, month, day);
        return true;
}

static bool parse_fraction(const char **text, int64_t *ns)
{
        int64_t place = 100000000;

        if (**text != '.' && **text != ',')
                return true;
        (*text)++;
        if (**text < '0' || **text > '9')
                return false;
        for (; **text >= '0' && **text <= '9'; (*text)++, place /= 10)
                *ns += place * (**text - '0');
        return true;
}

static bool parse_clock(const char **text, int64_t *of_day_s, int64_t *ns)
{
        int hour, minute, second = 0;

        if (!digits(text, 2, &hour) || *(*text)++ != ':' || !digits(text, 2, &minute))
                return false;
        if (**text == ':') {
                (*text)++;
                if (!digits(text, 2, &second) || !parse_fraction(text, ns))
                        return false;
        }
        if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute || second)))
                return false;
        *of_day_s = hour * 3600 + minute * 60 + second;
        return true;
}

static bool parse_zone(const char **text, int64_t *offset_s)
{
        int sign, hour, minute = 0;

        *text = skip_blanks(*text);
        if (**text == 'Z' || **text == 'z') {
                (*text)++;
                return true;
        }
        if (**text != '+' && **text != '-')
                return true;
        sign = *(*text)++ == '-' ? -1 : 1;
        if (!digits(text, 2, &hour))
                return false;
        if (**text == ':')
                (*text)++;
        if (**text >= '0' && **text <= '9' && !digits(text, 2, &minute))
                return false;
        if (hour > 18 || minute > 59)
                return false;
        *offset_s = sign * (hour * 3600 + minute * 60);
        return true;
}

static bool parse_iso(const char *text, int64_t *at_ns)
{
        int64_t days, of_day_s = 0, ns = 0, offset_s = 0, seconds;

        if (!parse_date(&text, &days))
                return false;
        if (*text == 'T' || *text == 't' || *text == ' ') {
                text = skip_blanks(text + 1);
                if (*text && (!parse_clock(&text, &of_day_s, &ns) || !parse_zone(&text, &offset_s)))
                        return false;
        }
        if (*skip_blanks(text))
                return false;
        seconds = days * 86400 + of_day_s - offset_s;
        if ((double)seconds < TIME_S_MIN || (double)seconds > TIME_S_MAX)
                return false;
        *at_ns = seconds * 1000000000 + ns;
        return true;
}

bool csv_parse_time(const char *text, int64_t *at_ns)
{
        double seconds, whole;

        text = skip_blanks(text);
        if (strlen(text) >= 5 && text[4] == '-')
                return parse_iso(text, at_ns);
        if (!csv_parse_number(text, &seconds) || seconds < TIME_S_MIN || seconds > TIME_S_MAX)
                return false;
        whole = floor(seconds);
        *at_ns = (int64_t)whole * 1000000000 + (int64_t)((seconds - whole) * 1e9);
        return true;
}

bool csv_parse_number(const char *text, double *number)
{
        char *end;
        size_t length;

        text = skip_blanks(text);
        length = strspn(text, "0123456789+-.eE");
        if (length == 0 || *skip_blanks(text + length))
                return false;
        *number = strtod(text, &end);
        return end == text + length && isfinite(*number);
}

/* As a table of a report has it (reports/text.h): what a spreadsheet would run as a formula has a
 * ' before it, and what commands a terminal is '?'. */
void csv_write_field(FILE *stream, const char *text)
{
        double number;
        bool formula = *text != '\0' && strchr("=+-@\t", *text) != NULL && !csv_parse_number(text, &number);
        bool quoted = formula || strpbrk(text, ",\"\r\n") != NULL;

        if (quoted)
                fputs(formula ? "\"'" : "\"", stream);
        while (*text != '\0') {
                uint32_t point;
                size_t count = code_point_next(text, 4, &point);
                bool invalid = count == 1 && point == CODE_POINT_REPLACEMENT;

                if (*text == '"')
                        putc('"', stream);
                if (invalid || code_point_is_unwanted(point))
                        putc('?', stream);
                else
                        fwrite(text, 1, count, stream);
                text += count;
        }
        if (quoted)
                putc('"', stream);
}
