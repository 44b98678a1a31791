/* reports/floor.h - the reference healers beside a grade: a floor and a ceiling.
 *
 * With --floor the reference healers go through the same replications as the
 * strategy, for as long. What they get without skill is what a grade has to be
 * above; the oracle is how much was avertable at all, and `averted_share` what
 * the strategy averted of that: total over total, paired by replication. It is
 * above 1 where the strategy knows more tricks than the oracle.
 */
#ifndef CHAOS_REPORTS_FLOOR_H
#define CHAOS_REPORTS_FLOOR_H

#include "reports/grade.h"
#include "reports/text.h"

struct floor_entry {
        const char *name, *summary;
        const struct grade *grade;
        bool is_ceiling; /* the oracle */
};

/* The `floor` object of result.json; NULL when memory is out. */
json_t *floor_json(const struct grade *strategy, const struct floor_entry *entries, size_t count);

/* As a table of 80 columns; nothing where the result has no floor. */
void floor_screen(const json_t *result, struct text *out);

#endif
