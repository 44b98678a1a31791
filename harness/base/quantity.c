/* quantity.c - parsing of numbers with a unit.
 *
 * A number is read as an integer of at most 30 digits and a count of decimals;
 * value and unit are multiplied in 128 bits and divided once, so "0.1s" is
 * 100000000 ns and not what a double makes of it. Digits beyond the 30th are
 * refused, not dropped.
 *
 * Not here: which quantity a key wants and its range (scenario/read.c).
 */
#include "harness/base/quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "harness/base/diag.h"
#include "harness/base/nearest.h"

enum { DIGITS_MAX = 30, UNIT_MAX = 16, CASE_STEPS_ONLY = 1 };

#define RATE_MAX_PER_S 1e12
#define SIZE_MAX_BYTES ((int64_t)1 << 62)

__extension__ typedef unsigned __int128 uint128; /* gcc and clang have it, ISO C does not */

struct unit {
        const char *name;
        int64_t size;
};

static const struct unit duration_units[] = {
        {"ns", 1},          {"us", 1000},         {"ms", 1000000},       {"s", 1000000000},
        {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000}, {NULL, 0},
};

static const struct unit size_units[] = {
        {"B", 1},
        {"kB", 1000},
        {"MB", 1000000},
        {"GB", 1000000000},
        {"TB", 1000000000000},
        {"KiB", 1024},
        {"MiB", 1024 * 1024},
        {"GiB", 1024 * 1024 * 1024},
        {"TiB", (int64_t)1024 * 1024 * 1024 * 1024},
        {NULL, 0},
};

/* In seconds. */
static const struct unit per_units[] = {
        {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0},
};

const char quantity_duration_wants[] = "a duration (ns, us, ms, s, m, h, d)";
const char quantity_size_wants[] = "a size (B, KiB, MiB, GiB, TiB, kB, MB, GB, TB)";
const char quantity_rate_wants[] = "a rate (/s, /min, /h, /d)";
const char quantity_size_rate_wants[] = "a size per time (KiB/s, MiB/min, GB/h ...)";
const char quantity_share_rate_wants[] = "a percentage per time (%/min, %/h ...)";
const char quantity_percent_wants[] = "a percentage (%)";

/* What is being read: the whole text, where we are in it, where to complain. */
struct parse {
        const char *text;
        const char *at;
        const char *wants;
        struct quantity_error *error;
};

struct decimal {
        uint128 digits;
        unsigned decimals; /* value = digits / 10^decimals */
};

static bool complain(const struct parse *parse, const char *what)
{
        char excerpt[DIAG_EXCERPT_SIZE];

        snprintf(parse->error->text, sizeof(parse->error->text), "'%s' %s: %s is wanted",
                 diag_excerpt(excerpt, parse->text), what, parse->wants);
        return false;
}

static bool complain_too_large(const struct parse *parse)
{
        char excerpt[DIAG_EXCERPT_SIZE];

        snprintf(parse->error->text, sizeof(parse->error->text), "'%s' is too large",
                 diag_excerpt(excerpt, parse->text));
        return false;
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool read_decimal(struct parse *parse, struct decimal *out)
{
        unsigned count = 0;
        bool fraction = false;

        *out = (struct decimal){0};
        if (*parse->at == '-')
                return complain(parse, "is negative");
        if (!is_digit(*parse->at))
                return complain(parse,
                                *parse->at == '\0' ? "is empty" : "does not begin with a digit");
        for (; is_digit(*parse->at) || (*parse->at == '.' && !fraction); parse->at++) {
                if (*parse->at == '.') {
                        fraction = true;
                        if (!is_digit(parse->at[1]))
                                return complain(parse, "has no digit after the point");
                        continue;
                }
                if (out->digits != 0 && ++count >= DIGITS_MAX)
                        return complain(parse, "has too many digits");
                out->digits = out->digits * 10 + (unsigned)(*parse->at - '0');
                out->decimals += fraction;
        }
        if (out->decimals > DIGITS_MAX)
                return complain(parse, "has too many digits");
        return true;
}

/* What was probably meant: the longest unit that the name begins with ("sec"),
 * the first that begins with it ("M"), or the nearest. */
static const char *probable_unit(const char *name, const struct unit *units)
{
        const char *begun = NULL, *longer = NULL;
        struct nearest nearest;

        name += strspn(name, " ");
        nearest_begin(&nearest, name);
        for (const struct unit *unit = units; unit->name != NULL; unit++) {
                size_t length = strlen(unit->name);

                nearest_offer(&nearest, unit->name);
                if (strncasecmp(name, unit->name, length) == 0 &&
                    (begun == NULL || length > strlen(begun)))
                        begun = unit->name;
                if (longer == NULL && *name != '\0' &&
                    strncasecmp(name, unit->name, strlen(name)) == 0)
                        longer = unit->name;
        }
        if (nearest.best != NULL && nearest.distance <= CASE_STEPS_ONLY)
                return nearest.best;
        return begun != NULL ? begun : longer != NULL ? longer : nearest.best;
}

/* The letters that follow; what ends a unit is a digit, '/', '.' or the end. */
static bool read_unit(struct parse *parse, const struct unit *units, const struct unit **out)
{
        char name[UNIT_MAX + 1], what[80], hint[48];
        size_t length = strcspn(parse->at, "0123456789/.");

        if (length == 0)
                return complain(parse, "has no unit");
        snprintf(name, sizeof(name), "%.*s", (int)(length < UNIT_MAX ? length : UNIT_MAX),
                 parse->at);
        for (const struct unit *unit = units; unit->name != NULL; unit++)
                if (length < UNIT_MAX && strcmp(unit->name, name) == 0) {
                        parse->at += length;
                        *out = unit;
                        return true;
                }
        snprintf(what, sizeof(what), "has an unknown unit%s",
                 nearest_hint(hint, sizeof(hint), probable_unit(name, units)));
        return complain(parse, what);
}

static uint128 power_of_ten(unsigned exponent)
{
        uint128 power = 1;

        while (exponent-- > 0)
                power *= 10;
        return power;
}

/* digits * size / 10^decimals, rounded; false above `max`. Sizes stay below
 * 2^47 and digits below 10^30 < 2^100: where the product would not fit into
 * 128 bits, whole and fraction are taken apart first. */
static bool scale(const struct decimal *decimal, int64_t size, int64_t max, int64_t *out)
{
        uint128 ten = power_of_ten(decimal->decimals);
        uint128 whole = decimal->digits / ten;
        uint128 rest = decimal->digits % ten;
        uint128 total;

        if (whole > (uint128)(max / size))
                return false;
        for (; ten > (uint128)1 << 78; ten /= 10)
                rest /= 10;
        total = whole * (uint128)size + (rest * (uint128)size + ten / 2) / ten;
        if (total > (uint128)max)
                return false;
        *out = (int64_t)total;
        return true;
}

bool quantity_duration(const char *text, int64_t *out_ns, struct quantity_error *error)
{
        struct parse parse = {text, text, quantity_duration_wants, error};
        const struct unit *unit, *before = NULL;
        int64_t total_ns = 0;

        do {
                struct decimal decimal;
                int64_t part_ns;

                if (!read_decimal(&parse, &decimal) || !read_unit(&parse, duration_units, &unit))
                        return false;
                if (before != NULL && unit->size >= before->size)
                        return complain(&parse, "does not go from larger units to smaller ones");
                if (!scale(&decimal, unit->size, QUANTITY_NS_MAX - total_ns, &part_ns))
                        return complain_too_large(&parse);
                total_ns += part_ns;
                before = unit;
        } while (*parse.at != '\0' && *parse.at != '/' && *parse.at != '.');
        if (*parse.at != '\0')
                return complain(&parse, "goes on after its unit");
        *out_ns = total_ns;
        return true;
}

bool quantity_size(const char *text, int64_t *out_bytes, struct quantity_error *error)
{
        struct parse parse = {text, text, quantity_size_wants, error};
        const struct unit *unit;
        struct decimal decimal;

        if (!read_decimal(&parse, &decimal) || !read_unit(&parse, size_units, &unit))
                return false;
        if (*parse.at != '\0')
                return complain(&parse, "goes on after its unit");
        if (!scale(&decimal, unit->size, SIZE_MAX_BYTES, out_bytes))
                return complain_too_large(&parse);
        return true;
}

/* The "/h" of a rate, to the end of the text. */
static bool read_per(struct parse *parse, const struct unit **out)
{
        if (*parse->at != '/')
                return complain(parse, "has no '/' and time");
        parse->at++;
        if (!read_unit(parse, per_units, out))
                return false;
        return *parse->at == '\0' || complain(parse, "goes on after its unit");
}

static double decimal_value(const struct decimal *decimal)
{
        return (double)decimal->digits / (double)power_of_ten(decimal->decimals);
}

bool quantity_rate(const char *text, double *out_per_s, struct quantity_error *error)
{
        struct parse parse = {text, text, quantity_rate_wants, error};
        const struct unit *unit;
        struct decimal decimal;
        double per_s;

        if (!read_decimal(&parse, &decimal) || !read_per(&parse, &unit))
                return false;
        per_s = decimal_value(&decimal) / (double)unit->size;
        if (per_s > RATE_MAX_PER_S)
                return complain_too_large(&parse);
        *out_per_s = per_s;
        return true;
}

bool quantity_size_rate(const char *text, double *out_bytes_per_s, struct quantity_error *error)
{
        struct parse parse = {text, text, quantity_size_rate_wants, error};
        const struct unit *size, *per;
        struct decimal decimal;
        double bytes;

        if (!read_decimal(&parse, &decimal) || !read_unit(&parse, size_units, &size) ||
            !read_per(&parse, &per))
                return false;
        bytes = decimal_value(&decimal) * (double)size->size;
        if (bytes > (double)SIZE_MAX_BYTES)
                return complain_too_large(&parse);
        *out_bytes_per_s = bytes / (double)per->size;
        return true;
}

bool quantity_share_rate(const char *text, double *out_per_s, struct quantity_error *error)
{
        struct parse parse = {text, text, quantity_share_rate_wants, error};
        const struct unit *per;
        struct decimal decimal;

        if (!read_decimal(&parse, &decimal))
                return false;
        if (*parse.at != '%')
                return complain(&parse, *parse.at == '\0' ? "has no unit" : "has an unknown unit");
        parse.at++;
        if (!read_per(&parse, &per))
                return false;
        *out_per_s = decimal_value(&decimal) / 100 / (double)per->size;
        return true;
}

bool quantity_percent(const char *text, double *out_ratio, struct quantity_error *error)
{
        struct parse parse = {text, text, quantity_percent_wants, error};
        struct decimal decimal;

        if (!read_decimal(&parse, &decimal))
                return false;
        if (strcmp(parse.at, "%") != 0)
                return complain(&parse, *parse.at == '\0' ? "has no unit" : "has an unknown unit");
        *out_ratio = decimal_value(&decimal) / 100;
        return true;
}

bool quantity_number(const char *text, double *out, struct quantity_error *error)
{
        bool negative = *text == '-';
        struct parse parse = {text, text + negative, "a number", error};
        struct decimal decimal;

        if (!read_decimal(&parse, &decimal))
                return false;
        if (*parse.at != '\0')
                return complain(&parse, "goes on after the number");
        *out = negative ? -decimal_value(&decimal) : decimal_value(&decimal);
        return true;
}

const char *quantity_format_duration(char buffer[QUANTITY_TEXT_SIZE], int64_t ns)
{
        size_t used = 0;

        if (ns == 0)
                return strcpy(buffer, "0s");
        if (ns < 0) {
                buffer[used++] = '-';
                ns = ns == INT64_MIN ? INT64_MAX : -ns;
        }
        for (int i = 6; i >= 0; i--) {
                int64_t count = ns / duration_units[i].size;

                if (count == 0)
                        continue;
                used += (size_t)snprintf(buffer + used, QUANTITY_TEXT_SIZE - used, "%lld%s",
                                         (long long)count, duration_units[i].name);
                ns -= count * duration_units[i].size;
        }
        return buffer;
}

const char *quantity_format_size(char buffer[QUANTITY_TEXT_SIZE], double bytes)
{
        static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
        size_t unit = 0;

        for (; fabs(bytes) >= 1024 && unit + 1 < sizeof(names) / sizeof(names[0]); unit++)
                bytes /= 1024;
        snprintf(buffer, QUANTITY_TEXT_SIZE, "%.4g%s", bytes, names[unit]);
        return buffer;
}
