/* json_line.c - writing JSON into a buffer that grows. */
#include "harness/base/json_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/code_point.h"
#include "harness/base/json_plain.h"

static bool reserve(struct json_line *line, size_t more)
{
        size_t room = line->room;
        char *grown;

        if (line->failed)
                return false;
        if (line->length + more <= room)
                return true;
        while (room < line->length + more)
                room = room * 2 + 256;
        grown = realloc(line->text, room);
        line->failed = grown == NULL;
        if (line->failed)
                return false;
        line->text = grown;
        line->room = room;
        return true;
}

static void add(struct json_line *line, const char *bytes, size_t count)
{
        if (!reserve(line, count))
                return;
        memcpy(line->text + line->length, bytes, count);
        line->length += count;
}

static void add_quoted(struct json_line *line, const char *text)
{
        char escape[JSON_PLAIN_ESCAPE_SIZE];
        uint32_t point;

        add(line, "\"", 1);
        while (*text != '\0') {
                size_t count = code_point_next(text, 4, &point);

                if (point == '"' || point == '\\') {
                        add(line, "\\", 1);
                        add(line, text, 1);
                } else if (point == '\n' || point == '\t' || code_point_is_unwanted(point)) {
                        add(line, escape, json_plain_escape(point, escape));
                } else if (count == 1 && point == CODE_POINT_REPLACEMENT) {
                        add(line, "?", 1);
                } else {
                        add(line, text, count);
                }
                text += count;
        }
        add(line, "\"", 1);
}

static void begin(struct json_line *line, const char *key)
{
        if (!line->first && line->length > 0)
                add(line, ",", 1);
        line->first = false;
        if (key != NULL) {
                add_quoted(line, key);
                add(line, ":", 1);
        }
}

void json_line_empty(struct json_line *line)
{
        line->length = 0;
        line->failed = false;
        line->first = false;
}

void json_line_free(struct json_line *line)
{
        free(line->text);
        *line = (struct json_line){0};
}

const char *json_line_text(struct json_line *line, size_t *length)
{
        add(line, "\n", 2); /* with the '\0' */
        if (line->failed)
                return NULL;
        line->length--;
        *length = line->length;
        return line->text;
}

void json_open(struct json_line *line, const char *key, char bracket)
{
        begin(line, key);
        add(line, &bracket, 1);
        line->first = true;
}

void json_close(struct json_line *line, char bracket)
{
        add(line, &bracket, 1);
        line->first = false;
}

void json_put_text(struct json_line *line, const char *key, const char *text)
{
        begin(line, key);
        add_quoted(line, text);
}

/* printf takes the decimal sign of the locale; JSON does not. */
static void add_real(struct json_line *line, char *text)
{
        char *comma = strpbrk(text, ",");

        if (comma != NULL)
                *comma = '.';
        add(line, text, strlen(text));
}

void json_put_number(struct json_line *line, const char *key, double number)
{
        char text[40];

        begin(line, key);
        for (int digits = 15; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, number);
                if (digits == 17 || strtod(text, NULL) == number)
                        break;
        }
        add_real(line, text);
}

void json_put_count(struct json_line *line, const char *key, uint64_t count)
{
        char text[24];

        begin(line, key);
        add(line, text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)count));
}

void json_put_bool(struct json_line *line, const char *key, bool truth)
{
        begin(line, key);
        add(line, truth ? "true" : "false", truth ? 4 : 5);
}

void json_put_null(struct json_line *line, const char *key)
{
        begin(line, key);
        add(line, "null", 4);
}

void json_put_seconds(struct json_line *line, const char *key, int64_t ns)
{
        uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
        char text[40];
        int length;

        begin(line, key);
        length = snprintf(text, sizeof(text), "%s%llu.%09llu", ns < 0 ? "-" : "",
                          (unsigned long long)(size / 1000000000),
                          (unsigned long long)(size % 1000000000));
        while (text[length - 1] == '0')
                length--;
        length -= text[length - 1] == '.';
        add(line, text, (size_t)length);
}
