/* harness/base/diag.h - everything that is wrong with what a user gave us.
 *
 * Whoever reads a file goes on after an error and adds one diagnostic for each,
 * so that all of them are seen in one go. A diagnostic is one line:
 *
 *     file:line:column: json.path: what is wrong (nearest: 'name')
 *
 * The list keeps the first DIAG_KEPT_MAX and counts the rest: hostile input may
 * be wrong a million times. Texts are copied and made safe for a terminal (no
 * control characters). Not for threads.
 */
#ifndef CHAOS_BASE_DIAG_H
#define CHAOS_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { DIAG_KEPT_MAX = 200, DIAG_TEXT_MAX = 1000, DIAG_EXCERPT_SIZE = 96 };

struct diag {
        char *file;
        uint32_t line, column; /* from 1; line 0: the file as a whole */
        char *path;            /* JSON path, or NULL */
        char *text;
        uint32_t file_order; /* files in the order in which they were first named */
};

struct diag_list {
        struct diag *items;
        size_t count;   /* kept */
        size_t dropped; /* beyond DIAG_KEPT_MAX, or for which there was no memory */
};

void diag_list_init(struct diag_list *list);
void diag_list_release(struct diag_list *list);

/* `path` may be NULL; line 0 when only the file is known. Never fails: what
 * cannot be kept is counted. A text longer than DIAG_TEXT_MAX is cut. */
void diag_add(struct diag_list *list, const char *file, uint32_t line, uint32_t column,
              const char *path, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Kept and dropped. */
size_t diag_total(const struct diag_list *list);

/* Files in the order they were first named, inside a file by position; equal
 * positions keep their order. */
void diag_list_sort(struct diag_list *list);

/* One line, without the line feed; cut to `size`. */
void diag_format(const struct diag *diag, char *buffer, size_t size);

/* All lines, and a last one that says how many more there are. False when
 * `stream` could not be written. */
bool diag_list_print(const struct diag_list *list, FILE *stream);

/* `text` as it can stand in a message: control characters escaped, cut to
 * about 60 bytes at a character's edge with "..." after it. Gives `buffer`. */
const char *diag_excerpt(char buffer[DIAG_EXCERPT_SIZE], const char *text);

#endif
