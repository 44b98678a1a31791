/* harness/base/json_line.h - a JSON text of one line, written as one goes.
 *
 *     json_open(&line, NULL, '{');
 *     json_put_text(&line, "service", "cart");
 *     json_open(&line, "limits", '[');
 *     json_put_number(&line, NULL, 0.5);
 *     json_close(&line, ']');
 *     json_close(&line, '}');
 *
 * Commas are put where they belong; the key is NULL inside a list. A number is
 * the shortest that reads back as the same double, so nothing is lost on the
 * way and nothing depends on the locale. A text that is no UTF-8 is the
 * caller's mistake. When memory is out, the rest is swallowed: ask
 * json_line_text() at the end.
 */
#ifndef CHAOS_BASE_JSON_LINE_H
#define CHAOS_BASE_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_line {
        char *text;
        size_t length, room;
        bool failed;
        bool first; /* nothing in the present list or object yet */
};

/* An empty one is all zero. Emptied it keeps its memory; given back by
 * json_line_free(). */
void json_line_empty(struct json_line *line);
void json_line_free(struct json_line *line);

/* What was written, ended by '\n' and '\0'; NULL when memory was out. */
const char *json_line_text(struct json_line *line, size_t *length);

void json_open(struct json_line *line, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json_line *line, char bracket);                 /* '}' or ']' */
void json_put_text(struct json_line *line, const char *key, const char *text);
void json_put_number(struct json_line *line, const char *key, double number); /* finite */
void json_put_count(struct json_line *line, const char *key, uint64_t count);
void json_put_bool(struct json_line *line, const char *key, bool truth);
void json_put_null(struct json_line *line, const char *key);

/* A time in seconds, to the nanosecond; a double keeps them apart
 * up to 2^22 s (48 days). */
void json_put_seconds(struct json_line *line, const char *key, int64_t ns);

#endif
