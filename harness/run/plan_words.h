/* harness/run/plan_words.h - a play of a fault, written as an entry of a `method`.
 *
 * Its time, its length and its targets are settled, and its name is the play's;
 * pasted into a scenario in place of the entry it came from, it does the same to
 * the same requests. Chance that is by request stays as it is.
 */
#ifndef CHAOS_RUN_PLAN_WORDS_H
#define CHAOS_RUN_PLAN_WORDS_H

#include <jansson.h>

#include "harness/run/plan.h"

/* NULL when memory is out; the caller's. */
json_t *plan_entry_json(const struct scenario *scenario, const struct planned_fault *fault);

/* The same in one line; to be freed. */
char *plan_entry_text(const struct scenario *scenario, const struct planned_fault *fault);

/* An entry with `when`, or after one, as far as it is settled: what it waits for
 * in place of a time. */
json_t *plan_waiting_json(const struct scenario *scenario, const struct method_spec *entry);

/* As a scenario writes it: "1m30s". */
json_t *plan_duration_json(int64_t ns);

#endif
