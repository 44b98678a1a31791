/* learning.c - what has helped against what.
 *
 * One line for each (failure type, action): how often it was tried, how often
 * it was verified, and a preference that moves towards 1 or 0 with each
 * outcome by the learning rate. decision.c uses it; this file only remembers.
 */
#include "healer/hlr_supervisor.h"

void hlr_learn(struct healer *healer, const struct hlr_episode *episode, bool helped)
{
        struct healer_effect *effect;

        if (!healer->config.learning.enabled || episode->last_kind == HEALER_ACTION_COUNT)
                return;
        effect = &healer->effects[episode->failure][episode->last_kind];
        effect->tried++;
        effect->helped += helped;
        effect->preference +=
                healer->config.learning.rate * ((helped ? 1.0 : 0.0) - effect->preference);
}

struct healer_effect healer_effect(const struct healer *healer, enum healer_failure failure,
                                   enum healer_action_kind action)
{
        struct healer_effect none = {0, 0, 0.5};

        if ((unsigned)failure >= HEALER_FAILURE_COUNT || (unsigned)action >= HEALER_ACTION_COUNT)
                return none;
        return healer->effects[failure][action];
}
