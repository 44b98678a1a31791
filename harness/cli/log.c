/* log.c - stderr as JSON lines.
 *
 * glibc lets a program put a stream of its own in the place of stderr. So no
 * message has to know of --log-json, and none can be forgotten: whatever is
 * printed there, by whomever, comes out as one object a line.
 */
#include "harness/cli/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/json_plain.h"
#include "reports/text.h"

static bool in_json;
static char line[8192]; /* what was said since the last end of a line */
static size_t line_length;

bool log_is_json(void)
{
        return in_json;
}

static void write_out(const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t written = write(STDERR_FILENO, bytes, length);

                if (written <= 0)
                        return;
                bytes += written;
                length -= (size_t)written;
        }
}

void log_event(const char *type, json_t *fields)
{
        json_t *event = json_object();
        char date[32] = "", *bytes;
        time_t now = time(NULL);
        struct tm utc;

        if (in_json && event != NULL) {
                if (gmtime_r(&now, &utc) != NULL)
                        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
                json_object_set_new(event, "time", json_string(date));
                json_object_set_new(event, "type", json_string(type));
                json_object_update(event, fields);
                bytes = json_plain_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12));
                if (bytes != NULL) {
                        size_t length = strlen(bytes);

                        bytes[length] = '\n'; /* in one write, so that lines stay whole */
                        write_out(bytes, length + 1);
                        bytes[length] = '\0';
                }
                free(bytes);
        }
        json_decref(event);
        json_decref(fields);
}

static void end_line(void)
{
        struct text clean; /* valid UTF-8, no control characters */

        line[line_length] = '\0';
        line_length = 0;
        if (line[0] == '\0')
                return;
        text_init(&clean);
        text_plain(&clean, line);
        log_event("message", json_pack("{s:s}", "text", text_bytes(&clean)));
        text_release(&clean);
}

static ssize_t take_bytes(void *cookie, const char *bytes, size_t length)
{
        (void)cookie;
        for (size_t i = 0; i < length; i++) {
                if (bytes[i] == '\n')
                        end_line();
                else if (line_length + 1 < sizeof(line))
                        line[line_length++] = bytes[i];
        }
        return (ssize_t)length;
}

static int close_stream(void *cookie)
{
        (void)cookie;
        end_line();
        return 0;
}

bool log_json_begin(void)
{
        const cookie_io_functions_t functions = {.write = take_bytes, .close = close_stream};
        FILE *stream = fopencookie(NULL, "w", functions);

        if (stream == NULL)
                return false;
        setvbuf(stream, NULL, _IOLBF, 0);
        stderr = stream;
        in_json = true;
        return true;
}
