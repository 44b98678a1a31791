/* reports/arm_tree.h - one arm in the result document. */
#ifndef CHAOS_REPORTS_ARM_TREE_H
#define CHAOS_REPORTS_ARM_TREE_H

#include <jansson.h>

#include "reports/verdict.h"

/* {metrics, services, phases, by, fates, burn, incidents, episodes, actions,
 * predictions}; NULL when memory is out. */
json_t *arm_tree(const struct graded *graded, enum arm arm);

/* One replication's rows of a list of that arm: "incidents", "episodes",
 * "actions" or "predictions", with all of them however many. A new reference;
 * NULL when memory is out. */
json_t *arm_list_rows(const struct run_meta *meta, const struct kept *kept, enum arm arm,
                      const char *list);

/* Whether an arm has a healer at all. */
bool arm_has_healer(enum arm arm);

#endif
