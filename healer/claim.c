/* claim.c - may this healer say that it has healed something?
 *
 * That an action reported success says that it was carried out, no more. A claim is
 * made from telemetry, when what was broken is back and has stayed so for the
 * dwell of verification, and only where the action can have been the cause:
 *
 *   - it was still broken when the action took effect: what was better before
 *     was mended by somebody else, or passed;
 *   - it was better soon after, or callers suffered clearly less soon after: what
 *     goes on as before and ends at some later time ends by itself.
 *
 * What is claimed is verified when those who call, who were not asked so far, say
 * the same: they suffer less than before the action, or hardly.
 *
 * Each tick looks once at the alarms of each open episode.
 */
#include "healer/hlr_supervisor.h"

#define EFFECT_SAMPLES 3 /* so many after an action show what it has done */

/* A process that is gone is back when it is there again, whatever callers suffer. */
static bool is_about_processes(const struct hlr_episode *episode)
{
        return episode->alarmed == HEALER_METRIC_HEARTBEAT;
}

static bool is_kept_off(const struct healer *healer, uint32_t service)
{
        uint32_t i;

        for (i = healer->services[service].first_edge; i != HEALER_NONE;
             i = healer->edges[i].next_to) {
                if (healer->edges[i].kept_off)
                        return true;
        }
        return false;
}

/* Some service that has an alarm of the episode is not on its way back, or a breaker
 * hides how it is. While our own command is on an instance its silence is no alarm,
 * and no health either. */
static bool is_broken(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct hlr_alarm *alarm;
        uint32_t service;
        int failure;

        if (is_kept_off(healer, episode->service) ||
            (is_about_processes(episode) && episode->commands_open > 0))
                return true;
        for (service = 0; service < healer->service_count; service++) {
                for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                        alarm = &healer->services[service].alarms[failure];
                        if (alarm->id != 0 && alarm->episode == episode->id &&
                            !hlr_recovering(healer, service))
                                return true;
                }
        }
        return false;
}

void hlr_claim_begin(struct hlr_episode *episode)
{
        episode->rung_done = false;
        episode->done_first_ns = HEALER_NEVER;
        episode->done_last_ns = HEALER_NEVER;
        episode->helped = false;
}

/* What callers suffered just before the action is what it had to mend. */
void hlr_claim_done(struct healer *healer, struct hlr_episode *episode)
{
        episode->rung_done = true;
        episode->done_last_ns = healer->now_ns;
        if (episode->done_first_ns != HEALER_NEVER)
                return;
        episode->done_first_ns = healer->now_ns;
        episode->at_done = hlr_harm_lately(healer, episode->service);
}

void hlr_claim_look(struct healer *healer, struct hlr_episode *episode)
{
        int64_t since;

        if (is_broken(healer, episode))
                episode->hurt_ns = healer->now_ns;
        if (episode->done_last_ns == HEALER_NEVER || episode->helped)
                return;
        since = hlr_sub(healer->now_ns, episode->done_last_ns);
        if (since < 2 * healer->interval_seen_ns ||
            since > (EFFECT_SAMPLES + 1) * healer->interval_seen_ns)
                return;
        episode->helped = hlr_harm_less(
                episode->before,
                hlr_harm_of(healer, episode->service,
                            hlr_add(episode->done_last_ns, healer->interval_seen_ns - 1),
                            healer->now_ns));
}

/* It goes through a service bit by bit, and helps bit by bit. */
static bool works_gradually(enum healer_action_kind kind)
{
        return healer_actions[kind].scope == HEALER_SCOPE_SERVICE &&
               healer_actions[kind].disruptive;
}

static bool was_better_before(const struct healer *healer, const struct hlr_episode *episode)
{
        if (works_gradually(episode->acting))
                return episode->hurt_ns < episode->rung_ns;
        return hlr_add(episode->hurt_ns, healer->interval_seen_ns) < episode->done_first_ns ||
               (!is_about_processes(episode) && hlr_harm_felt(episode->before, episode->at_done) &&
                hlr_harm_less(episode->before, episode->at_done));
}

/* Without samples only alarms tell, and they end a dwell late. */
static int64_t effect_ns(const struct healer *healer)
{
        if (healer->interval_seen_ns > 0)
                return EFFECT_SAMPLES * healer->interval_seen_ns;
        return hlr_add(EFFECT_SAMPLES * healer->config.detection.interval_ns,
                       healer->config.detection.dwell_ns);
}

static bool was_better_soon_after(const struct healer *healer, const struct hlr_episode *episode)
{
        return episode->helped ||
               episode->hurt_ns <= hlr_add(episode->done_last_ns, effect_ns(healer));
}

/* Somebody reported it, and no measure of ours has ever shown it. */
static bool is_known_by_hearsay(const struct hlr_episode *episode)
{
        return episode->alarmed == HEALER_METRIC_COUNT;
}

bool hlr_claimable(const struct healer *healer, const struct hlr_episode *episode)
{
        if (!episode->rung_done || episode->escalated)
                return false;
        return episode->preventive || is_known_by_hearsay(episode) ||
               (!was_better_before(healer, episode) &&
                                       was_better_soon_after(healer, episode));
}

bool hlr_callers_agree(struct healer *healer, const struct hlr_episode *episode)
{
        struct hlr_harm now = hlr_harm_of(healer, episode->service,
                                          hlr_sub(healer->now_ns, 3 * healer->interval_seen_ns - 1),
                                          healer->now_ns);

        return episode->preventive || !hlr_harm_felt(episode->before, now) ||
               hlr_harm_less(episode->before, now);
}
