/* decision.c - whether to act on an episode, and by which rung.
 *
 * Graver episodes first, older ones among equals. An action is taken when the
 * cause is certain enough, the platform has had its chance, somebody approved
 * where that is asked for, and there is a rung left that this place can carry
 * out. A ladder whose next rung is a human waits for the deadline of
 * escalation.c when nothing has been tried: breakers and fallbacks may be
 * carrying the users meanwhile, and much passes by itself.
 */
#include "healer/hlr_supervisor.h"

#define SHRUNK_NS (120 * HLR_SECOND)
#define IN_VAIN_NS (600 * HLR_SECOND) /* what did not help is not tried again for so long */

/* Actions on what only some services have. */
#define HLR_NEEDS_KEPT                                                                        \
        (UINT32_C(1) << HEALER_ACTION_RESTORE_STATE | UINT32_C(1) << HEALER_ACTION_CLEAR_CACHE | \
         UINT32_C(1) << HEALER_ACTION_PURGE_QUEUE | UINT32_C(1) << HEALER_ACTION_SKIP_MESSAGE |  \
         UINT32_C(1) << HEALER_ACTION_END_SESSION)

#define OF_USE 0.5
#define CARRY_BUSY_MAX 0.5 /* of the workers, by the median call: the mean is above it */

static bool is_target(const struct hlr_episode *episode, uint32_t instance)
{
        uint32_t i;

        for (i = 0; i < episode->target_count; i++) {
                if (episode->targets[i].instance == instance)
                        return true;
        }
        return false;
}

/* The others can take the traffic of those that are bad: they are enough, and as long
 * as a call takes with them they have workers for it. */
static bool others_can_carry(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct hlr_instance *instance;
        double moved = 0, busy = 0, took = 0;
        uint32_t i, serving = 0, others = 0;

        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->service != episode->service || instance->process != HLR_UP ||
                    instance->command != 0)
                        continue;
                serving++;
                if (is_target(episode, i)) {
                        moved += isnan(instance->quick[HLR_SIGNAL_LOAD])
                                         ? 0
                                         : instance->quick[HLR_SIGNAL_LOAD];
                } else if (!isnan(instance->quick[HLR_SIGNAL_BUSY])) {
                        busy += instance->quick[HLR_SIGNAL_BUSY];
                        took += instance->quick[HLR_SIGNAL_LATENCY];
                        others++;
                }
        }
        if (episode->target_count == 0 || 2 * episode->target_count > serving)
                return false;
        if (others == 0)
                return true; /* nothing is known of them */
        busy += moved * took / others / healer->services[episode->service].info.workers;
        return busy / others <= CARRY_BUSY_MAX;
}

static bool can(const struct healer *healer, enum healer_action_kind kind)
{
        return (healer->actions_available & (UINT32_C(1) << kind)) != 0;
}

/* Somebody of the platform works against us: the configuration came back after we
 * had rolled it back, or instances are taken away from a service that needs them. */
static bool somebody_undoes(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct hlr_service *service = &healer->services[episode->service];
        int64_t window = healer->config.diagnosis.correlation_window_ns;

        if (episode->failure == HEALER_FAILURE_CONFIGURATION_ERROR)
                return service->rolled_back_ns != INT64_MIN && service->config_ns != INT64_MIN &&
                       service->config_ns > service->rolled_back_ns &&
                       hlr_sub(healer->now_ns, service->rolled_back_ns) <= window;
        return service->shrunk_ns != INT64_MIN &&
               hlr_sub(healer->now_ns, service->shrunk_ns) < SHRUNK_NS;
}

/* A ladder that somebody wrote is taken at its word. */
static bool is_built_in(const struct healer *healer, const struct hlr_episode *episode)
{
        return hlr_ladder_is_default(episode->failure,
                                     &healer->config.recovery.strategies[episode->failure]);
}

/* It was tried against this here, and things were no better: in this episode, or
 * lately. */
static bool tried_in_vain(const struct healer *healer, const struct hlr_episode *episode,
                          enum healer_action_kind kind)
{
        const struct hlr_service *service = &healer->services[episode->service];

        return service->useless[kind].at_ns != INT64_MIN &&
               service->useless[kind].failure == episode->failure &&
               (service->useless[kind].at_ns >= episode->opened_ns ||
                healer->config.learning.continuous_improvement) &&
               hlr_sub(healer->now_ns, service->useless[kind].at_ns) < IN_VAIN_NS;
}

bool hlr_possible(const struct healer *healer, const struct hlr_episode *episode,
                  enum healer_action_kind kind)
{
        const struct hlr_service *service = &healer->services[episode->service];
        int64_t window = healer->config.diagnosis.correlation_window_ns;

        if (kind != HEALER_ACTION_ESCALATE && tried_in_vain(healer, episode, kind))
                return false;
        if (!can(healer, kind) ||
            ((UINT32_C(1) << kind & HLR_NEEDS_KEPT) != 0 &&
             (service->info.keeps & (UINT32_C(1) << kind)) == 0))
                return false;
        switch (kind) {
        case HEALER_ACTION_RESTART_INSTANCE:
                /* The platform has done so, and it did not last. */
                return !episode->dies_again || episode->skips > 0 ||
                       !can(healer, HEALER_ACTION_REPLACE_INSTANCE);
        case HEALER_ACTION_END_SESSION:
                return !episode->preventive; /* one that holds what all need is felt at once */
        case HEALER_ACTION_ROLLBACK_DEPLOYMENT:
                return healer->config.recovery.rollback &&
                       service->deploy_started_ns != INT64_MIN &&
                       hlr_sub(episode->opened_ns, service->deploy_started_ns) <= window;
        case HEALER_ACTION_ROLLBACK_CONFIG:
                return healer->config.recovery.rollback && service->config_ns != INT64_MIN &&
                       hlr_sub(episode->opened_ns, service->config_ns) <= window;
        case HEALER_ACTION_RESTORE_STATE:
                return healer->config.recovery.rollback;
        case HEALER_ACTION_SCALE_RESOURCES:
        case HEALER_ACTION_INCREASE_RESOURCES:
                return healer->config.recovery.auto_scaling;
        case HEALER_ACTION_FAILOVER:
                /* While nobody is hurt, a replacement does not need the place at once. */
                return !(episode->preventive && can(healer, HEALER_ACTION_REPLACE_INSTANCE)) &&
                       others_can_carry(healer, episode);
        case HEALER_ACTION_STOP_CONTROLLER:
                return somebody_undoes(healer, episode) || !is_built_in(healer, episode);
        case HEALER_ACTION_DISABLE_HEALTH_CHECK:
                return episode->checks_lie || !is_built_in(healer, episode);
        case HEALER_ACTION_CLEAR_CACHE:
                return episode->cold_cache || !is_built_in(healer, episode);
        case HEALER_ACTION_SHED_LOAD:
                return !episode->preventive; /* that some are refused is what is to be prevented */
        case HEALER_ACTION_SET_DEGRADATION:
                return !episode->preventive && healer->config.degradation.enabled &&
                       service->level < hlr_levels_last(healer);
        default:
                return true;
        }
}

/* What is known of an action here and now: of this context where enough is, else
 * at all. */
static const struct healer_effect *known_effect(const struct healer *healer,
                                                const struct hlr_episode *episode,
                                                enum healer_action_kind kind)
{
        const struct healer_effect *here =
                &healer->by_context[episode->context][episode->failure][kind];

        return here->tried >= healer->config.learning.min_samples
                       ? here
                       : &healer->effects[episode->failure][kind];
}

/* Learned to be of little use against this, while a later rung does better. What helps
 * more often than not keeps its place: later ones meet only what it could not cure. */
static bool worse_than_a_later(const struct healer *healer, const struct hlr_episode *episode,
                               const struct healer_ladder *ladder, uint32_t rung)
{
        const struct healer_effect *mine = known_effect(healer, episode, ladder->rungs[rung]);
        const struct healer_effect *other;
        uint32_t i;

        if (!healer->config.learning.enabled || !healer->config.learning.continuous_improvement ||
            mine->tried < healer->config.learning.min_samples ||
            mine->preference >= OF_USE)
                return false;
        for (i = rung + 1; i < ladder->count; i++) {
                other = known_effect(healer, episode, ladder->rungs[i]);
                if (ladder->rungs[i] != HEALER_ACTION_ESCALATE &&
                    hlr_possible(healer, episode, ladder->rungs[i]) &&
                    other->preference > mine->preference + 0.2)
                        return true;
        }
        return false;
}

enum healer_action_kind hlr_rung(const struct healer *healer, const struct hlr_episode *episode,
                                 uint32_t *rung)
{
        const struct healer_ladder *ladder =
                &healer->config.recovery.strategies[episode->failure];

        for (*rung = episode->rung; *rung < ladder->count; (*rung)++) {
                if (hlr_possible(healer, episode, ladder->rungs[*rung]) &&
                    !worse_than_a_later(healer, episode, ladder, *rung))
                        return ladder->rungs[*rung];
        }
        return HEALER_ACTION_COUNT;
}

static void suggest(struct healer *healer, struct hlr_episode *episode,
                    enum healer_action_kind kind)
{
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_SUGGESTION);

        if (episode->suggested)
                return;
        episode->suggested = true;
        notice.episode = episode->id;
        notice.service = episode->service;
        notice.edge = episode->edge;
        if (episode->target_count > 0)
                notice.instance = episode->targets[0].instance;
        notice.failure = episode->failure;
        notice.severity = episode->severity;
        notice.action = kind;
        notice.confidence = episode->confidence;
        hlr_say(healer, &notice);
}

bool hlr_passes(const struct healer *healer, const struct hlr_episode *episode)
{
        return !episode->preventive && (!hlr_episode_has_alarm(healer, episode) ||
                                        hlr_recovering(healer, episode->service));
}

static void decide_one(struct healer *healer, struct hlr_episode *episode)
{
        enum healer_action_kind kind = HEALER_ACTION_COUNT;
        enum hlr_written written;
        uint32_t rung;

        if (episode->confidence < healer->config.diagnosis.confidence_threshold &&
            !episode->preventive)
                return;
        if (healer->now_ns < episode->not_before_ns)
                return;
        if (hlr_passes(healer, episode))
                return; /* acting now would only disturb */
        written = episode->left_alone ? HLR_WRITTEN_LEAVE
                                      : hlr_written_next(healer, episode, &kind);
        episode->left_alone = written == HLR_WRITTEN_LEAVE;
        episode->written = written == HLR_WRITTEN_STEP;
        if (episode->left_alone)
                return;
        rung = episode->rung;
        if (!episode->written)
                kind = hlr_rung(healer, episode, &rung);
        if (kind == HEALER_ACTION_COUNT) {
                if (healer->config.recovery.strategies[episode->failure].count == 0 &&
                    !episode->without) {
                        episode->without = true;
                        healer->stats.no_strategy++;
                }
                if (episode->rungs_failed > 0 && !episode->failed) {
                        episode->failed = true;
                        healer->stats.failed++;
                        hlr_say_episode(healer, episode, HEALER_NOTICE_EPISODE_FAILED);
                }
                return;
        }
        episode->rung = rung;
        if (kind == HEALER_ACTION_ESCALATE) {
                if (episode->rungs_failed > 0 || episode->written)
                        hlr_escalate(healer, episode);
                return;
        }
        if (!healer->config.auto_heal) {
                suggest(healer, episode, kind);
                return;
        }
        if (((uint32_t)episode->severity >= healer->config.recovery.approval_above ||
             (episode->preventive &&
              healer->config.prediction.preventive == HEALER_PREVENTIVE_QUEUED)) &&
            !episode->approved) {
                suggest(healer, episode, kind);
                episode->approval_until_ns =
                        hlr_add(healer->now_ns, healer->config.recovery.approval_expiry_ns);
                hlr_episode_set(healer, episode, HLR_EPISODE_APPROVAL);
                return;
        }
        episode->acting = kind;
        episode->context = hlr_context_of(healer, episode);
        episode->commands_ok = 0;
        episode->rung_ns = HEALER_NEVER;
        hlr_claim_begin(episode);
        episode->useless = false;
        if (healer_actions[kind].scope != HEALER_SCOPE_INSTANCE)
                episode->target_count = 0; /* the service, not those that show it */
        hlr_episode_set(healer, episode, HLR_EPISODE_ACTING);
}

static void await_approval(struct healer *healer, struct hlr_episode *episode)
{
        if (episode->approved) {
                hlr_episode_set(healer, episode, HLR_EPISODE_WATCHING);
                decide_one(healer, episode);
        } else if (episode->rejected || healer->now_ns >= episode->approval_until_ns) {
                if (episode->preventive)
                        episode->closing = true; /* nobody is hurt yet */
                else
                        hlr_escalate(healer, episode);
        }
}

/* The open episode that comes after (severity, id) in order; NULL: none. */
static struct hlr_episode *next_in_order(struct healer *healer, int severity, uint64_t id)
{
        struct hlr_episode *best = NULL;
        struct hlr_episode *e;
        int i;

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                e = &healer->episodes[i];
                if (e->id == 0 || (int)e->severity > severity ||
                    ((int)e->severity == severity && e->id <= id))
                        continue;
                if (best == NULL || e->severity > best->severity ||
                    (e->severity == best->severity && e->id < best->id))
                        best = e;
        }
        return best;
}

void hlr_decide(struct healer *healer)
{
        struct hlr_episode *episode = next_in_order(healer, HEALER_SEVERITY_COUNT, 0);
        int severity;
        uint64_t id;

        while (episode != NULL) {
                severity = (int)episode->severity;
                id = episode->id;
                if (episode->state == HLR_EPISODE_WATCHING)
                        decide_one(healer, episode);
                else if (episode->state == HLR_EPISODE_APPROVAL)
                        await_approval(healer, episode);
                if (episode->state == HLR_EPISODE_ACTING)
                        hlr_recover(healer, episode);
                episode = next_in_order(healer, severity, id);
        }
}

/* ---- hands on */

enum healer_err hlr_answer(struct healer *healer, uint64_t id, const char *who, bool yes)
{
        struct hlr_episode *episode = hlr_episode_find(healer, id);

        if (who == NULL || who[0] == '\0')
                return HEALER_E_RANGE;
        if (episode == NULL || episode->state != HLR_EPISODE_APPROVAL || episode->approved ||
            episode->rejected)
                return HEALER_E_NOT_FOUND;
        if (yes)
                episode->approved = true;
        else
                episode->rejected = true;
        healer->told = true;
        return HEALER_OK;
}

enum healer_err hlr_register_strategy(struct healer *healer, enum healer_failure failure,
                                      const struct healer_ladder *ladder)
{
        uint32_t i;

        if ((unsigned)failure >= HEALER_FAILURE_COUNT || ladder->count > HEALER_RUNGS_MAX)
                return HEALER_E_RANGE;
        for (i = 0; i < ladder->count; i++) {
                if ((unsigned)ladder->rungs[i] >= HEALER_ACTION_COUNT)
                        return HEALER_E_RANGE;
        }
        healer->config.recovery.strategies[failure] = *ladder;
        return HEALER_OK;
}
