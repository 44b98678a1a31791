/* reports/text.h - a text that grows, and the escapes of every format we write.
 *
 * A writer builds its whole document in a `struct text` and gives it to
 * out_file, so that a file is either complete or not there. Memory that runs
 * out is remembered (`failed`) and later calls do nothing: check once, at the
 * end, with text_ok().
 *
 * Texts from scenarios are hostile until escaped: whoever prints a name, title
 * or reason uses the call of its format below, never text_add(). Each one also
 * does away with what no format needs: control characters, and the characters
 * that turn the direction of writing, become U+FFFD; invalid UTF-8 does too.
 *
 * Numbers never depend on the locale as long as the program does not set one.
 */
#ifndef CHAOS_REPORTS_TEXT_H
#define CHAOS_REPORTS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
        char *bytes; /* ends in a null byte; NULL while empty */
        size_t length, room;
        bool failed;
};

void text_init(struct text *text);
void text_release(struct text *text);
bool text_ok(const struct text *text);

/* The bytes, "" while empty. Valid until the next call on it. */
const char *text_bytes(const struct text *text);

void text_add(struct text *text, const char *plain);
void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- what comes from outside, one call a format; NULL is "" */

void text_html(struct text *text,
               const char *raw); /* element text and quoted attributes; XML too */
void text_markdown(struct text *text, const char *raw); /* one line, no markup, no table break */
void text_plain(struct text *text, const char *raw);    /* one line for a terminal: no escapes */
void text_gnuplot(struct text *text,
                  const char *raw); /* '...' with its quotes: nothing is expanded, ' becomes ’ */
void text_gnuplot_tick(struct text *text, const char *raw); /* likewise a tick's label: % is %% */
void text_prom_label(struct text *text, const char *raw); /* inside the quotes of a label value */

/* One cell: quoted where needed; a text that a spreadsheet would run as a
 * formula (= + - @ first) gets a ' before it. */
void text_csv(struct text *text, const char *raw);

/* Columns that `raw` takes on a terminal (one each; wide ones are counted 2). */
size_t text_columns(const char *raw);

/* Adds `raw` as text_plain() does, cut to `columns` with an ellipsis, and
 * padded to them with spaces. */
void text_cell(struct text *text, const char *raw, size_t columns);

/* Bytes of `raw` up to where a line may be broken: a space that is not within
 * a number ("1 270") nor before its unit, or the end. */
size_t text_word_length(const char *raw);

/* Adds `raw` as text_plain() does, broken at spaces into lines of `columns`;
 * all but the first begin with `indent` spaces. The first goes on where the
 * last line of `text` ends. A word that fits no line is broken. Ends in \n. */
void text_wrapped(struct text *text, const char *raw, size_t columns, size_t indent);

/* ---- numbers */

/* Shortest that reads back to 12 digits: "0.25", "1e+20". */
void text_number(struct text *text, double value);

/* For people. A duration takes the unit that suits it: "350 ms", "42.1 s",
 * "3 min 05 s", "2 h 10 min", "4 d 3 h". A count groups its digits by thousands:
 * "12 345". `digits` significant digits at least three where there is room. */
void text_duration(struct text *text, double seconds);
void text_count(struct text *text, double value);
/* An instant as a clock shows it: "2:05.3", "-0:12.0", "1:06:41.0". */
void text_clock(struct text *text, double seconds);
void text_percent(struct text *text, double ratio);

/* A value of the unit that metrics carry ("s", "ratio", ...); others follow
 * the number: "12.5 requests/s". What is no number is "no data". */
void text_value(struct text *text, double value, const char *unit);

/* "18.1 s to 27.9 s", "20.0 to 44.0 %", "1 181 to 1 443 requests". */
void text_range(struct text *text, double low, double high, const char *unit);

#endif
