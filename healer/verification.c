/* verification.c - healed is what stays well, not what reported success.
 *
 * An episode is well while none of its alarms is active and no breaker keeps
 * calls off its service. Well for the dwell time after the last action, it
 * ends: as claimed when an action can have been the cause (claim.c), as verified
 * when callers agree, else as passed by itself. Not well by the verification's end, the rung has failed and the next
 * one is tried.
 */
#include "healer/hlr_supervisor.h"

static bool targets_left(const struct hlr_episode *episode)
{
        uint32_t i;

        for (i = 0; i < episode->target_count; i++) {
                if (!episode->targets[i].done && !episode->targets[i].failed)
                        return true;
        }
        return false;
}

/* Whether what was to run out has stopped doing so. */
static bool relieved(const struct hlr_instance *instance, const struct hlr_episode *episode)
{
        const struct hlr_monitor *monitor;

        if ((unsigned)episode->foreseen >= HLR_INSTANCE_METRICS || isnan(episode->foreseen_value))
                return true;
        monitor = &instance->monitors[episode->foreseen];
        return monitor->seen_ns != INT64_MIN && monitor->seen_ns > episode->opened_ns &&
               monitor->value < episode->foreseen_value;
}

/* A preventive action has helped when the process is a new one, or what was
 * running out is back; that nobody suffers was so before. */
static bool prevented(const struct healer *healer, const struct hlr_episode *episode)
{
        bool renews = episode->last_kind != HEALER_ACTION_COUNT &&
                      healer_actions[episode->last_kind].disruptive;
        const struct hlr_instance *instance;
        uint32_t i;

        for (i = 0; i < episode->target_count; i++) {
                if (episode->targets[i].instance == HEALER_NONE)
                        continue;
                instance = &healer->instances[episode->targets[i].instance];
                if (instance->process != HLR_REMOVED &&
                    (renews ? instance->started_ns < episode->opened_ns
                            : !relieved(instance, episode)))
                        return false;
        }
        return true;
}

/* Not well yet, and will not be: the time is over, callers suffer more than before, and
 * still do (what was done early is not to blame for what grew until it took effect); or
 * not less although an alarm would have had the time to end. */
static bool no_cure(struct healer *healer, const struct hlr_episode *episode)
{
        int64_t since = hlr_sub(healer->now_ns, episode->state_ns);
        int64_t interval = healer->interval_seen_ns;
        struct hlr_harm after;

        if (episode->useless || since >= healer->config.recovery.verify_timeout_ns)
                return true;
        if (interval <= 0 || since < 3 * interval)
                return false;
        after = hlr_harm_since(healer, episode);
        if (hlr_harm_more(episode->before, after) &&
            hlr_harm_more(episode->before, hlr_harm_lately(healer, episode->service)))
                return true;
        return since >= hlr_add(3 * interval, healer->config.recovery.verify_dwell_ns) &&
               hlr_harm_felt(episode->before, after) && !hlr_harm_less(episode->before, after);
}

static int64_t dwell_of(const struct healer *healer)
{
        return healer->config.recovery.verify_dwell_ns;
}

/* Something did help: what did not help before it may do so from now on. */
static void trust_again(struct healer *healer, const struct hlr_episode *episode)
{
        struct hlr_service *service = &healer->services[episode->service];
        int action;

        for (action = 0; action < HEALER_ACTION_COUNT; action++)
                if (service->useless[action].failure == episode->failure)
                        service->useless[action].at_ns = INT64_MIN;
}

static void claim(struct healer *healer, struct hlr_episode *episode)
{
        episode->claimed = true;
        healer->stats.claimed++;
        hlr_say_episode(healer, episode, HEALER_NOTICE_EPISODE_CLAIMED);
        if (!hlr_callers_agree(healer, episode))
                return;
        episode->verified = true;
        healer->stats.verified++;
        hlr_learn(healer, episode, true);
        trust_again(healer, episode);
        hlr_say_episode(healer, episode, HEALER_NOTICE_EPISODE_VERIFIED);
        if (!episode->preventive)
                hlr_tune(healer, episode->alarmed, false);
}

static void end_well(struct healer *healer, struct hlr_episode *episode)
{
        if (episode->preventive && !prevented(healer, episode)) {
                hlr_learn(healer, episode, false);
                healer->stats.failed++;
                hlr_say_episode(healer, episode, HEALER_NOTICE_EPISODE_FAILED);
        } else if (hlr_claimable(healer, episode)) {
                claim(healer, episode);
        } else if (!episode->preventive && !episode->escalated &&
                   healer->now_ns - episode->opened_ns < 2 * healer->config.detection.dwell_ns +
                                                                 dwell_of(healer)) {
                hlr_tune(healer, episode->alarmed, true); /* it passed by itself, at once */
        }
        hlr_episode_close(healer, episode);
}

static void verify_one(struct healer *healer, struct hlr_episode *episode)
{
        int64_t dwell = healer->config.recovery.verify_dwell_ns;

        if (episode->closing) {
                hlr_episode_close(healer, episode);
                return;
        }
        hlr_claim_look(healer, episode);
        if (hlr_episode_has_alarm(healer, episode))
                episode->well_since_ns = HEALER_NEVER;
        else if (episode->well_since_ns == HEALER_NEVER)
                episode->well_since_ns = healer->now_ns;
        if (episode->preventive && episode->state != HLR_EPISODE_VERIFYING)
                return; /* well from the start: that says nothing */
        if (episode->state == HLR_EPISODE_ACTING)
                return; /* what was begun is brought to its end */
        if (episode->well_since_ns != HEALER_NEVER) {
                if (healer->now_ns - episode->well_since_ns >= dwell &&
                    healer->now_ns - episode->state_ns >= dwell)
                        end_well(healer, episode);
                return;
        }
        if (episode->state != HLR_EPISODE_VERIFYING)
                return;
        if (no_cure(healer, episode))
                hlr_rung_failed(healer, episode);
        else if (targets_left(episode)) /* more of the same have shown up */
                hlr_episode_set(healer, episode, HLR_EPISODE_ACTING);
}

void hlr_verify(struct healer *healer)
{
        int i;

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                if (healer->episodes[i].id != 0)
                        verify_one(healer, &healer->episodes[i]);
        }
}
