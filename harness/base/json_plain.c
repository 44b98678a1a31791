/* json_plain.c - json_dumps() with more escapes.
 *
 * One walk counts what has to be longer, which is nothing as a rule, and the text is as it was.
 */
#include "harness/base/json_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/code_point.h"

size_t json_plain_escape(unsigned long point, char out[JSON_PLAIN_ESCAPE_SIZE])
{
        if (point < 0x10000)
                return (size_t)snprintf(out, JSON_PLAIN_ESCAPE_SIZE, "\\u%04lx", point & 0xFFFF);
        return (size_t)snprintf(out, JSON_PLAIN_ESCAPE_SIZE, "\\u%04lx\\u%04lx",
                                (0xD7C0 + (point >> 10)) & 0xFFFF, 0xDC00 + (point & 0x3FF));
}

/* Writes `text` with its escapes; `out` may be NULL, to be told the length alone. */
static size_t write_escaped(const char *text, char *out)
{
        size_t length = 0;

        while (*text != '\0') {
                char escape[JSON_PLAIN_ESCAPE_SIZE];
                const char *bytes = text;
                uint32_t point;
                size_t count = code_point_next(text, 4, &point);

                text += count;
                if (code_point_is_unwanted(point)) {
                        count = json_plain_escape(point, escape);
                        bytes = escape;
                }
                if (out != NULL)
                        memcpy(out + length, bytes, count);
                length += count;
        }
        return length;
}

char *json_plain_dumps(const json_t *json, size_t flags)
{
        char *text = json_dumps(json, flags), *longer;
        size_t length;

        if (text == NULL)
                return NULL;
        length = write_escaped(text, NULL);
        if (length == strlen(text))
                return text;
        longer = malloc(length + 1);
        if (longer != NULL) {
                write_escaped(text, longer);
                longer[length] = '\0';
        }
        free(text);
        return longer;
}
