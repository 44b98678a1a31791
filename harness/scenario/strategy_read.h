/* harness/scenario/strategy_read.h - between the two readers of a strategy. */
#ifndef CHAOS_SCENARIO_STRATEGY_READ_H
#define CHAOS_SCENARIO_STRATEGY_READ_H

#include "harness/scenario/strategy.h"

/* strategy.c: reports keys of that section that are facts of the world. */
void strategy_refuse_misplaced(struct read_object *object, const char *section);

/* strategy_policies.c: no rule anywhere; and reads the protections of one layer. */
void strategy_policies_init(struct strategy *strategy);
void strategy_read_policies(struct read_object *object, struct strategy *strategy);

/* strategy_channels.c: escalation.channels; and their words, NULL-ended. */
extern const char *const strategy_channel_forms[], *const strategy_channel_levels[];
void strategy_read_channels(struct read_object *escalation, struct strategy *strategy);

/* strategy_degradation.c: degradation.levels, per_resource, features and rules; and
 * whether the fleet has those features; and the operators of rules, NULL-ended. */
extern const char *const strategy_rule_operators[];
void strategy_read_degradation(struct read_object *section, struct strategy *strategy);
bool strategy_check_features(const struct strategy *strategy, const struct fleet_spec *fleet);

#endif
