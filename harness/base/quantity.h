/* harness/base/quantity.h - numbers with a unit, as people write them.
 *
 *     durations     "250us" "40ms" "1.5s" "4m30s" "7d"     -> ns
 *     sizes         "64KiB" "1.5GiB" "20MB"                -> bytes
 *     rates         "800/s" "12/min" "0.25/h"              -> per second
 *     size rates    "700KiB/s"                             -> bytes per second
 *     shares        "5%" "130%"                            -> ratio
 *     share rates   "1%/min"                               -> ratio per second
 *
 * Decimal fractions are converted exactly (128-bit integers) and rounded once,
 * to the nearest ns or byte. No sign, no exponent, no blank, no locale. What
 * does not parse is explained in a sentence that can stand in a message.
 */
#ifndef CHAOS_BASE_QUANTITY_H
#define CHAOS_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quantity_error {
        char text[320];
};

enum { QUANTITY_TEXT_SIZE = 64 };

/* Durations go up to QUANTITY_NS_MAX (about 146 years), sizes to 2^62 bytes,
 * rates to 1e12 per second. False: `error` says why and `out` is untouched. */
#define QUANTITY_NS_MAX (INT64_MAX / 2)
bool quantity_duration(const char *text, int64_t *out_ns, struct quantity_error *error);
bool quantity_size(const char *text, int64_t *out_bytes, struct quantity_error *error);
bool quantity_rate(const char *text, double *out_per_s, struct quantity_error *error);
bool quantity_size_rate(const char *text, double *out_bytes_per_s, struct quantity_error *error);
bool quantity_share_rate(const char *text, double *out_per_s, struct quantity_error *error);
bool quantity_percent(const char *text, double *out_ratio, struct quantity_error *error);
/* A number without a unit, with an optional '-': "3", "-0.5". */
bool quantity_number(const char *text, double *out, struct quantity_error *error);

/* What is wanted, with the units: "a duration (ns, us, ms, s, m, h, d)". */
extern const char quantity_duration_wants[];
extern const char quantity_size_wants[];
extern const char quantity_rate_wants[];
extern const char quantity_size_rate_wants[];
extern const char quantity_share_rate_wants[];
extern const char quantity_percent_wants[];

/* As one would write it: "1m30s", "512MiB". Gives `buffer`. */
const char *quantity_format_duration(char buffer[QUANTITY_TEXT_SIZE], int64_t ns);
const char *quantity_format_size(char buffer[QUANTITY_TEXT_SIZE], double bytes);

#endif
