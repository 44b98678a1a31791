/* harness/run/fault_words.h - a fault's parameters as a scenario writes them.
 *
 * Shared by the catalogue (`list faults`) and the plan.
 */
#ifndef CHAOS_RUN_FAULT_WORDS_H
#define CHAOS_RUN_FAULT_WORDS_H

#include <stddef.h>

#include "faults/fault.h"

/* "duration", "ratio", ...; static. */
const char *fault_unit_name(enum fault_unit unit);

/* What it may be: "0s to 1h", or the choices. */
void fault_range_text(const struct fault_param *param, char *out, size_t size);

/* `value` in the parameter's unit: "2s", "70%", "uniform". */
void fault_value_text(const struct fault_param *param, double value, char *out, size_t size);

#endif
