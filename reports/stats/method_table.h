/* method_table.h - every statistic of this folder, callable by name with JSON in and out.
 *
 * A row has a name, a sentence, the fields it reads, and a function. `chaos-run stats METHOD` is a
 * thin caller of it, --help walks over it, and the reference tests run each row against values
 * that R computed. A new statistic is one row in method_table.c.
 *
 * Outputs are objects. What cannot be computed is null, with `n` beside it; no number is ever NaN
 * or infinite.
 */
#ifndef CHAOS_STATS_METHOD_TABLE_H
#define CHAOS_STATS_METHOD_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum stats_field_kind {
        STATS_FIELD_NUMBERS,          /* array of finite numbers, each in min..max */
        STATS_FIELD_NUMBERS_OR_NULLS, /* the same; null where there is none */
        STATS_FIELD_COUNTS,           /* array of whole numbers >= 0 */
        STATS_FIELD_FLAGS,            /* array of true/false or 1/0 */
        STATS_FIELD_NUMBER,           /* a finite number */
        STATS_FIELD_COUNT,            /* a whole number, min..max */
        STATS_FIELD_CHOICE,           /* one of `choices` */
};

struct stats_field {
        const char *name;
        enum stats_field_kind kind;
        const char *summary;
        const char *default_text; /* JSON used when the field is not given; NULL: it must be.
                                     "null": may be left out */
        double min, max;          /* both exclusive for a NUMBER, inclusive for the rest; no bounds
                                     when both are 0 */
        const char *const *choices; /* NULL at the end */
};

struct stats_argument; /* a field as read: method_input.h */

struct stats_method {
        const char *name;
        const char *summary;
        const struct stats_field *const *fields; /* NULL at the end */
        /* Answers with a new object; NULL with a message for input that does not fit together or
         * when memory is short. */
        json_t *(*run)(const struct stats_argument *arguments, char *message, size_t message_size);
};

/* The rows in the order of --help: index 0 and up, NULL past the end. */
const struct stats_method *stats_method_at(size_t index);

/* Runs the method `name` on the object `input` (kept by the caller). 0: `*out` is a new reference
 * to the answer, the caller's. -1: `*out` is NULL and `message` says in one line which field, what
 * is wrong with it and what would have been right ("confidence: 95 is outside 0..1, ..."); an
 * unknown method is answered with the nearest name. */
int stats_method_run(const char *name, const json_t *input, json_t **out, char *message,
                     size_t message_size);

#endif
