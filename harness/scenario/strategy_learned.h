/* harness/scenario/strategy_learned.h - what a healer has learned, as a JSON file.
 *
 * The `initial_state` of a strategy, and what `chaos-run train` writes. Failure
 * types, actions, metrics, features and signs stand by name, so that a file
 * outlives a change of their order; a name that is no longer known is an error
 * with its place, since half of what was learned is not what was learned.
 */
#ifndef CHAOS_SCENARIO_STRATEGY_LEARNED_H
#define CHAOS_SCENARIO_STRATEGY_LEARNED_H

#include "harness/scenario/read.h"
#include "healer/learned.h"

/* False when something was wrong (reported). */
bool learned_state_read(struct read_context *ctx, const json_t *root, const char *path,
                        struct healer_learned *out);
/* A new reference, or NULL when memory is out. */
json_t *learned_state_json(const struct healer_learned *learned);

#endif
