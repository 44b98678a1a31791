/* harness/cli/env_overrides.h - thresholds of the healer from the environment, on wish.
 *
 * With --env, and in plain runs only: HEAL_LATENCY_THRESH (ms, or "2s"),
 * HEAL_ERROR_THRESH and HEAL_DRIFT_THRESH (shares, or "5%"), HEAL_MEMORY_THRESH
 * and HEAL_CPU_THRESH (percent), HEAL_SUCCESS_THRESH (a share) and
 * HEAL_INTERVAL_SECONDS. They set the critical thresholds; a warning above one
 * comes down to it. What was set is in the result, as healer.overrides.
 */
#ifndef CHAOS_CLI_ENV_OVERRIDES_H
#define CHAOS_CLI_ENV_OVERRIDES_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/run/record.h"
#include "harness/scenario/scenario.h"

enum { ENV_OVERRIDES_MAX = 7 };

struct env_overrides {
        const char *names[ENV_OVERRIDES_MAX], *values[ENV_OVERRIDES_MAX]; /* as they were given */
        uint32_t count;
        char digest[65]; /* of the strategy with them, in hex */
};

/* Takes them into the scenario's strategy. False, after a message for each, when
 * one is wrong or the healer is not libhealer. `out` points into the environment. */
bool env_overrides_take(struct scenario *scenario, struct env_overrides *out, FILE *errors);

/* Lines for --help. */
extern const char env_overrides_help[];

#endif
