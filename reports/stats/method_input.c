/* method_input.c - one argument from each field, or one message.
 *
 * Everything is checked on reading: kinds, bounds, whole numbers, unknown names. Bounds of a single
 * number exclude their ends (a confidence is neither 0 nor 1), those of counts and of array entries
 * include them. A default is JSON text and takes the same way as what was given.
 *
 * Not here: what two fields must have in common; the functions in method_table.c say that.
 */
#include "reports/stats/method_input.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 10000000 }; /* of one array */

static const double COUNT_MAX = 9007199254740992.0; /* 2^53: whole numbers a double holds */

/* ------------------------------------------------------------------------------------ messages */

bool stats_input_refuse(char *message, size_t message_size, const char *format, ...)
{
        va_list list;

        va_start(list, format);
        vsnprintf(message, message_size, format, list);
        va_end(list);
        return false;
}

json_t *stats_input_no_memory(char *message, size_t message_size)
{
        stats_input_refuse(message, message_size, "not enough memory for this many numbers");
        return NULL;
}

/* "95", "\"abc\"", "an array": what was found, short enough for a message. */
static void describe(const json_t *value, char *text, size_t text_size)
{
        static const char *const kinds[] = {
                [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "text",
                [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
                [JSON_FALSE] = "false",      [JSON_NULL] = "null",
        };

        if (json_is_integer(value))
                snprintf(text, text_size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_real(value))
                snprintf(text, text_size, "%.12g", json_real_value(value));
        else if (json_is_string(value))
                snprintf(text, text_size, "\"%.40s\"", json_string_value(value));
        else
                snprintf(text, text_size, "%s", kinds[json_typeof(value)]);
}

/* --------------------------------------------------------------------------------- reading in */

struct reader {
        const struct stats_method *method;
        char *message;
        size_t message_size;
};

/* Refuses `value` at `place`, which should have been `wanted`. */
static bool refuse_value(const struct reader *reader, const char *place, const json_t *value,
                         const char *wanted)
{
        char found[64];

        describe(value, found, sizeof(found));
        return stats_input_refuse(reader->message, reader->message_size,
                                  "%s: found %s where %s should be", place, found, wanted);
}

static bool has_bounds(const struct stats_field *field)
{
        return field->min != 0 || field->max != 0;
}

static bool is_inside(const struct stats_field *field, double number)
{
        if (!has_bounds(field))
                return true;
        if (field->kind == STATS_FIELD_NUMBER)
                return number > field->min && number < field->max;
        return number >= field->min && number <= field->max;
}

static void describe_wanted(const struct stats_field *field, const char *what, char *text,
                            size_t text_size)
{
        const char *how = field->kind == STATS_FIELD_NUMBER ? "between" : "from";
        const char *to = field->kind == STATS_FIELD_NUMBER ? "and" : "to";

        if (!has_bounds(field))
                snprintf(text, text_size, "%s", what);
        else if (field->max >= DBL_MAX || field->max >= COUNT_MAX)
                snprintf(text, text_size, "%s %s %.12g", what,
                         field->kind == STATS_FIELD_NUMBER ? "above" : "of at least", field->min);
        else
                snprintf(text, text_size, "%s %s %.12g %s %.12g", what, how, field->min, to,
                         field->max);
}

static bool read_number(const struct reader *reader, const struct stats_field *field,
                        const char *place, const json_t *value, double *number)
{
        char wanted[96];

        if (json_is_number(value)) {
                *number = json_number_value(value);
                if (isfinite(*number) && is_inside(field, *number))
                        return true;
        }
        describe_wanted(field, "a number", wanted, sizeof(wanted));
        return refuse_value(reader, place, value, wanted);
}

static bool read_count(const struct reader *reader, const struct stats_field *field,
                       const char *place, const json_t *value, double *number)
{
        char wanted[96];

        if (json_is_number(value)) {
                *number = json_number_value(value);
                if (*number >= 0 && *number <= COUNT_MAX && floor(*number) == *number &&
                    is_inside(field, *number))
                        return true;
        }
        describe_wanted(field, "a whole number", wanted, sizeof(wanted));
        return refuse_value(reader, place, value, wanted);
}

static bool read_flag(const struct reader *reader, const char *place, const json_t *value,
                      bool *flag)
{
        *flag = json_is_true(value) || (json_is_number(value) && json_number_value(value) == 1);
        if (*flag || json_is_false(value) ||
            (json_is_number(value) && json_number_value(value) == 0))
                return true;
        return refuse_value(reader, place, value, "true or false");
}

static bool read_choice(const struct reader *reader, struct stats_argument *argument,
                        const json_t *value)
{
        char wanted[128] = "one of";
        size_t i, used;

        for (i = 0; argument->field->choices[i]; i++) {
                argument->choice = argument->field->choices[i];
                if (json_is_string(value) && !strcmp(json_string_value(value), argument->choice))
                        return true;
                used = strlen(wanted);
                snprintf(wanted + used, sizeof(wanted) - used, "%s %s", i ? "," : "",
                         argument->choice);
        }
        return refuse_value(reader, argument->field->name, value, wanted);
}

static bool read_entry(const struct reader *reader, struct stats_argument *argument, size_t index,
                       const json_t *value)
{
        const struct stats_field *field = argument->field;
        char place[80];
        double count = 0;
        bool ok;

        snprintf(place, sizeof(place), "%s[%zu]", field->name, index);
        if (field->kind == STATS_FIELD_FLAGS)
                return read_flag(reader, place, value, &argument->flags[index]);
        if (field->kind == STATS_FIELD_COUNTS) {
                ok = read_count(reader, field, place, value, &count);
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): made for a field of this kind */
                argument->counts[index] = (size_t)count;
                return ok;
        }
        if (field->kind == STATS_FIELD_NUMBERS_OR_NULLS && json_is_null(value)) {
                argument->numbers[index] = NAN;
                return true;
        }
        return read_number(reader, field, place, value, &argument->numbers[index]);
}

static bool read_array(const struct reader *reader, struct stats_argument *argument,
                       const json_t *value)
{
        const struct stats_field *field = argument->field;
        size_t size, i;

        if (!json_is_array(value))
                return refuse_value(reader, field->name, value, "an array");
        argument->n = json_array_size(value);
        if (argument->n > ENTRIES_MAX)
                return stats_input_refuse(reader->message, reader->message_size,
                                          "%s: %zu entries are more than the most allowed (%d)",
                                          field->name, argument->n, ENTRIES_MAX);
        size = argument->n + 1;
        if (field->kind == STATS_FIELD_FLAGS)
                argument->flags = calloc(size, sizeof(*argument->flags));
        else if (field->kind == STATS_FIELD_COUNTS)
                argument->counts = calloc(size, sizeof(*argument->counts));
        else
                argument->numbers = calloc(size, sizeof(*argument->numbers));
        if (!argument->flags && !argument->counts && !argument->numbers) {
                stats_input_no_memory(reader->message, reader->message_size);
                return false;
        }
        for (i = 0; i < argument->n; i++) {
                if (!read_entry(reader, argument, i, json_array_get(value, i)))
                        return false;
        }
        return true;
}

static bool read_value(const struct reader *reader, struct stats_argument *argument,
                       const json_t *value)
{
        const struct stats_field *field = argument->field;

        switch (field->kind) {
        case STATS_FIELD_NUMBER:
                return read_number(reader, field, field->name, value, &argument->number);
        case STATS_FIELD_COUNT:
                return read_count(reader, field, field->name, value, &argument->number);
        case STATS_FIELD_CHOICE:
                return read_choice(reader, argument, value);
        case STATS_FIELD_NUMBERS:
        case STATS_FIELD_NUMBERS_OR_NULLS:
        case STATS_FIELD_COUNTS:
        case STATS_FIELD_FLAGS:
                return read_array(reader, argument, value);
        }
        return false;
}

static bool read_field(const struct reader *reader, struct stats_argument *argument,
                       const json_t *input)
{
        const struct stats_field *field = argument->field;
        const json_t *value = json_object_get(input, field->name);
        json_t *standard;
        bool ok;

        argument->given = true;
        if (value)
                return read_value(reader, argument, value);
        if (!field->default_text)
                return stats_input_refuse(reader->message, reader->message_size,
                                          "%s: missing; %s needs it (%s)", field->name,
                                          reader->method->name, field->summary);
        argument->given = strcmp(field->default_text, "null") != 0;
        if (!argument->given)
                return true;
        standard = json_loads(field->default_text, JSON_DECODE_ANY, NULL);
        ok = standard && read_value(reader, argument, standard);
        json_decref(standard);
        return ok;
}

static bool refuse_unknown(const struct reader *reader, const char *key)
{
        char known[256] = "";
        size_t i, used;

        for (i = 0; reader->method->fields[i]; i++) {
                used = strlen(known);
                snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                         reader->method->fields[i]->name);
        }
        return stats_input_refuse(reader->message, reader->message_size,
                                  "%.40s: unknown field; %s takes %s", key, reader->method->name,
                                  known);
}

bool stats_input_read(const struct stats_method *method, const json_t *input,
                      struct stats_argument *arguments, char *message, size_t message_size)
{
        struct reader reader = {.method = method, .message = message, .message_size = message_size};
        const struct stats_field *const *fields = method->fields;
        void *at = json_object_iter((json_t *)(uintptr_t)input);
        size_t i;

        if (!json_is_object(input))
                return refuse_value(&reader, "input", input,
                                    "an object with the fields of a method");
        for (; at; at = json_object_iter_next((json_t *)(uintptr_t)input, at)) {
                for (i = 0; fields[i]; i++) {
                        if (!strcmp(fields[i]->name, json_object_iter_key(at)))
                                break;
                }
                if (!fields[i])
                        return refuse_unknown(&reader, json_object_iter_key(at));
        }
        for (i = 0; fields[i]; i++) {
                assert(i < STATS_FIELDS_MAX);
                arguments[i].field = fields[i];
                if (!read_field(&reader, &arguments[i], input))
                        return false;
        }
        return true;
}

void stats_input_release(struct stats_argument *arguments)
{
        size_t i;

        for (i = 0; i < STATS_FIELDS_MAX; i++) {
                free(arguments[i].numbers);
                free(arguments[i].flags);
                free(arguments[i].counts);
        }
}

const struct stats_argument *stats_input_argument(const struct stats_argument *arguments,
                                                  const char *name)
{
        while (arguments->field && strcmp(arguments->field->name, name))
                arguments++;
        assert(arguments->field);
        return arguments;
}

double stats_input_number(const struct stats_argument *arguments, const char *name)
{
        return stats_input_argument(arguments, name)->number;
}

size_t stats_input_count(const struct stats_argument *arguments, const char *name)
{
        return (size_t)stats_input_argument(arguments, name)->number;
}

bool stats_input_same_length(const struct stats_argument *one, const struct stats_argument *other,
                             char *message, size_t message_size)
{
        if (one->n == other->n)
                return true;
        return stats_input_refuse(message, message_size,
                                  "%s: has %zu entries where %s has %zu; give one for each",
                                  other->field->name, other->n, one->field->name, one->n);
}
