/* text.c - a text that grows, and the escapes of every format we write.
 *
 * All escapes share one walk over code points (`next_clean_point`), which replaces
 * what is not valid UTF-8 and what no document of ours may hold, so that a new
 * format only says how it writes its own special characters.
 *
 * Doubling growth: a document of n bytes costs O(n).
 */
#include "reports/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/code_point.h"

void text_init(struct text *text)
{
        memset(text, 0, sizeof(*text));
}

void text_release(struct text *text)
{
        free(text->bytes);
        text_init(text);
}

bool text_ok(const struct text *text)
{
        return !text->failed;
}

const char *text_bytes(const struct text *text)
{
        return text->bytes == NULL ? "" : text->bytes;
}

static bool make_room(struct text *text, size_t more)
{
        size_t room = text->room == 0 ? 256 : text->room;
        char *bytes;

        if (text->failed)
                return false;
        if (more >= SIZE_MAX / 4 - text->length)
                goto failed;
        while (room < text->length + more + 1)
                room *= 2;
        if (room == text->room)
                return true;
        bytes = realloc(text->bytes, room);
        if (bytes == NULL)
                goto failed;
        text->bytes = bytes;
        text->room = room;
        return true;
failed:
        text->failed = true;
        return false;
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
        if (!make_room(text, length))
                return;
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
        text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *plain)
{
        text_add_bytes(text, plain, strlen(plain));
}

void text_addf(struct text *text, const char *format, ...)
{
        va_list arguments, again;
        int length;

        va_start(arguments, format);
        va_copy(again, arguments);
        length = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (length < 0)
                text->failed = true;
        else if (make_room(text, (size_t)length)) {
                vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
                text->length += (size_t)length;
        }
        va_end(again);
}

/* ---- code points */

/* The point at *at, which moves behind it; what is not UTF-8, or should be in no document, is
 * a replacement. */
static uint32_t next_clean_point(const char **at)
{
        uint32_t point;

        *at += code_point_next(*at, 4, &point);
        return code_point_is_unwanted(point) ? CODE_POINT_REPLACEMENT : point;
}

static void add_point(struct text *text, uint32_t point)
{
        char bytes[4];
        size_t length = 0;

        if (point < 0x80) {
                bytes[length++] = (char)point;
        } else if (point < 0x800) {
                bytes[length++] = (char)(0xC0 | point >> 6);
                bytes[length++] = (char)(0x80 | (point & 0x3F));
        } else if (point < 0x10000) {
                bytes[length++] = (char)(0xE0 | point >> 12);
                bytes[length++] = (char)(0x80 | (point >> 6 & 0x3F));
                bytes[length++] = (char)(0x80 | (point & 0x3F));
        } else {
                bytes[length++] = (char)(0xF0 | point >> 18);
                bytes[length++] = (char)(0x80 | (point >> 12 & 0x3F));
                bytes[length++] = (char)(0x80 | (point >> 6 & 0x3F));
                bytes[length++] = (char)(0x80 | (point & 0x3F));
        }
        text_add_bytes(text, bytes, length);
}

/* ---- formats */

void text_html(struct text *text, const char *raw)
{
        while (raw != NULL && *raw != '\0') {
                uint32_t point = next_clean_point(&raw);

                if (point == '&')
                        text_add(text, "&amp;");
                else if (point == '<')
                        text_add(text, "&lt;");
                else if (point == '>')
                        text_add(text, "&gt;");
                else if (point == '"')
                        text_add(text, "&quot;");
                else if (point == '\'')
                        text_add(text, "&#39;");
                else
                        add_point(text, point);
        }
}

void text_markdown(struct text *text, const char *raw)
{
        while (raw != NULL && *raw != '\0') {
                uint32_t point = next_clean_point(&raw);

                if (point == '\n' || point == '\t')
                        text_add(text, " ");
                else if (point == '<')
                        text_add(text, "&lt;");
                else if (point == '>')
                        text_add(text, "&gt;");
                else if (point == '&')
                        text_add(text, "&amp;");
                else if (point == '@') /* no mention of a person in a pull request */
                        text_add(text, "&#64;");
                else if (point < 0x80 && strchr("\\`*_{}[]()#!|~", (int)point) != NULL)
                        text_addf(text, "\\%c", (char)point);
                else
                        add_point(text, point);
        }
}

void text_plain(struct text *text, const char *raw)
{
        while (raw != NULL && *raw != '\0') {
                uint32_t point = next_clean_point(&raw);

                add_point(text, point == '\n' || point == '\t' ? ' ' : point);
        }
}

static void quote_for_gnuplot(struct text *text, const char *raw, const char *percent)
{
        int brackets = 0; /* ']' in a row: its svg leaves "]]>" as it is, which is not XML */

        text_add(text, "'");
        while (raw != NULL && *raw != '\0') {
                uint32_t point = next_clean_point(&raw);

                if (point == '\'') /* gnuplot's own '' is not read well everywhere */
                        text_add(text, "’");
                else if (point == '%')
                        text_add(text, percent);
                else if (point == '>' && brackets >= 2)
                        text_add(text, "›");
                else
                        add_point(text, point == '\n' || point == '\t' ? ' ' : point);
                brackets = point == ']' ? brackets + 1 : 0;
        }
        text_add(text, "'");
}

void text_gnuplot(struct text *text, const char *raw)
{
        quote_for_gnuplot(text, raw, "%");
}

void text_gnuplot_tick(struct text *text, const char *raw)
{
        quote_for_gnuplot(text, raw, "%%");
}

void text_prom_label(struct text *text, const char *raw)
{
        while (raw != NULL && *raw != '\0') {
                uint32_t point = next_clean_point(&raw);

                if (point == '\n')
                        text_add(text, "\\n");
                else if (point == '"' || point == '\\')
                        text_addf(text, "\\%c", (char)point);
                else
                        add_point(text, point);
        }
}

void text_csv(struct text *text, const char *raw)
{
        bool formula;

        if (raw == NULL)
                return;
        formula = *raw != '\0' && strchr("=+-@\t", *raw) != NULL;
        if (!formula && strpbrk(raw, ",\"\n\t\r '") == NULL) {
                while (*raw != '\0')
                        add_point(text, next_clean_point(&raw));
                return;
        }
        text_add(text, formula ? "\"'" : "\"");
        while (*raw != '\0') {
                uint32_t point = next_clean_point(&raw);

                if (point == '"')
                        text_add(text, "\"\"");
                else
                        add_point(text, point == '\n' || point == '\t' ? ' ' : point);
        }
        text_add(text, "\"");
}

/* ---- columns of a terminal */

static size_t point_columns(uint32_t point)
{
        if ((point >= 0x300 && point < 0x370) || point == 0x200B || point == 0x200C ||
            point == 0x200D || (point >= 0xFE00 && point <= 0xFE0F))
                return 0;
        if ((point >= 0x1100 && point < 0x1160) || (point >= 0x2E80 && point < 0xA4D0) ||
            (point >= 0xAC00 && point < 0xD7A4) || (point >= 0xF900 && point < 0xFB00) ||
            (point >= 0xFE30 && point < 0xFE70) || (point >= 0xFF00 && point < 0xFF61) ||
            (point >= 0x1F300 && point < 0x1FB00) || (point >= 0x20000 && point < 0x40000))
                return 2;
        return 1;
}

size_t text_columns(const char *raw)
{
        size_t columns = 0;

        while (raw != NULL && *raw != '\0')
                columns += point_columns(next_clean_point(&raw));
        return columns;
}

void text_cell(struct text *text, const char *raw, size_t columns)
{
        bool cut = text_columns(raw) > columns;
        size_t used = 0, limit = cut ? columns - 1 : columns;

        if (columns == 0)
                return;
        while (raw != NULL && *raw != '\0') {
                uint32_t point = next_clean_point(&raw);

                if (used + point_columns(point) > limit)
                        break;
                used += point_columns(point);
                add_point(text, point == '\n' || point == '\t' ? ' ' : point);
        }
        if (cut) {
                text_add(text, "…");
                used++;
        }
        for (; used < columns; used++)
                text_add(text, " ");
}

/* Columns that the last line has so far. */
static size_t columns_used(const struct text *text)
{
        const char *bytes = text_bytes(text);
        const char *line = strrchr(bytes, '\n');

        return text_columns(line == NULL ? bytes : line + 1);
}

/* Whether a space belongs to a number: "12 345", "58 s". */
static bool is_glue(const char *space, char before)
{
        static const char *const units[] = {"s", "ms", "us", "min", "h", "d", "%", "s,", "s.", "s;"};
        size_t length = strcspn(space + 1, " ");

        if (before < '0' || before > '9')
                return false;
        if (space[1] >= '0' && space[1] <= '9')
                return true;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (strlen(units[i]) == length && strncmp(space + 1, units[i], length) == 0)
                        return true;
        return false;
}

static bool in_word(const char *at, char before)
{
        return *at != '\0' && *at != '\n' && (*at != ' ' || is_glue(at, before));
}

size_t text_word_length(const char *raw)
{
        size_t length = 0;

        while (raw[length] != '\0' &&
               (raw[length] != ' ' || (length > 0 && is_glue(raw + length, raw[length - 1]))))
                length++;
        return length;
}

static size_t word_columns(const char *raw)
{
        size_t columns = 0;
        char before = ' ';

        for (; in_word(raw, before); before = raw[-1])
                columns += point_columns(next_clean_point(&raw));
        return columns;
}

static void new_line(struct text *text, size_t indent)
{
        text_add(text, "\n");
        for (size_t i = 0; i < indent; i++)
                text_add(text, " ");
}

void text_wrapped(struct text *text, const char *raw, size_t columns, size_t indent)
{
        size_t at = columns_used(text);
        bool first = true; /* of its line */

        while (raw != NULL && *raw != '\0') {
                size_t wide = word_columns(raw);

                if (wide == 0) { /* a space */
                        raw++;
                        continue;
                }
                if (!first && at + 1 + wide > columns) {
                        new_line(text, indent);
                        at = indent;
                        first = true;
                }
                if (!first) {
                        text_add(text, " ");
                        at++;
                }
                first = false;
                for (char before = ' '; in_word(raw, before); before = raw[-1]) {
                        uint32_t point = next_clean_point(&raw);

                        if (at + point_columns(point) > columns && at > indent) {
                                new_line(text, indent);
                                at = indent;
                        }
                        at += point_columns(point);
                        add_point(text, point == '\t' ? ' ' : point);
                }
        }
        text_add(text, "\n");
}

/* ---- numbers */

void text_number(struct text *text, double value)
{
        if (!isfinite(value))
                return;
        text_addf(text, "%.12g", value == 0 ? 0.0 : value);
}

void text_clock(struct text *text, double seconds)
{
        double tenths = isfinite(seconds) ? round(fabs(seconds) * 10) : NAN;
        double whole = floor(tenths / 10);

        if (!(tenths < 1e15)) {
                text_add(text, "?");
                return;
        }
        text_add(text, seconds < 0 && tenths > 0 ? "-" : "");
        if (whole >= 3600)
                text_addf(text, "%.0f:%02.0f:", floor(whole / 3600), floor(fmod(whole, 3600) / 60));
        else
                text_addf(text, "%.0f:", floor(whole / 60));
        text_addf(text, "%04.1f", fmod(tenths, 600) / 10);
}

void text_count(struct text *text, double value)
{
        char digits[64];
        size_t length, i;

        if (fabs(value) >= 1e15 || (fabs(value) < 100 && value != floor(value))) {
                text_addf(text, "%.3g", value);
                return;
        }
        if (value == 0)
                value = 0; /* no "-0" */
        snprintf(digits, sizeof(digits), "%.0f", round(value)); /* a half goes up everywhere */
        length = strlen(digits);
        for (i = 0; i < length; i++) {
                text_add_bytes(text, digits + i, 1);
                if (digits[i] != '-' && i + 1 < length && (length - i - 1) % 3 == 0)
                        text_add(text, " ");
        }
}

/* A number of about three digits, without exponent for what people meet. */
static void add_short(struct text *text, double value)
{
        double size = fabs(value);

        if (size == 0)
                text_add(text, "0");
        else if (size < 0.001)
                text_addf(text, "%.2g", value);
        else if (size < 999.5)
                text_addf(text, "%.3g", value);
        else
                text_count(text, value);
}

static void add_two_units(struct text *text, double seconds, double unit, const char *big,
                          const char *format)
{
        double small = unit == 60 ? 1 : unit == 3600 ? 60 : 3600;
        double all = round(seconds / small), whole = floor(all * small / unit);

        text_addf(text, "%.0f %s", whole, big);
        if (all * small - whole * unit > 0)
                text_addf(text, format, (all * small - whole * unit) / small);
}

void text_duration(struct text *text, double seconds)
{
        double size = fabs(seconds);

        if (seconds < 0 && size > 0)
                text_add(text, "-");
        if (size == 0)
                text_add(text, "0 s");
        else if (size < 0.9995e-3)
                text_addf(text, "%.3g µs", size * 1e6);
        else if (size < 0.9995)
                text_addf(text, "%.3g ms", size * 1e3);
        else if (size < 99.95)
                text_addf(text, "%.3g s", size);
        else if (size < 3599.5)
                add_two_units(text, size, 60, "min", " %02.0f s");
        else if (size < 86370)
                add_two_units(text, size, 3600, "h", " %02.0f min");
        else
                add_two_units(text, size, 86400, "d", " %.0f h");
}

/* Without the sign. */
static void add_percent(struct text *text, double ratio)
{
        double percent = ratio * 100, left = 100 - percent;

        if (percent == 0 || percent == 100)
                text_addf(text, "%.0f", percent);
        else if (left > 0 && left < 0.1) /* the nines are what matters: 99.998 % */
                text_addf(text, "%.*f", (int)fmin(9, ceil(-log10(left) - 1e-6)), percent);
        else if (fabs(percent) < 0.1)
                text_addf(text, "%.2g", percent);
        else
                text_addf(text, "%.1f", percent);
}

void text_percent(struct text *text, double ratio)
{
        add_percent(text, ratio);
        text_add(text, " %");
}

static void add_unit(struct text *text, const char *unit)
{
        if (strcmp(unit, "ratio") == 0) {
                text_add(text, " %");
        } else if (strncmp(unit, "1/", 2) == 0) {
                text_addf(text, " per %s",
                          strcmp(unit, "1/s") == 0   ? "second"
                          : strcmp(unit, "1/h") == 0 ? "hour"
                                                     : unit + 2);
        } else if (*unit != '\0' && strcmp(unit, "1") != 0 && strcmp(unit, "count") != 0) {
                text_add(text, " ");
                text_plain(text, unit);
        }
}

static void add_bare(struct text *text, double value, const char *unit)
{
        if (strcmp(unit, "ratio") == 0)
                add_percent(text, value);
        else if (value == floor(value))
                text_count(text, value);
        else
                add_short(text, value);
}

void text_value(struct text *text, double value, const char *unit)
{
        if (unit == NULL)
                unit = "";
        if (!isfinite(value)) {
                text_add(text, "no data");
                return;
        }
        if (strcmp(unit, "s") == 0) {
                text_duration(text, value);
                return;
        }
        add_bare(text, value, unit);
        add_unit(text, unit);
}

void text_range(struct text *text, double low, double high, const char *unit)
{
        if (unit == NULL)
                unit = "";
        if (strcmp(unit, "s") == 0)
                text_duration(text, low);
        else
                add_bare(text, low, unit);
        text_add(text, " to ");
        text_value(text, high, unit);
}
