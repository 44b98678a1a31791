/* printable.c - stderr and JSON without control characters.
 *
 * stderr becomes a stream of our own (as log.c does for --log-json), unbuffered as it was
 * and without memory of its own: it also has to say that memory ran out. Characters are
 * taken at the level of bytes: what is unwanted beyond ASCII begins with C2, E2 80 or E2 81.
 */
#include "harness/cli/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many bytes at `at` are one unwanted character, or 0. */
static size_t unwanted(const unsigned char *at, size_t left)
{
        if (at[0] < 0x20 || at[0] == 0x7f)
                return at[0] == '\n' || at[0] == '\t' ? 0 : 1;
        if (at[0] == 0xc2 && left >= 2 && at[1] >= 0x80 && at[1] <= 0x9f)
                return 2;
        if (at[0] != 0xe2 || left < 3)
                return 0;
        if (at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae)))
                return 3;
        return at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9 ? 3 : 0;
}

/* ---- stderr */

static unsigned char held[2]; /* the beginning of what may be one */
static size_t held_count;

static void write_out(const unsigned char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t written = write(STDERR_FILENO, bytes, length);

                if (written <= 0)
                        return;
                bytes += written;
                length -= (size_t)written;
        }
}

/* Whether more has to come before it is known what these last bytes are. */
static bool is_beginning(const unsigned char *at, size_t left)
{
        return (left == 1 && (at[0] == 0xc2 || at[0] == 0xe2)) ||
               (left == 2 && at[0] == 0xe2 && (at[1] == 0x80 || at[1] == 0x81));
}

static void write_clean(const unsigned char *bytes, size_t length)
{
        unsigned char clean[512];
        size_t used = 0;

        for (size_t i = 0; i < length;) {
                size_t skipped = unwanted(bytes + i, length - i);

                if (skipped == 0 && is_beginning(bytes + i, length - i)) {
                        held_count = length - i;
                        memcpy(held, bytes + i, held_count);
                        break;
                }
                clean[used++] = skipped > 0 ? '?' : bytes[i];
                i += skipped > 0 ? skipped : 1;
                if (used == sizeof(clean)) {
                        write_out(clean, used);
                        used = 0;
                }
        }
        write_out(clean, used);
}

static ssize_t take_bytes(void *cookie, const char *bytes, size_t length)
{
        unsigned char part[256];
        size_t taken = 0;

        (void)cookie;
        while (taken < length) {
                size_t count = held_count, room = sizeof(part) - held_count;

                memcpy(part, held, held_count);
                held_count = 0;
                room = room < length - taken ? room : length - taken;
                memcpy(part + count, bytes + taken, room);
                taken += room;
                write_clean(part, count + room);
        }
        return (ssize_t)length;
}

void printable_begin(void)
{
        const cookie_io_functions_t functions = {.write = take_bytes};
        FILE *stream = fopencookie(NULL, "w", functions);

        if (stream == NULL)
                return;
        setvbuf(stream, NULL, _IONBF, 0);
        stderr = stream;
}

void printable_command(const char *bytes)
{
        write_out((const unsigned char *)bytes, strlen(bytes));
}

/* ---- JSON */

/* The code point of two or three bytes. */
static unsigned point_of(const unsigned char *at, size_t length)
{
        if (length == 2)
                return (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
        return (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
}

void printable_json(const json_t *json, size_t flags)
{
        char *text = json_dumps(json, flags);
        size_t length = text == NULL ? 0 : strlen(text);
        const unsigned char *bytes = (const unsigned char *)text;

        for (size_t i = 0; i < length;) {
                size_t count = unwanted(bytes + i, length - i);

                if (count > 1)
                        printf("\\u%04x", point_of(bytes + i, count));
                else
                        putchar(bytes[i]);
                i += count > 1 ? count : 1;
        }
        free(text);
}
