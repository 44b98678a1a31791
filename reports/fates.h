/* reports/fates.h - what became of the incidents of a twin.
 *
 * Incidents of one service are compared between two worlds by overlap of their
 * intervals, many to many, with 30 s around. Every incident of untreated gets
 * one fate, the first of these that holds:
 *
 *   prevented   no incident in treated around it (and by_prediction when
 *               shadow has one, else by reaction)
 *   merged      one incident in treated spans this and another of untreated
 *   exposed     it lies inside an incident of treated that began more than
 *               30 s before: it could not be told apart there; or treated has
 *               none around it but sent the service less than half of the calls
 *               that calm does: starved is not prevented
 *   postponed   in treated the onset is more than 30 s later
 *   mitigated   at most 90 % of its bad requests
 *   worsened    at least 110 %
 *   unchanged   else
 *
 * Every incident of treated is induced (untreated is never bad around it),
 * exposed (inside one of untreated that began more than 30 s before: the twin
 * was still down from an earlier fault), or has no fate of its own. Quiet is
 * compared with calm in the same way.
 */
#ifndef CHAOS_REPORTS_FATES_H
#define CHAOS_REPORTS_FATES_H

#include "reports/kept.h"

void fates_assign(struct kept *kept);

#endif
