/* recovery.c - carries a rung out, and never becomes the outage.
 *
 * One command at a time on a resource: an instance has at most one under way,
 * a service at most one of its own. Instances are taken one after the other
 * and never below the quorum. At most max_concurrent commands are under way in
 * all, at most budget_actions in any window, at most restarts_max of them on
 * one instance, and as many restarts of one service. A command that failed is
 * repeated after 2, 4, 8 ... s; one that is late counts as failed but keeps its
 * place until its result comes, for it may still be going on.
 *
 * Also here: taking back what was put in force (degradation, shedding, added
 * instances), one step at a time, once its service has been calm.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define BACKOFF_MAX_S 300
#define LOST_NS (1800 * HLR_SECOND) /* a result that has not come by then never will */
#define SKIPS_MAX 12                /* messages set aside for one episode */
#define SERVES_NOBODY 0.9           /* of its answers are errors */
#define CALM_SCALE 10               /* added instances stay for so many dwells */

uint32_t hlr_commands_open(const struct healer *healer)
{
        uint32_t i, open = 0;

        for (i = 0; i < HLR_COMMANDS_MAX; i++)
                open += healer->commands[i].order.id != 0;
        return open;
}

/* ---- budget */

/* Restarts of a whole service are counted as those of one instance are. */
static bool is_like(const struct hlr_past_command *past, enum healer_action_kind kind,
                    uint32_t service, uint32_t instance)
{
        if (instance != HEALER_NONE)
                return past->instance == instance;
        return kind == HEALER_ACTION_RESTART_SERVICE && past->kind == kind &&
               past->service == service;
}

static bool budget_allows(struct healer *healer, enum healer_action_kind kind, uint32_t service,
                          uint32_t instance)
{
        const struct hlr_past_command *past;
        uint64_t known = healer->history_count < HLR_HISTORY_MAX ? healer->history_count
                                                                  : HLR_HISTORY_MAX;
        uint64_t i;
        uint32_t all = 0, same = 0;

        for (i = 0; i < known; i++) {
                past = &healer->history[(healer->history_count - 1 - i) % HLR_HISTORY_MAX];
                if (hlr_sub(healer->now_ns, past->at_ns) >= healer->config.recovery.budget_window_ns)
                        break;
                if (past->kind == HEALER_ACTION_ESCALATE)
                        continue;
                all++;
                same += is_like(past, kind, service, instance);
        }
        if (all < healer->config.recovery.budget_actions &&
            same < healer->config.recovery.restarts_max)
                return true;
        healer->stats.budget_refusals++;
        return false;
}

static void remember(struct healer *healer, const struct healer_command *order)
{
        struct hlr_past_command *past =
                &healer->history[healer->history_count++ % HLR_HISTORY_MAX];

        past->at_ns = healer->now_ns;
        past->kind = order->kind;
        past->service = order->service;
        past->instance = order->instance;
}

/* ---- one command */

static int64_t usual_time(const struct healer *healer, enum healer_action_kind kind,
                          uint32_t service)
{
        const struct healer_service_info *info = &healer->services[service].info;
        int64_t usual = healer->action_usual_ns[kind];

        if (healer_actions[kind].disruptive)
                usual = hlr_add(usual, hlr_add(info->restart_ns, info->boot_ns));
        if (healer_actions[kind].scope == HEALER_SCOPE_SERVICE && healer_actions[kind].disruptive)
                usual = hlr_mul(usual, 8); /* goes through all instances */
        return usual;
}

bool hlr_command(struct healer *healer, struct hlr_episode *episode, enum healer_action_kind kind,
                 uint32_t instance, double amount)
{
        struct hlr_command *command = NULL;
        uint32_t i;

        for (i = 0; i < HLR_COMMANDS_MAX && command == NULL; i++) {
                if (healer->commands[i].order.id == 0)
                        command = &healer->commands[i];
        }
        if (command == NULL || healer->order_count == HLR_COMMANDS_MAX)
                return false;
        memset(command, 0, sizeof(*command));
        command->order.id = hlr_next_id(healer);
        command->order.kind = kind;
        command->order.service = episode->service;
        command->order.instance = instance;
        command->order.edge = healer_actions[kind].scope == HEALER_SCOPE_EDGE ? episode->edge
                                                                              : HEALER_NONE;
        command->order.amount = amount;
        command->order.episode = episode->id;
        command->order.prediction = episode->prediction;
        command->order.preventive = episode->preventive;
        if (kind == HEALER_ACTION_SET_DEGRADATION)
                hlr_level_describe(healer, &command->order);
        command->issued_ns = healer->now_ns;
        command->due_ns = kind == HEALER_ACTION_ESCALATE
                                  ? HEALER_NEVER
                                  : hlr_add(hlr_add(healer->now_ns,
                                                    usual_time(healer, kind, episode->service)),
                                            healer->config.recovery.timeout_ns);
        if (instance != HEALER_NONE && !healer_actions[kind].shows_only) {
                healer->instances[instance].command = command->order.id;
                healer->instances[instance].command_from_ns = healer->now_ns;
        }
        healer->orders[healer->order_count++] = command->order;
        remember(healer, &command->order);
        healer->stats.orders++;
        episode->commands_open++;
        if (!healer_actions[kind].shows_only && kind != HEALER_ACTION_ESCALATE)
                episode->last_kind = kind;
        if (kind != HEALER_ACTION_ESCALATE)
                hlr_tried(healer, episode, kind);
        hlr_predictions_acted(healer, episode->prediction);
        return true;
}

bool hlr_service_busy(const struct healer *healer, uint32_t service)
{
        uint32_t i;

        for (i = 0; i < HLR_COMMANDS_MAX; i++) {
                if (healer->commands[i].order.id != 0 &&
                    healer->commands[i].order.service == service &&
                    healer->commands[i].order.instance == HEALER_NONE &&
                    healer->commands[i].order.kind != HEALER_ACTION_ESCALATE)
                        return true;
        }
        return false;
}

/* Even the median answer comes later than what the service promises. */
static bool is_too_late(const struct healer *healer, const struct hlr_instance *instance)
{
        int64_t objective_ns = healer->services[instance->service].info.slo_latency_ns;
        double p50_s;

        return instance->monitors[HEALER_METRIC_LATENCY].level > HLR_FINE && objective_ns > 0 &&
               objective_ns < HEALER_NEVER &&
               hlr_track_last(instance, HLR_SIGNAL_LATENCY, &p50_s, 1) == 1 &&
               p50_s > (double)objective_ns / 1e9; /* false for NaN */
}

/* It is silent or answers nobody well: nothing is lost when it is away. */
static bool serves_nobody(const struct healer *healer, uint32_t index)
{
        const struct hlr_instance *instance = &healer->instances[index];
        const struct hlr_monitor *errors = &instance->monitors[HEALER_METRIC_ERROR_RATE];

        if (instance->silent && hlr_sub(healer->now_ns, instance->silent_since_ns) >=
                                        hlr_patience(healer))
                return true;
        if (is_too_late(healer, instance))
                return true;
        return errors->level == HLR_CRITICAL && errors->value >= SERVES_NOBODY;
}

/* Whether one more instance of the service, that one, may be taken away. */
static bool quorum_allows(const struct healer *healer, const struct hlr_episode *episode,
                          uint32_t target)
{
        const struct hlr_instance *instance;
        uint32_t i, standing = 0, serving = 0, away = 0;
        double quorum;

        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->service != episode->service || instance->process == HLR_REMOVED)
                        continue;
                standing++;
                if (instance->process == HLR_UP && instance->command == 0)
                        serving++;
                else
                        away++;
        }
        if (episode->preventive && away > 0)
                return false;
        if (standing <= 1 || (!episode->preventive && serves_nobody(healer, target)))
                return true;
        quorum = fmax(1, fmin(standing - 1, ceil(healer->config.recovery.quorum * standing)));
        return serving - 1.0 >= quorum;
}

static double amount_of(const struct healer *healer, const struct hlr_episode *episode,
                        enum healer_action_kind kind)
{
        const struct hlr_service *service = &healer->services[episode->service];
        uint32_t i, standing = 0;

        for (i = 0; i < healer->instance_count; i++)
                standing += healer->instances[i].service == episode->service &&
                            healer->instances[i].process != HLR_REMOVED;
        if (hlr_written_amount(healer, episode) > 0)
                return hlr_written_amount(healer, episode);
        switch (kind) {
        case HEALER_ACTION_SCALE_RESOURCES:
                return ceil(0.5 * standing);
        case HEALER_ACTION_INCREASE_RESOURCES:
                return 1.25;
        case HEALER_ACTION_ADJUST_TIMEOUT:
                return 1.5;
        case HEALER_ACTION_SHED_LOAD:
                return fmin(0.9, service->shed + 0.3);
        case HEALER_ACTION_SET_DEGRADATION:
                return fmin(hlr_levels_last(healer), service->level + 1);
        default:
                return 0;
        }
}

/* ---- the targets of a rung */

/* Where a new instance cannot start either, the old ones are wanted back: one place
 * is tried before more are given up. */
static bool first_is_awaited(const struct healer *healer, const struct hlr_episode *episode,
                             const struct hlr_target *target)
{
        return episode->acting == HEALER_ACTION_REPLACE_INSTANCE && episode->commands_open > 0 &&
               episode->commands_ok == 0 && target->instance != HEALER_NONE &&
               healer->instances[target->instance].process != HLR_UP;
}

static void all_instances(const struct healer *healer, struct hlr_episode *episode)
{
        uint32_t i;

        for (i = 0; i < healer->instance_count && episode->target_count < HLR_TARGETS_MAX; i++) {
                if (healer->instances[i].service != episode->service ||
                    healer->instances[i].process == HLR_REMOVED)
                        continue;
                memset(&episode->targets[episode->target_count], 0, sizeof(episode->targets[0]));
                episode->targets[episode->target_count++].instance = i;
        }
}

static void aim_at_service(struct hlr_episode *episode)
{
        memset(&episode->targets[0], 0, sizeof(episode->targets[0]));
        episode->targets[0].instance = HEALER_NONE;
        episode->target_count = 1;
}

/* What a target gets next. Traffic that was moved away is only moved for a
 * while, and the capacity is missed: where the ladder goes on with a
 * replacement, the instance is replaced behind the traffic's back. */
static enum healer_action_kind kind_for(const struct healer *healer,
                                        const struct hlr_episode *episode,
                                        const struct hlr_target *target)
{
        (void)healer;
        return target->moved ? HEALER_ACTION_REPLACE_INSTANCE : episode->acting;
}

static bool replacement_follows(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct healer_ladder *ladder =
                &healer->config.recovery.strategies[episode->failure];
        uint32_t i;

        if (episode->acting != HEALER_ACTION_FAILOVER || episode->written ||
            (healer->actions_available & (UINT32_C(1) << HEALER_ACTION_REPLACE_INSTANCE)) == 0)
                return false;
        for (i = episode->rung + 1; i < ladder->count; i++) {
                if (ladder->rungs[i] == HEALER_ACTION_REPLACE_INSTANCE)
                        return true;
        }
        return false;
}

static bool answers_badly(const struct hlr_instance *instance)
{
        return instance->monitors[HEALER_METRIC_LATENCY].level > HLR_FINE ||
               instance->monitors[HEALER_METRIC_ERROR_RATE].level > HLR_FINE ||
               instance->monitors[HEALER_METRIC_NETWORK].level > HLR_FINE;
}

/* The platform mended it meanwhile, or it is gone. A new process that is bad
 * again was not mended: what is wrong lives elsewhere. */
static bool needless(const struct healer *healer, const struct hlr_episode *episode,
                     const struct hlr_target *target)
{
        const struct hlr_instance *instance;

        if (target->instance == HEALER_NONE)
                return false;
        instance = &healer->instances[target->instance];
        return instance->process == HLR_REMOVED ||
               (target->attempts == 0 && !target->moved && !episode->dies_again &&
                instance->process == HLR_UP &&
                instance->started_ns > episode->opened_ns && !answers_badly(instance) &&
                !episode->preventive);
}

/* The replacement is there before the old one goes, and nothing is missed meanwhile; but
 * too many that are new at once are cold at once. */
static bool half_is_busy(const struct healer *healer, uint32_t service)
{
        uint32_t i, standing = 0, busy = 0;

        for (i = 0; i < healer->instance_count; i++) {
                if (healer->instances[i].service != service ||
                    healer->instances[i].process == HLR_REMOVED ||
                    healer->instances[i].process == HLR_BOOTING)
                        continue;
                standing++;
                busy += healer->instances[i].command != 0;
        }
        return 2 * busy >= standing;
}

static bool in_the_way(const struct healer *healer, const struct hlr_episode *episode,
                       const struct hlr_target *target)
{
        if (hlr_service_busy(healer, episode->service))
                return true;
        if (target->instance == HEALER_NONE)
                return false;
        if (healer->instances[target->instance].command != 0)
                return true;
        if (episode->preventive && episode->acting == HEALER_ACTION_REPLACE_INSTANCE)
                return half_is_busy(healer, episode->service);
        return healer_actions[episode->acting].disruptive && !target->moved &&
               healer->instances[target->instance].process == HLR_UP &&
               !quorum_allows(healer, episode, target->instance);
}

/* What it left in force may as well be gone, if nobody is better off with it. */
static void undo_if_useless(struct healer *healer, const struct hlr_episode *episode)
{
        struct hlr_service *service = &healer->services[episode->service];

        if (episode->acting != HEALER_ACTION_SET_DEGRADATION &&
            episode->acting != HEALER_ACTION_SHED_LOAD &&
            episode->acting != HEALER_ACTION_SCALE_RESOURCES)
                return;
        if (!hlr_harm_less(episode->before, hlr_harm_since(healer, episode)))
                service->undo = true;
}

struct hlr_harm hlr_harm_since(struct healer *healer, const struct hlr_episode *episode)
{
        return hlr_harm_of(healer, episode->service,
                           hlr_add(episode->state_ns, healer->interval_seen_ns - 1),
                           healer->now_ns);
}

/* Stopping who works against us mends nothing: what he did is still to be undone.
 * Nor does a message set aside start those that died of it. */
static bool only_prepares(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct healer_ladder *ladder =
                &healer->config.recovery.strategies[episode->failure];

        if (episode->written || episode->rung + 1 >= ladder->count)
                return false;
        if (episode->acting == HEALER_ACTION_SKIP_MESSAGE)
                return ladder->rungs[episode->rung + 1] == HEALER_ACTION_RESTART_INSTANCE;
        return episode->acting == HEALER_ACTION_STOP_CONTROLLER &&
               ladder->rungs[episode->rung + 1] != HEALER_ACTION_ESCALATE;
}

/* A consumer that was started anew without the message that it died of, and has died
 * again, has met the next one like it: once more, some times. */
static bool poisoned_again(const struct healer *healer, struct hlr_episode *episode)
{
        const struct healer_ladder *ladder =
                &healer->config.recovery.strategies[episode->failure];

        if (episode->acting != HEALER_ACTION_RESTART_INSTANCE || episode->written ||
            episode->rung == 0 || ladder->rungs[episode->rung - 1] != HEALER_ACTION_SKIP_MESSAGE ||
            episode->last_skip_ns == INT64_MIN || episode->skips >= SKIPS_MAX)
                return false;
        episode->rung--;
        return true;
}

static void in_vain(struct healer *healer, const struct hlr_episode *episode,
                    enum healer_action_kind kind)
{
        struct hlr_service *service = &healer->services[episode->service];

        service->useless[kind].at_ns = healer->now_ns;
        service->useless[kind].failure = episode->failure;
}

/* Behind their traffic's back they were replaced. */
static bool some_moved(const struct hlr_episode *episode)
{
        uint32_t i;

        for (i = 0; i < episode->target_count; i++) {
                if (episode->targets[i].moved)
                        return true;
        }
        return false;
}

void hlr_rung_failed(struct healer *healer, struct hlr_episode *episode)
{
        bool renewed = some_moved(episode);

        undo_if_useless(healer, episode);
        episode->target_count = 0;
        if (poisoned_again(healer, episode)) {
                hlr_episode_set(healer, episode, HLR_EPISODE_WATCHING);
                return;
        }
        in_vain(healer, episode, episode->acting);
        if (renewed) {
                in_vain(healer, episode, HEALER_ACTION_RESTART_INSTANCE);
                in_vain(healer, episode, HEALER_ACTION_REPLACE_INSTANCE);
        }
        hlr_learn(healer, episode, false);
        episode->rungs_failed++;
        if (episode->written)
                episode->written_done = true; /* the ladder begins */
        else
                episode->rung++;
        hlr_claim_begin(episode);
        hlr_episode_set(healer, episode, HLR_EPISODE_WATCHING);
        if (episode->preventive)
                episode->closing = true;
        else if (episode->rungs_failed >= healer->config.escalation.threshold)
                hlr_escalate(healer, episode);
}

/* Starts what may be started; false when nothing of the rung is left to do. */
static bool work_on_targets(struct healer *healer, struct hlr_episode *episode)
{
        enum healer_action_kind kind;
        struct hlr_target *target;
        bool left = false;
        uint32_t i;

        for (i = 0; i < episode->target_count; i++) {
                target = &episode->targets[i];
                if (target->done || target->failed)
                        continue;
                if (needless(healer, episode, target)) {
                        target->done = true;
                        continue;
                }
                if (episode->useless && target->attempts == 0 && !target->moved) {
                        target->failed = true;
                        continue;
                }
                left = true;
                if (healer->now_ns < target->not_before_ns ||
                    in_the_way(healer, episode, target) ||
                    first_is_awaited(healer, episode, target) ||
                    hlr_commands_open(healer) >= healer->config.recovery.max_concurrent)
                        continue;
                kind = kind_for(healer, episode, target);
                if (!budget_allows(healer, kind, episode->service, target->instance)) {
                        if (episode->preventive)
                                episode->closing = true;
                        else
                                hlr_escalate(healer, episode);
                        return true;
                }
                if (episode->rung_ns == HEALER_NEVER) {
                        episode->rung_ns = healer->now_ns;
                        episode->before = hlr_harm_before(healer, episode->service);
                }
                if (!hlr_command(healer, episode, kind, target->instance,
                                 amount_of(healer, episode, kind)))
                        continue;
                target->attempts++;
                target->not_before_ns = HEALER_NEVER; /* until its result */
        }
        return left;
}

void hlr_recover(struct healer *healer, struct hlr_episode *episode)
{
        uint32_t i, failed = 0;

        if (episode->rung_ns == HEALER_NEVER && hlr_passes(healer, episode)) {
                hlr_episode_set(healer, episode, HLR_EPISODE_WATCHING);
                return; /* it waited for its turn, and meanwhile it passes */
        }
        if (healer_actions[episode->acting].scope == HEALER_SCOPE_INSTANCE) {
                if (episode->target_count == 0)
                        all_instances(healer, episode);
        } else if (episode->target_count == 0) {
                aim_at_service(episode);
        }
        if (work_on_targets(healer, episode) || episode->commands_open > 0)
                return;
        for (i = 0; i < episode->target_count; i++)
                failed += episode->targets[i].failed;
        if (hlr_written_goes_on(healer, episode)) {
                episode->target_count = 0;
                hlr_episode_set(healer, episode, HLR_EPISODE_WATCHING);
        } else if (only_prepares(healer, episode)) {
                episode->rung++;
                episode->target_count = 0;
                hlr_episode_set(healer, episode, HLR_EPISODE_WATCHING);
        } else if (failed > 0 && failed == episode->target_count) {
                hlr_rung_failed(healer, episode);
        } else {
                hlr_episode_set(healer, episode, HLR_EPISODE_VERIFYING);
        }
}

/* ---- results */

static struct hlr_target *target_of(struct hlr_episode *episode, uint32_t instance)
{
        uint32_t i;

        for (i = 0; i < episode->target_count; i++) {
                if (episode->targets[i].instance == instance)
                        return &episode->targets[i];
        }
        return NULL;
}

static void try_again_later(struct healer *healer, const struct hlr_episode *episode,
                            struct hlr_target *target)
{
        int64_t wait_s;

        /* Where there is nobody to stop, asking again only costs time. */
        if (episode->preventive || only_prepares(healer, episode) ||
            target->attempts > healer->config.recovery.max_retry_attempts) {
                target->failed = true;
                return;
        }
        wait_s = target->attempts < 9 ? INT64_C(1) << target->attempts : BACKOFF_MAX_S;
        if (wait_s > BACKOFF_MAX_S)
                wait_s = BACKOFF_MAX_S;
        target->not_before_ns = hlr_add(healer->now_ns, wait_s * HLR_SECOND);
}

static void keep_in_force(struct healer *healer, const struct healer_command *order)
{
        struct hlr_service *service = &healer->services[order->service];
        struct healer_notice notice;

        switch (order->kind) {
        case HEALER_ACTION_SET_DEGRADATION:
                service->level = (uint32_t)order->amount;
                notice = hlr_notice(HEALER_NOTICE_DEGRADATION);
                notice.service = order->service;
                notice.episode = order->episode;
                notice.value = order->amount;
                hlr_say(healer, &notice);
                break;
        case HEALER_ACTION_SHED_LOAD:
                service->shed = order->amount;
                break;
        case HEALER_ACTION_SCALE_RESOURCES:
                service->scaled += (int32_t)order->amount;
                break;
        default:
                return;
        }
        service->eased_ns = healer->now_ns;
        service->eased_episode = order->episode;
}

static void action_ended(struct healer *healer, const struct hlr_command *command, bool ok)
{
        struct hlr_episode *episode = hlr_episode_find(healer, command->order.episode);
        struct hlr_target *target;

        if (ok)
                keep_in_force(healer, &command->order);
        if (ok && command->order.kind == HEALER_ACTION_ROLLBACK_CONFIG)
                healer->services[command->order.service].rolled_back_ns = healer->now_ns;
        /* What it measured was measured under traffic that it no longer has. */
        if (ok && command->order.kind == HEALER_ACTION_FAILOVER)
                hlr_instance_forget(&healer->instances[command->order.instance]);
        /* What ran out has been given back: a new line begins. */
        if (ok && command->order.instance != HEALER_NONE && command->order.preventive)
                hlr_track_clear(&healer->instances[command->order.instance]);
        if (episode == NULL)
                return;
        if (!command->late)
                episode->commands_open--;
        if (command->order.kind == HEALER_ACTION_ESCALATE)
                return;
        target = target_of(episode, command->order.instance);
        if (!ok) {
                if (target != NULL && !command->late)
                        try_again_later(healer, episode, target);
                return;
        }
        if (target != NULL && command->order.kind == HEALER_ACTION_FAILOVER &&
            replacement_follows(healer, episode)) {
                target->moved = true;
                target->attempts = 0;
                target->not_before_ns = healer->now_ns;
        } else if (target != NULL) {
                target->done = true;
                target->failed = false;
        }
        episode->commands_ok++;
        if (command->order.kind == HEALER_ACTION_SKIP_MESSAGE) {
                episode->skips++;
                episode->last_skip_ns = healer->now_ns;
        }
        if (!healer_actions[command->order.kind].shows_only)
                hlr_claim_done(healer, episode);
}

static void free_instance(struct healer *healer, const struct hlr_command *command)
{
        struct hlr_instance *instance;

        if (command->order.instance == HEALER_NONE ||
            healer_actions[command->order.kind].shows_only)
                return; /* who was only asked was not touched */
        instance = &healer->instances[command->order.instance];
        if (instance->command == command->order.id)
                instance->command = 0;
        instance->commanded_ns = healer->now_ns;
        /* A process that our command ended must still come back in time. */
        if (instance->process == HLR_EXITED)
                instance->changed_ns = healer->now_ns;
}

void hlr_take_result(struct healer *healer, int64_t at_ns, const struct healer_result *result)
{
        struct hlr_command *command = NULL;
        uint32_t i;

        (void)at_ns;
        for (i = 0; i < HLR_COMMANDS_MAX && result->id != 0; i++) {
                if (healer->commands[i].order.id == result->id)
                        command = &healer->commands[i];
        }
        if (command == NULL)
                return; /* known to nobody: late beyond all patience, or twice */
        /* A late one was counted as late: its result comes too late to count. */
        if (!command->late && result->ok)
                healer->stats.orders_ok++;
        else if (!command->late)
                healer->stats.orders_failed++;
        free_instance(healer, command);
        action_ended(healer, command, result->ok);
        command->order.id = 0;
}

enum healer_err hlr_observe_result(struct healer *healer, int64_t at_ns,
                                   const struct healer_result *result)
{
        healer->told = true;
        hlr_take_result(healer, at_ns, result);
        return HEALER_OK;
}

/* Nobody waits for it any more: whoever carries it out had better stop. */
static void say_late(struct healer *healer, const struct hlr_command *command)
{
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_ORDER_LATE);

        notice.id = command->order.id;
        notice.episode = command->order.episode;
        notice.service = command->order.service;
        notice.instance = command->order.instance;
        notice.edge = command->order.edge;
        notice.action = command->order.kind;
        notice.value = (double)hlr_sub(healer->now_ns, command->issued_ns) / 1e9;
        hlr_say(healer, &notice);
}

void hlr_commands_check(struct healer *healer)
{
        struct hlr_command *command;
        struct hlr_episode *episode;
        struct hlr_target *target;
        uint32_t i;

        for (i = 0; i < HLR_COMMANDS_MAX; i++) {
                command = &healer->commands[i];
                if (command->order.id == 0 || command->due_ns == HEALER_NEVER)
                        continue;
                if (!command->late && healer->now_ns >= command->due_ns) {
                        command->late = true;
                        healer->stats.orders_late++;
                        say_late(healer, command);
                        episode = hlr_episode_find(healer, command->order.episode);
                        if (episode != NULL) {
                                episode->commands_open--;
                                target = target_of(episode, command->order.instance);
                                if (target != NULL)
                                        target->failed = true;
                        }
                }
                if (hlr_sub(healer->now_ns, command->due_ns) >= LOST_NS) {
                        free_instance(healer, command);
                        command->order.id = 0;
                }
        }
}

/* ---- taking back */

bool hlr_set_in_force(struct healer *healer, uint32_t service, uint64_t episode,
                      enum healer_action_kind kind, double amount)
{
        struct hlr_episode standin;

        memset(&standin, 0, sizeof(standin));
        standin.id = episode;
        standin.service = service;
        standin.edge = HEALER_NONE;
        if (!hlr_command(healer, &standin, kind, HEALER_NONE, amount))
                return false;
        healer->services[service].eased_ns = healer->now_ns;
        return true;
}

/* A command on a service's own behalf, for the episode that put it in force. */
static bool set_in_force(struct healer *healer, uint32_t index, enum healer_action_kind kind,
                         double amount)
{
        return hlr_set_in_force(healer, index, healer->services[index].eased_episode, kind, amount);
}

/* One step back, after that much calm. */
static void ease(struct healer *healer, uint32_t index, int64_t dwell)
{
        const struct hlr_service *service = &healer->services[index];
        int64_t calm = hlr_sub(healer->now_ns, hlr_max(service->eased_ns, service->sick_ns));

        if (service->shed > 0 && calm >= dwell)
                (void)set_in_force(healer, index, HEALER_ACTION_SHED_LOAD, 0);
        else if (service->level > service->level_usage && calm >= dwell)
                (void)set_in_force(healer, index, HEALER_ACTION_SET_DEGRADATION,
                                   service->level - 1);
        else if (service->scaled > 0 && calm >= hlr_mul(dwell, CALM_SCALE))
                (void)set_in_force(healer, index, HEALER_ACTION_SCALE_RESOURCES,
                                   -service->scaled);
}

/* What is refused on purpose looks like the failure itself, so that its alarm need
 * not end when its cause does. Hence a step back on trial: if harm grows by it, it is
 * taken again, and the next trial waits twice as long. */
static void probe(struct healer *healer, uint32_t index)
{
        struct hlr_service *service = &healer->services[index];
        bool out = false;

        if (hlr_sub(healer->now_ns, service->eased_ns) < service->probe_wait_ns)
                return;
        service->probe_before = hlr_harm_of(
                healer, index, hlr_sub(healer->now_ns, 3 * healer->interval_seen_ns - 1),
                healer->now_ns);
        service->probe_shed = service->shed;
        service->probe_level = service->level;
        if (service->shed > 0)
                out = set_in_force(healer, index, HEALER_ACTION_SHED_LOAD,
                                   service->shed > 0.2 ? service->shed / 2 : 0);
        else if (service->level > service->level_usage)
                out = set_in_force(healer, index, HEALER_ACTION_SET_DEGRADATION,
                                   service->level - 1);
        service->probing = out;
}

static void judge_probe(struct healer *healer, uint32_t index)
{
        struct hlr_service *service = &healer->services[index];
        struct hlr_harm after;

        if (hlr_sub(healer->now_ns, service->eased_ns) < 3 * healer->interval_seen_ns)
                return;
        after = hlr_harm_of(healer, index,
                            hlr_add(service->eased_ns, healer->interval_seen_ns - 1),
                            healer->now_ns);
        service->probing = false;
        if (!hlr_harm_more(service->probe_before, after)) {
                service->probe_wait_ns = healer->config.degradation.dwell_ns;
                return;
        }
        service->probe_wait_ns = hlr_min(hlr_mul(service->probe_wait_ns, 2),
                                         BACKOFF_MAX_S * HLR_SECOND);
        if (service->probe_shed > service->shed)
                (void)set_in_force(healer, index, HEALER_ACTION_SHED_LOAD, service->probe_shed);
        else
                (void)set_in_force(healer, index, HEALER_ACTION_SET_DEGRADATION,
                                   service->probe_level);
}

void hlr_degradation_step(struct healer *healer)
{
        const struct hlr_episode *episode;
        struct hlr_service *service;
        uint32_t i;

        for (i = 0; i < healer->service_count; i++) {
                service = &healer->services[i];
                if (service->level <= service->level_usage && !(service->shed > 0) &&
                    service->scaled <= 0) {
                        service->undo = false;
                        service->probing = false;
                        continue;
                }
                if (hlr_service_busy(healer, i))
                        continue; /* one at a time */
                episode = hlr_episode_of_service(healer, i);
                if (episode != NULL)
                        service->sick_ns = healer->now_ns;
                if (service->undo)
                        ease(healer, i, INT64_MIN);
                else if (service->probing)
                        judge_probe(healer, i);
                else if (episode == NULL)
                        ease(healer, i, healer->config.degradation.dwell_ns);
                else if (episode->state != HLR_EPISODE_ACTING &&
                         episode->state != HLR_EPISODE_VERIFYING)
                        probe(healer, i);
        }
}
