/* printable.c - stdout, stderr and JSON without control characters.
 *
 * Both become streams of our own (as stderr does in log.c for --log-json), so that no printf()
 * can forget it. stderr is unbuffered as it was and without memory of its own: it also has to say
 * that memory ran out. stdout is buffered as it was, and an error of writing comes back through
 * it to whoever flushes.
 */
#include "harness/cli/printable.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/code_point.h"
#include "harness/base/json_plain.h"

struct sink {
        int fd;
        char held[4]; /* the beginning of a character */
        size_t held_count;
};

static struct sink to_stdout = {.fd = STDOUT_FILENO}, to_stderr = {.fd = STDERR_FILENO};
static FILE *stdout_before;

static bool write_out(int fd, const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t written = write(fd, bytes, length);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written <= 0)
                        return false;
                bytes += written;
                length -= (size_t)written;
        }
        return true;
}

static bool write_clean(struct sink *sink, const char *bytes, size_t length)
{
        char clean[4096];
        size_t used = 0;

        for (size_t i = 0; i < length;) {
                uint32_t point;
                size_t count = code_point_next(bytes + i, length - i, &point);
                bool invalid = count == 1 && point == CODE_POINT_REPLACEMENT;

                if (count == 0) {
                        sink->held_count = length - i;
                        memcpy(sink->held, bytes + i, sink->held_count);
                        break;
                }
                if (used + count > sizeof(clean)) {
                        if (!write_out(sink->fd, clean, used))
                                return false;
                        used = 0;
                }
                if (invalid || code_point_is_unwanted(point)) {
                        clean[used++] = '?';
                } else {
                        memcpy(clean + used, bytes + i, count);
                        used += count;
                }
                i += count;
        }
        return write_out(sink->fd, clean, used);
}

static ssize_t take_bytes(void *cookie, const char *bytes, size_t length)
{
        struct sink *sink = cookie;
        char part[4096];
        size_t taken = 0;

        while (taken < length) {
                size_t count = sink->held_count, room = sizeof(part) - count;

                memcpy(part, sink->held, count);
                sink->held_count = 0;
                room = room < length - taken ? room : length - taken;
                memcpy(part + count, bytes + taken, room);
                taken += room;
                if (!write_clean(sink, part, count + room))
                        return 0; /* which is an error to stdio */
        }
        return (ssize_t)length;
}

static FILE *clean_stream(struct sink *sink)
{
        const cookie_io_functions_t functions = {.write = take_bytes};

        return fopencookie(sink, "w", functions);
}

void printable_begin(void)
{
        FILE *out = clean_stream(&to_stdout), *err = clean_stream(&to_stderr);

        stdout_before = stdout;
        if (out != NULL) {
                setvbuf(out, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
                stdout = out;
        }
        if (err != NULL) {
                setvbuf(err, NULL, _IONBF, 0);
                stderr = err;
        }
}

FILE *printable_bypass(void)
{
        return stdout_before;
}

void printable_command(const char *bytes)
{
        (void)write_out(STDERR_FILENO, bytes, strlen(bytes));
}

void printable_json(const json_t *json, size_t flags)
{
        char *text = json_plain_dumps(json, flags);

        fputs(text == NULL ? "" : text, stdout);
        free(text);
}
