/* learning.c - what has helped against what, and which limits were wrong.
 *
 * One line for each (failure type, action), and one more for what was going on at
 * the time: how often it was tried, how often it was verified, and a preference
 * that moves towards 1 or 0 with each outcome by the learning rate. decision.c
 * asks the line of the context where that has samples enough, else the general
 * one. Frozen means that none of it moves.
 *
 * Limits: an alarm that went away by itself, with nothing done, pushes the limits of
 * its metric out by a little; one that turned out real pulls them in, but never
 * below what healthy values reach now and then, and never outside 0.8 to 1.25 times
 * what is written. They are used from `min_samples` outcomes on.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define CHANGED_NS (300 * HLR_SECOND)
#define LOADED 0.8
#define TUNING_STEP 0.05
#define HIGH_MARGIN 1.3

enum healer_context hlr_context_of(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct hlr_service *service = &healer->services[episode->service];
        const struct hlr_instance *instance;
        uint32_t i, all = 0, busy = 0;

        if ((service->deploy_started_ns != INT64_MIN &&
             hlr_sub(episode->opened_ns, service->deploy_started_ns) < CHANGED_NS) ||
            (service->config_ns != INT64_MIN &&
             hlr_sub(episode->opened_ns, service->config_ns) < CHANGED_NS))
                return HEALER_CONTEXT_CHANGED;
        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->service != episode->service || instance->process == HLR_REMOVED)
                        continue;
                all++;
                busy += instance->quick[HLR_SIGNAL_CPU] > LOADED;
        }
        if (all > 0 && 2 * busy > all)
                return HEALER_CONTEXT_LOADED;
        if (episode->target_count > 1 && 2 * episode->target_count >= all)
                return HEALER_CONTEXT_WIDE;
        return HEALER_CONTEXT_CALM;
}

static void move(struct healer_effect *effect, double rate, bool helped)
{
        effect->tried++;
        effect->helped += helped;
        effect->preference += rate * ((helped ? 1.0 : 0.0) - effect->preference);
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
                          : episode->verified ? HEALER_HEALED
                                  : HEALER_NOT_HEALED;
        healing.severity = episode->severity;
        healing.strategy = episode->last_kind == HEALER_ACTION_COUNT
                                   ? NULL
                                   : healer_actions[episode->last_kind].name;
        healing.failure_type = healer_failures[episode->failure].name;
        healing.component = healer->services[episode->service].name;
        healing.actions = actions;
        healing.action_count = episode->tried_count;
        healing.escalated = episode->escalated;
        (void)healer_analytics_add(healer->analytics, &healing);
}

static void watch_healing(struct healer *healer, const struct hlr_episode *episode, bool helped)
{
        struct healer_heal_watch *watch = &healer->watches[episode->failure];
        double rate_before = watch->rate_usual, seconds;
        struct healer_notice notice;

        seconds = (double)hlr_sub(healer->now_ns, episode->opened_ns) / 1e9;
        if (healer_heal_watch_result(watch, helped, helped ? seconds : 0) == HEALER_HEAL_SAME)
                return;
        notice = hlr_notice(HEALER_NOTICE_HEALING_ODD);
        notice.episode = episode->id;
        notice.service = episode->service;
        notice.failure = episode->failure;
        notice.value = watch->rate_now;
        notice.limit = rate_before;
        hlr_say(healer, &notice);
}

void hlr_learn(struct healer *healer, const struct hlr_episode *episode, bool helped)
{
        double rate = healer->config.learning.rate;

        if (episode->last_kind == HEALER_ACTION_COUNT)
                return;
        watch_healing(healer, episode, helped);
        if (!healer->config.learning.enabled)
                return;
        move(&healer->effects[episode->failure][episode->last_kind], rate, helped);
        move(&healer->by_context[episode->context][episode->failure][episode->last_kind], rate,
             helped);
}

/* ---- limits */

static double tuned(const struct healer *healer, enum healer_metric metric, double limit)
{
        const struct healer_tuning *tuning = &healer->tuning[metric];

        if (!healer->config.learning.enabled || !healer->config.learning.continuous_improvement ||
            tuning->outcomes < healer->config.learning.min_samples)
                return limit;
        limit *= tuning->factor;
        return healer_metrics[metric].ratio ? fmin(limit, 0.99) : limit;
}

void hlr_limits(struct healer *healer)
{
        const struct healer_threshold *written = healer->config.detection.thresholds;
        int metric;

        for (metric = 0; metric < HEALER_METRIC_COUNT; metric++) {
                healer->limits[metric].warning =
                        tuned(healer, (enum healer_metric)metric, written[metric].warning);
                healer->limits[metric].critical =
                        tuned(healer, (enum healer_metric)metric, written[metric].critical);
        }
        healer->limits_known = true;
}

void hlr_tune(struct healer *healer, enum healer_metric metric, bool false_alarm)
{
        struct healer_tuning *tuning;
        double step = TUNING_STEP, written;

        if (!healer->config.learning.enabled || (unsigned)metric >= HEALER_METRIC_COUNT)
                return;
        tuning = &healer->tuning[metric];
        written = healer->config.detection.thresholds[metric].warning;
        tuning->outcomes++;
        healer->limits_known = false;
        if (false_alarm)
                tuning->factor *= 1 + 2 * step; /* one false one outweighs two real ones */
        else if (tuning->usual_high > 0 &&
                 tuning->factor * (1 - step) * written > HIGH_MARGIN * tuning->usual_high)
                tuning->factor *= 1 - step;
        tuning->factor = fmax(HEALER_TUNING_MIN, fmin(HEALER_TUNING_MAX, tuning->factor));
}

/* ---- looking */

static const struct healer_effect none = {0, 0, 0.5};

struct healer_effect hlr_effect(const struct healer *healer, enum healer_failure failure,
                                enum healer_action_kind action)
{
        if ((unsigned)failure >= HEALER_FAILURE_COUNT || (unsigned)action >= HEALER_ACTION_COUNT)
                return none;
        return healer->effects[failure][action];
}

struct healer_effect hlr_effect_in(const struct healer *healer, enum healer_context context,
                                   enum healer_failure failure, enum healer_action_kind action)
{
        if ((unsigned)context >= HEALER_CONTEXT_COUNT ||
            (unsigned)failure >= HEALER_FAILURE_COUNT || (unsigned)action >= HEALER_ACTION_COUNT)
                return none;
        return healer->by_context[context][failure][action];
}
