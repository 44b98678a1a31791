/* reports/truth.h - what was really there: causes, and whether alarms and deeds were right.
 *
 * Judged from the fleet's side alone, by the rules of 5-experiments.md:
 *
 * - A fault is attributed to an incident of S when it was active within 60 s
 *   before the onset or during it, on S or on a service that S reaches.
 *   Its clock runs from the last of them to start before the onset.
 * - An alarm, prediction or action is attributed to an incident of S when it
 *   names S, or a service that S reaches and that shares an attributed fault.
 * - An alarm, and so its episode, is true when users were hurt at that time
 *   (an attributed incident in this arm, in shadow or in untreated; from 60 s
 *   before its onset to 30 s after its end), or when something was really
 *   wrong with the named service or one that it calls (`fault_state`); else
 *   false. An action is false when all alarms of its episode are; one without
 *   alarms is judged as an alarm of its own.
 * - An alarm that stays on says it again every `prediction_window`: each further
 *   window in which its episode has an alarm on counts as one more alarm, false
 *   when nothing of the above was there then. Else one that is never cleared
 *   would be right for ever by the first incident that comes.
 * - A prediction is judged by what happens in shadow, where nobody heeds it.
 *
 * Needs kept_create(); fates_assign() comes after.
 */
#ifndef CHAOS_REPORTS_TRUTH_H
#define CHAOS_REPORTS_TRUTH_H

#include "reports/kept.h"

/* Fills in everything in `kept` that is a judgement, but the fates. False when
 * memory is out. */
bool truth_judge(const struct run_meta *meta, const struct replication_record *record,
                 struct kept *kept);

/* Whether a word or deed about `service` is attributed to that incident of
 * that arm, leaving time aside. */
bool truth_is_about(const struct run_meta *meta, const struct kept_arm *arm,
                    const struct kept_incident *incident, uint32_t service);

/* Whether a fault acts on `service` or on something that it reaches. */
bool truth_fault_reaches(const struct run_meta *meta, const struct kept_arm *arm, uint32_t fault,
                         uint32_t service);

#endif
