/* method_input.h - the fields of a method, read from JSON and checked.
 *
 * Internal to the method table. stats_input_read() turns an object into one argument for each
 * field of the row, or into one message that says which field, what was found, and what should
 * have been there; all methods so complain alike. A row's function then asks for its arguments by
 * name; asking for one that the row does not declare is a bug and asserted.
 */
#ifndef CHAOS_STATS_METHOD_INPUT_H
#define CHAOS_STATS_METHOD_INPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "reports/stats/method_table.h"

enum { STATS_FIELDS_MAX = 8 };

struct stats_argument {
        const struct stats_field *field; /* NULL past the end */
        bool given;                      /* false only for a default of "null" */
        double number;                   /* NUMBER and COUNT */
        const char *choice;              /* one of the field's `choices` */
        double *numbers;                 /* NUMBERS; NAN for null */
        bool *flags;                     /* FLAGS */
        size_t *counts;                  /* COUNTS */
        size_t n;                        /* of the array */
};

/* Fills arguments[0..STATS_FIELDS_MAX], all zero before, from `input`. False with a message. What
 * was read is given back with stats_input_release() in either case. */
bool stats_input_read(const struct stats_method *method, const json_t *input,
                      struct stats_argument *arguments, char *message, size_t message_size);
void stats_input_release(struct stats_argument *arguments);

/* The argument of the field `name`; its number; its number as a count. */
const struct stats_argument *stats_input_argument(const struct stats_argument *arguments,
                                                  const char *name);
double stats_input_number(const struct stats_argument *arguments, const char *name);
size_t stats_input_count(const struct stats_argument *arguments, const char *name);

/* True if both arrays are of one length, else false with a message: their entries belong
 * together. */
bool stats_input_same_length(const struct stats_argument *one, const struct stats_argument *other,
                             char *message, size_t message_size);

/* Writes the message; false, for `return`. */
__attribute__((format(printf, 3, 4))) bool stats_input_refuse(char *message, size_t message_size,
                                                              const char *format, ...);

/* The message for short memory; NULL, for `return`. */
json_t *stats_input_no_memory(char *message, size_t message_size);

#endif
