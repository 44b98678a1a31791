/* reports/arm_tree.h - one arm in the result document. */
#ifndef CHAOS_REPORTS_ARM_TREE_H
#define CHAOS_REPORTS_ARM_TREE_H

#include <jansson.h>

#include "reports/verdict.h"

/* {metrics, services, phases, by, fates, burn, incidents, episodes, actions,
 * predictions}; NULL when memory is out. */
json_t *arm_tree(const struct graded *graded, enum arm arm);

/* Whether an arm has a healer at all. */
bool arm_has_healer(enum arm arm);

#endif
