/* learning.c - what has helped against what.
 *
 * One line for each (failure type, action): how often it was tried, how often
 * it was verified, and a preference that moves towards 1 or 0 with each
 * outcome by the learning rate. decision.c uses it; this file only remembers.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

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

/* ---- the account: healer/analytics.h */

void hlr_tried(struct healer *healer, struct hlr_episode *episode, enum healer_action_kind kind)
{
        uint32_t at = episode->tried_count;

        if (episode->acted_ns == HEALER_NEVER)
                episode->acted_ns = healer->now_ns;
        if (at > 0 && at <= HEALER_ANALYTICS_ACTIONS_MAX && episode->tried[at - 1] == kind)
                return; /* the same rung on another instance */
        if (at < HEALER_ANALYTICS_ACTIONS_MAX)
                episode->tried[at] = kind;
        episode->tried_count++;
}

void hlr_account(struct healer *healer, const struct hlr_episode *episode)
{
        const char *actions[HEALER_ANALYTICS_ACTIONS_MAX];
        struct healer_healing healing;
        uint32_t i;

        if (healer->analytics == NULL || episode->preventive)
                return;
        memset(&healing, 0, sizeof(healing));
        for (i = 0; i < episode->tried_count && i < HEALER_ANALYTICS_ACTIONS_MAX; i++)
                actions[i] = healer_actions[episode->tried[i]].name;
        healing.id = episode->id;
        healing.noticed_ns = episode->opened_ns;
        healing.acted_ns = episode->acted_ns;
        healing.ended_ns = healer->now_ns;
        /* Well since then; the dwell in which that was made sure is not its time. */
        if (episode->well_since_ns != HEALER_NEVER && episode->well_since_ns >= episode->opened_ns &&
            (episode->acted_ns == HEALER_NEVER || episode->well_since_ns >= episode->acted_ns))
                healing.ended_ns = episode->well_since_ns;
        healing.outcome = episode->tried_count == 0 ? HEALER_NOT_TRIED
                          : episode->claimed && episode->well_since_ns != HEALER_NEVER &&
                                            !episode->escalated
                                  ? HEALER_HEALED
                                  : HEALER_NOT_HEALED;
        healing.severity = episode->severity;
        healing.strategy = episode->last_kind == HEALER_ACTION_COUNT
                                   ? NULL
                                   : healer_actions[episode->last_kind].name;
        healing.failure_type = healer_failures[episode->failure].name;
        healing.component = healer->services[episode->service].name;
        healing.actions = actions;
        healing.action_count = episode->tried_count;
        (void)healer_analytics_add(healer->analytics, &healing);
}

struct healer_effect hlr_effect(const struct healer *healer, enum healer_failure failure,
                                enum healer_action_kind action)
{
        struct healer_effect none = {0, 0, 0.5};

        if ((unsigned)failure >= HEALER_FAILURE_COUNT || (unsigned)action >= HEALER_ACTION_COUNT)
                return none;
        return healer->effects[failure][action];
}
