/* episodes.c - one sick component is one episode.
 *
 * An alarm belongs to the episode of the service that diagnosis blames for it,
 * and stays with it until it ends, also when the cause has been mended first:
 * what a victim still shows is no new failure. An episode whose cause is not
 * certain yet is looked at anew in every tick, since evidence grows; once an
 * action was taken its service and type are fixed until that rung has failed.
 *
 * Bounded: HLR_EPISODES_MAX open ones; more are counted as dropped, and their
 * alarms find a place as soon as there is one.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define PATIENCE_NS (30 * HLR_SECOND) /* a doubtful diagnosis is said after this */
#define RECALL_NS (86400 * HLR_SECOND)

struct hlr_episode *hlr_episode_find(struct healer *healer, uint64_t id)
{
        int i;

        for (i = 0; id != 0 && i < HLR_EPISODES_MAX; i++) {
                if (healer->episodes[i].id == id)
                        return &healer->episodes[i];
        }
        return NULL;
}

struct hlr_episode *hlr_episode_of_service(struct healer *healer, uint32_t service)
{
        int i;

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                if (healer->episodes[i].id != 0 && healer->episodes[i].service == service)
                        return &healer->episodes[i];
        }
        return NULL;
}

void hlr_episode_set(struct healer *healer, struct hlr_episode *episode,
                     enum hlr_episode_state state)
{
        episode->state = state;
        episode->state_ns = healer->now_ns;
}

bool hlr_episode_has_alarm(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct hlr_edge *edge;
        uint32_t service, i;
        int failure;

        for (service = 0; service < healer->service_count; service++) {
                for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                        if (healer->services[service].alarms[failure].id != 0 &&
                            healer->services[service].alarms[failure].episode == episode->id)
                                return true;
                }
        }
        for (i = 0; i < healer->edge_count; i++) {
                edge = &healer->edges[i];
                if (edge->to == episode->service && edge->kept_off)
                        return true;
        }
        return false;
}

/* ---- diagnosis of an episode */

static void say_causes(struct healer *healer, const struct hlr_episode *episode,
                       const struct hlr_cause *causes, uint32_t count)
{
        struct healer_notice notice;
        uint32_t i;

        for (i = 0; i < count; i++) {
                notice = hlr_notice(HEALER_NOTICE_DIAGNOSIS);
                notice.episode = episode->id;
                notice.service = causes[i].service;
                notice.edge = causes[i].edge;
                if (causes[i].target_count > 0)
                        notice.instance = causes[i].targets[0];
                notice.failure = causes[i].failure;
                notice.severity = episode->severity;
                notice.confidence = causes[i].confidence;
                notice.rank = i + 1;
                hlr_say(healer, &notice);
        }
}

static void add_target(struct hlr_episode *episode, uint32_t instance)
{
        uint32_t i;

        for (i = 0; i < episode->target_count; i++) {
                if (episode->targets[i].instance == instance)
                        return;
        }
        if (episode->target_count == HLR_TARGETS_MAX)
                return;
        memset(&episode->targets[episode->target_count], 0, sizeof(episode->targets[0]));
        episode->targets[episode->target_count++].instance = instance;
}

/* While a rung is under way: others that have it too. One that was renewed since
 * and has it again says that this rung is no cure: what is wrong lives elsewhere. */
static void more_of_the_same(const struct healer *healer, struct hlr_episode *episode,
                             const struct hlr_cause *cause)
{
        const struct hlr_instance *instance;
        uint32_t i;

        if (healer_actions[episode->acting].scope != HEALER_SCOPE_INSTANCE)
                return;
        for (i = 0; i < cause->target_count; i++) {
                instance = &healer->instances[cause->targets[i]];
                /* A report that still stands is no news of the time since. */
                if (!cause->reported && healer_actions[episode->acting].disruptive &&
                    instance->command == 0 &&
                    episode->rung_ns != HEALER_NEVER && instance->started_ns > episode->rung_ns)
                        episode->useless = true;
                else
                        add_target(episode, cause->targets[i]);
        }
}

static void adopt(struct hlr_episode *episode, const struct hlr_cause *cause)
{
        uint32_t i;

        if (episode->failure != cause->failure)
                episode->rung = 0;
        episode->failure = cause->failure;
        episode->service = cause->service;
        episode->edge = cause->edge;
        episode->confidence = cause->confidence;
        episode->not_before_ns = cause->not_before_ns;
        episode->checks_lie = cause->checks_lie;
        episode->cold_cache = cause->cold_cache;
        episode->dies_again = cause->dies_again;
        episode->target_count = 0;
        for (i = 0; i < cause->target_count; i++)
                add_target(episode, cause->targets[i]);
}

/* A failure that was mended here twice within a day begins where that ended,
 * one rung further up, unless that rung is a human. */
static void recall(const struct healer *healer, struct hlr_episode *episode)
{
        const struct hlr_recall *past;
        const struct healer_ladder *ladder;
        uint32_t known = healer->recall_count < HLR_RECALL_MAX ? (uint32_t)healer->recall_count
                                                                : HLR_RECALL_MAX;
        uint32_t i, times = 0, rung = 0;

        if (!healer->config.detection.patterns)
                return;
        for (i = 0; i < known; i++) {
                past = &healer->recalls[i];
                if (past->service != episode->service || past->failure != episode->failure ||
                    healer->now_ns - past->closed_ns > RECALL_NS)
                        continue;
                times++;
                if (past->rung > rung)
                        rung = past->rung;
        }
        ladder = &healer->config.recovery.strategies[episode->failure];
        if (times >= 2 && rung + 1 < ladder->count &&
            ladder->rungs[rung + 1] != HEALER_ACTION_ESCALATE)
                episode->rung = rung + 1;
}

struct hlr_episode *hlr_episode_open(struct healer *healer, const struct hlr_cause *cause,
                                     enum healer_severity severity, bool preventive)
{
        struct hlr_episode *episode = NULL;
        int i;

        for (i = 0; i < HLR_EPISODES_MAX && episode == NULL; i++) {
                if (healer->episodes[i].id == 0)
                        episode = &healer->episodes[i];
        }
        if (episode == NULL) {
                healer->stats.dropped++;
                return NULL;
        }
        memset(episode, 0, sizeof(*episode));
        episode->id = hlr_next_id(healer);
        episode->opened_ns = healer->now_ns;
        episode->severity = severity;
        episode->preventive = preventive;
        episode->last_kind = HEALER_ACTION_COUNT;
        episode->acted_ns = HEALER_NEVER;
        episode->rung_ns = HEALER_NEVER;
        episode->hurt_ns = healer->now_ns;
        hlr_claim_begin(episode);
        episode->last_skip_ns = INT64_MIN;
        episode->alarmed = HEALER_METRIC_COUNT;
        episode->foreseen = HEALER_METRIC_COUNT;
        episode->foreseen_value = NAN;
        episode->well_since_ns = HEALER_NEVER;
        episode->quiet_since_ns = HEALER_NEVER;
        adopt(episode, cause);
        recall(healer, episode);
        hlr_episode_set(healer, episode, HLR_EPISODE_WATCHING);
        healer->stats.episodes++;
        healer->stats.episodes_open++;
        hlr_say_episode(healer, episode, HEALER_NOTICE_EPISODE_OPENED);
        return episode;
}

void hlr_episode_close(struct healer *healer, struct hlr_episode *episode)
{
        struct hlr_recall *past;
        struct hlr_alarm *alarm;
        uint32_t service;
        int failure;

        if (episode->claimed && !episode->preventive) {
                past = &healer->recalls[healer->recall_count++ % HLR_RECALL_MAX];
                past->closed_ns = healer->now_ns;
                past->service = episode->service;
                past->failure = episode->failure;
                past->rung = episode->rung;
        }
        hlr_account(healer, episode);
        hlr_say_episode(healer, episode, HEALER_NOTICE_EPISODE_CLOSED);
        for (service = 0; service < healer->service_count; service++) {
                for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                        alarm = &healer->services[service].alarms[failure];
                        if (alarm->episode == episode->id)
                                alarm->episode = 0;
                }
        }
        healer->stats.episodes_open--;
        episode->id = 0;
        episode->state = HLR_EPISODE_FREE;
}

/* ---- each tick */

static bool has_alarm(const struct hlr_service *service, bool unattached_only)
{
        int failure;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                if (service->alarms[failure].id != 0 &&
                    (!unattached_only || service->alarms[failure].episode == 0))
                        return true;
        }
        return false;
}

static void attach(struct healer *healer, uint32_t service, struct hlr_episode *episode)
{
        struct hlr_service *s = &healer->services[service];
        struct hlr_alarm *alarm;
        enum healer_severity severity;
        int failure;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                alarm = &s->alarms[failure];
                if (alarm->id == 0 || alarm->episode != 0)
                        continue;
                alarm->episode = episode->id;
                if (episode->alarmed == HEALER_METRIC_COUNT)
                        episode->alarmed = alarm->metric;
                severity = hlr_severity(healer, alarm, s);
                if (severity > episode->severity)
                        episode->severity = severity;
        }
}

static void explain(struct healer *healer, uint32_t service)
{
        struct hlr_cause causes[HLR_CAUSES_MAX];
        struct hlr_episode *episode;
        uint32_t count = hlr_diagnose(healer, service, causes);

        if (count == 0)
                return;
        episode = hlr_episode_of_service(healer, causes[0].service);
        if (episode == NULL) {
                episode = hlr_episode_open(healer, &causes[0], HEALER_SEVERITY_LOW, false);
                if (episode == NULL)
                        return;
                if (causes[0].confidence >= healer->config.diagnosis.confidence_threshold)
                        say_causes(healer, episode, causes, count);
                else
                        episode->confidence = 0; /* said once it is certain, or lasts */
        } else if (episode->preventive) {
                episode->preventive = false; /* it came before it could be prevented */
        }
        attach(healer, service, episode);
}

/* The service whose alarms speak for the episode: its own if it has any. */
static uint32_t speaker(const struct healer *healer, const struct hlr_episode *episode)
{
        uint32_t service;
        int failure;

        if (has_alarm(&healer->services[episode->service], false))
                return episode->service;
        for (service = 0; service < healer->service_count; service++) {
                for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                        if (healer->services[service].alarms[failure].id != 0 &&
                            healer->services[service].alarms[failure].episode == episode->id)
                                return service;
                }
        }
        return HEALER_NONE;
}

static void look_again(struct healer *healer, struct hlr_episode *episode)
{
        struct hlr_cause causes[HLR_CAUSES_MAX];
        struct hlr_episode *other;
        uint32_t service = speaker(healer, episode);
        uint32_t i, count;
        double threshold = healer->config.diagnosis.confidence_threshold;
        bool news;

        if (service == HEALER_NONE)
                return;
        if (service == episode->service)
                episode->quiet_since_ns = HEALER_NEVER;
        else if (episode->quiet_since_ns == HEALER_NEVER)
                episode->quiet_since_ns = healer->now_ns;
        /* What victims still show when the culprit is quiet passes by itself,
         * mostly; only if it lasts is it a failure of its own. */
        if (service != episode->service && episode->confidence >= threshold &&
            healer->now_ns - episode->quiet_since_ns < healer->config.recovery.verify_timeout_ns)
                return;
        count = hlr_diagnose(healer, service, causes);
        if (count == 0)
                return;
        if (episode->state != HLR_EPISODE_WATCHING) {
                if (causes[0].service == episode->service &&
                    causes[0].failure == episode->failure)
                        more_of_the_same(healer, episode, &causes[0]);
                return;
        }
        other = causes[0].service == episode->service
                        ? episode
                        : hlr_episode_of_service(healer, causes[0].service);
        if (other != NULL && other != episode) {
                for (i = 0; i < HEALER_FAILURE_COUNT; i++) {
                        if (healer->services[service].alarms[i].episode == episode->id)
                                healer->services[service].alarms[i].episode = other->id;
                }
                return;
        }
        news = causes[0].service != episode->service || causes[0].failure != episode->failure ||
               (causes[0].confidence >= threshold && episode->confidence < threshold);
        if (causes[0].confidence < threshold) {
                news = episode->confidence == 0 &&
                       healer->now_ns - episode->opened_ns >= PATIENCE_NS;
                if (!news)
                        causes[0].confidence = fmin(causes[0].confidence, episode->confidence);
        }
        if (episode->rungs_failed > 0 && causes[0].failure == episode->failure) {
                uint32_t rung = episode->rung;

                adopt(episode, &causes[0]);
                episode->rung = rung;
        } else {
                adopt(episode, &causes[0]);
        }
        if (news)
                say_causes(healer, episode, causes, count);
}

void hlr_episodes_update(struct healer *healer)
{
        uint32_t service;
        int i;

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                if (healer->episodes[i].id != 0 && !healer->episodes[i].preventive &&
                    healer->episodes[i].state != HLR_EPISODE_ESCALATED)
                        look_again(healer, &healer->episodes[i]);
        }
        for (service = 0; service < healer->service_count; service++) {
                if (has_alarm(&healer->services[service], true))
                        explain(healer, service);
        }
}

enum healer_err hlr_close_episode(struct healer *healer, uint64_t id)
{
        struct hlr_episode *episode = hlr_episode_find(healer, id);

        if (episode == NULL)
                return HEALER_E_NOT_FOUND;
        hlr_reports_close(healer, episode);
        episode->closing = true;
        healer->told = true;
        return HEALER_OK;
}
