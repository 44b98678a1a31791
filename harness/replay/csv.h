/* harness/replay/csv.h - reads telemetry written by somebody else, a line at a
 * time and in constant memory.
 *
 * A record is a line. Fields are parted by commas and may stand in double
 * quotes, inside which "" is one quote; a quote left open ends with its line, so
 * a stray one costs one row and not the rest of the file. LF and CRLF, a byte
 * order mark and a last line without an end are all fine; empty lines are
 * passed over. A line above CSV_LINE_MAX bytes is a record without fields.
 *
 * Instants: ISO 8601 date and time parted by 'T' or blanks, seconds and their
 * fraction optional, with 'Z', '+02:00', '+0200', '+02' or nothing (then UTC),
 * or seconds since 1970 as a decimal number. 1938 to 2223.
 */
#ifndef CHAOS_REPLAY_CSV_H
#define CHAOS_REPLAY_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CSV_LINE_MAX = 65535, CSV_FIELDS_MAX = 16, CSV_BUFFER_BYTES = 65536 };

struct csv_reader {
        FILE *stream;
        uint64_t line; /* of the record, from 1 */
        size_t next, end;
        bool eof, failed;
        size_t field_count; /* may exceed CSV_FIELDS_MAX; only so many are kept */
        char *fields[CSV_FIELDS_MAX];
        char text[CSV_LINE_MAX + 1];
        char buffer[CSV_BUFFER_BYTES];
};

/* `stream` stays the caller's. The reader is large: not for the stack. */
void csv_start(struct csv_reader *reader, FILE *stream);

/* The next record; its fields live until the call after. False at the end, or
 * when reading failed: then `failed` is set. */
bool csv_next(struct csv_reader *reader);

/* Nanoseconds since 1970; false when `text` is no instant or out of range. */
bool csv_parse_time(const char *text, int64_t *at_ns);

/* A finite decimal number, blanks around it allowed. */
bool csv_parse_number(const char *text, double *number);

/* Writes a field, in quotes where it needs them. */
void csv_write_field(FILE *stream, const char *text);

#endif
