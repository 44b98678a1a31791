/* escalation.c - a human is called, once for an episode.
 *
 * When the ladder comes to it, when enough rungs have failed, when the budget
 * or an approval is refused, and when an episode stays open beyond its
 * deadline. With the call goes what is known: what was tried, whether other failures
 * belong to it, and what a decision tree advises. What is only predicted calls nobody. From then on the episode is
 * the human's: it is watched and ends when all is well, but no more is done.
 */
#include "healer/correlate.h"
#include "healer/decision_tree.h"
#include "healer/hlr_supervisor.h"

#include <stdio.h>
#include <string.h>

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

/* ---- what a human is told */

static uint32_t related_to(const struct healer *healer, const struct hlr_episode *episode)
{
        struct healer_happening happenings[HLR_EPISODES_MAX];
        const struct hlr_episode *e;
        uint32_t count = 0, mine = 0, i;

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                e = &healer->episodes[i];
                if (e->id == 0 || e->preventive)
                        continue;
                if (e == episode)
                        mine = count;
                happenings[count++] = (struct healer_happening){.at_ns = e->opened_ns,
                                                                .failure = e->failure,
                                                                .severity = e->severity,
                                                                .component = e->service};
        }
        return count == 0 ? 0 : healer_related_count(happenings, count, mine);
}

/* Of the instance that uses most. */
static double highest(const struct healer *healer, uint32_t service, enum healer_metric metric)
{
        const struct hlr_instance *instance;
        double most = NAN;
        uint32_t i;

        for (i = healer->services[service].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                if (instance->process == HLR_UP && instance->monitors[metric].seen_ns != INT64_MIN)
                        most = fmax(most, instance->monitors[metric].value);
        }
        return most;
}

static void advise(const struct healer *healer, const struct hlr_episode *episode,
                   uint32_t related, struct healer_tree_advice *out)
{
        uint32_t overlays = healer_tree_overlays(
                highest(healer, episode->service, HEALER_METRIC_CPU),
                highest(healer, episode->service, HEALER_METRIC_MEMORY), related,
                episode->severity);

        (void)healer_tree_advise(episode->failure, episode->confidence, overlays, out);
}

/* Appends, as far as there is room. */
static size_t put(char *text, size_t size, size_t used, const char *before, const char *words)
{
        int length = used < size ? snprintf(text + used, size - used, "%s%s", before, words) : 0;

        return used + (length > 0 ? (size_t)length : 0);
}

/* What the cause is sure enough for. */
static const char *const bands[HEALER_TREE_BAND_COUNT] = {
        [HEALER_TREE_ACT] = "; advice to act: ",
        [HEALER_TREE_PREPARE] = "; advice to prepare: ",
        [HEALER_TREE_INVESTIGATE] = "; advice to investigate: ",
};

static void tell(const struct healer *healer, const struct hlr_episode *episode, char *text,
                 size_t size)
{
        uint32_t related = related_to(healer, episode), i;
        struct healer_tree_advice advice;
        char number[64];
        size_t used = 0;

        if (size == 0)
                return;
        text[0] = '\0';
        if (related > 0) {
                snprintf(number, sizeof(number), "%u other open failure%s related; ", related,
                         related == 1 ? " is" : "s are");
                used = put(text, size, used, "", number);
        }
        for (i = 0; i < episode->tried_count && i < HEALER_ANALYTICS_ACTIONS_MAX; i++)
                used = put(text, size, used, i == 0 ? "tried: " : ", ",
                           healer_actions[episode->tried[i]].name);
        if (i == 0)
                used = put(text, size, used, "", "nothing was tried");
        advise(healer, episode, related, &advice);
        for (i = 0; i < advice.count; i++)
                used = put(text, size, used, i == 0 ? bands[advice.band] : ", ", advice.steps[i].text);
}

enum healer_err hlr_escalation_of(const struct healer *healer, uint64_t id,
                                  struct healer_escalation *out, char *text, size_t size)
{
        const struct hlr_episode *episode =
                hlr_episode_find((struct healer *)(uintptr_t)healer, id);

        if (episode == NULL)
                return HEALER_E_NOT_FOUND;
        tell(healer, episode, text, size);
        *out = (struct healer_escalation){.key = episode->id,
                                          .severity = episode->severity,
                                          .failure = episode->failure,
                                          .raised_ns = healer->now_ns,
                                          .at_ns = healer->now_ns,
                                          .component = healer->services[episode->service].name,
                                          .context = text};
        return HEALER_OK;
}
