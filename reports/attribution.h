/* reports/attribution.h - what each action was worth, by leaving it out.
 *
 * With --attribute treated is run again without what one episode did of one kind
 * to one target, for each of these deeds: what then fails more was averted by
 * it. Leaving anything out also shifts what chance does next, so a deed is put
 * off by a second as well, a placebo that should change nothing; the most that a
 * placebo of the replication did change is its noise. A deed was
 *
 *   helpful       without it more requests failed, by more than the noise
 *   harmful       without it fewer did, by more than the noise
 *   unnecessary   else
 *
 * It is one deed at a time: of two that could each have done it alone, both are
 * unnecessary.
 */
#ifndef CHAOS_REPORTS_ATTRIBUTION_H
#define CHAOS_REPORTS_ATTRIBUTION_H

#include <jansson.h>

#include "reports/kept.h"
#include "reports/metric.h"
#include "reports/verdict.h"

/* Judges the forks of the record. False when memory is out. */
bool attribution_keep(const struct run_meta *meta, const struct replication_record *record,
                      struct kept *kept);

/* {noise, helpful, harmful, unnecessary, deeds}; null where nothing was knocked
 * out. NULL when memory is out. */
json_t *attribution_json(const struct graded *graded);

#endif
