/* escalation.c - a human is called, once for an episode.
 *
 * When the ladder comes to it, when enough rungs have failed, when the budget
 * or an approval is refused, and when an episode stays open beyond its
 * deadline. What is only predicted calls nobody. From then on the episode is
 * the human's: it is watched and ends when all is well, but no more is done.
 */
#include "healer/hlr_supervisor.h"

void hlr_escalate(struct healer *healer, struct hlr_episode *episode)
{
        if (episode->escalated)
                return;
        episode->escalated = true;
        healer->stats.escalated++;
        hlr_episode_set(healer, episode, HLR_EPISODE_ESCALATED);
        hlr_say_episode(healer, episode, HEALER_NOTICE_ESCALATION);
        if (healer->config.auto_heal &&
            (healer->actions_available & (UINT32_C(1) << HEALER_ACTION_ESCALATE)) != 0)
                (void)hlr_command(healer, episode, HEALER_ACTION_ESCALATE, HEALER_NONE, 0);
}

void hlr_escalation_deadlines(struct healer *healer)
{
        struct hlr_episode *episode;
        int i;

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                episode = &healer->episodes[i];
                if (episode->id == 0 || episode->preventive || episode->escalated ||
                    episode->well_since_ns != HEALER_NEVER)
                        continue;
                if (healer->now_ns - episode->opened_ns >= healer->config.escalation.timeout_ns)
                        hlr_escalate(healer, episode);
        }
}
