/* reports/waterfall.h - where untreated's harm went.
 *
 * untreated - reaction - prediction = left (the harm of treated), replication
 * by replication and so in the mean, too. self_made is quiet - calm: how much
 * of what is left the healer may have done itself; it is not taken off again.
 */
#ifndef CHAOS_REPORTS_WATERFALL_H
#define CHAOS_REPORTS_WATERFALL_H

#include <jansson.h>

#include "reports/verdict.h"

/* {untreated, reaction, prediction, self_made, left} in failed requests, and
 * the same in `bad_seconds`. A part whose arms were not run is null with n 0.
 * NULL when memory is out. */
json_t *waterfall_json(const struct graded *graded);

#endif
