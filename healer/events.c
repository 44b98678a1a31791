/* events.c - what happened to processes, deployments and configurations.
 *
 * Events are facts, not failures: they say which silence is planned and which
 * is not, and what was changed just before something broke. An exit with code
 * 0, one during a deployment of its service, and one that a command of ours
 * brought about are planned; all others are remembered as crashes.
 *
 * Not here: whether a fact is an alarm (alarms.c) or a cause (diagnosis.c).
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

static void process_started(struct hlr_instance *instance, int64_t at_ns)
{
        hlr_instance_forget(instance);
        instance->process = HLR_UP;
        instance->changed_ns = at_ns;
        instance->started_ns = at_ns;
        instance->silent = false;
        instance->check_failing = false;
        instance->planned = false;
        instance->oom = false;
}

static void process_exited(struct healer *healer, struct hlr_instance *instance,
                           const struct healer_occurrence *event)
{
        const struct hlr_service *service = &healer->services[instance->service];

        instance->process = HLR_EXITED;
        instance->changed_ns = event->at_ns;
        instance->exit_code = event->code;
        instance->oom = event->oom;
        instance->planned = (event->code == 0 && !event->oom) || instance->command != 0 ||
                            (event->at_ns >= instance->command_from_ns &&
                             event->at_ns <= instance->commanded_ns) ||
                            (service->deploying && !event->oom && event->code != 139);
        if (instance->planned)
                return;
        instance->exits_ns[instance->exit_count % HLR_EXITS_MAX] = event->at_ns;
        instance->exit_count++;
        instance->gap_count = 0; /* its heartbeats missed what has now come */
}

/* What happens at a service, for the pattern learner. */
static void tell_sign(struct healer *healer, const struct healer_occurrence *event)
{
        const struct hlr_instance *instance = NULL;
        uint32_t sign;

        if (healer->patterns == NULL)
                return;
        if (event->instance < healer->instance_count)
                instance = &healer->instances[event->instance];
        switch (event->kind) {
        case HEALER_OCCURRED_HEARTBEAT_MISSED:
                sign = HEALER_SIGN_SILENT;
                break;
        case HEALER_OCCURRED_PROCESS_EXITED:
                if (instance == NULL || instance->planned)
                        return;
                sign = event->oom ? HEALER_SIGN_OOM : HEALER_SIGN_EXIT;
                break;
        case HEALER_OCCURRED_HEALTH_CHECK:
                if (event->code != 0)
                        return;
                sign = HEALER_SIGN_CHECK;
                break;
        case HEALER_OCCURRED_DEPLOYMENT_STARTED:
                sign = HEALER_SIGN_DEPLOYMENT;
                break;
        case HEALER_OCCURRED_CONFIG_CHANGED:
                sign = HEALER_SIGN_CONFIG;
                break;
        case HEALER_OCCURRED_ERROR_MESSAGE:
                sign = HEALER_SIGN_MESSAGE + (uint32_t)healer_classify_text(event->text);
                break;
        default:
                return;
        }
        healer_patterns_sign(healer->patterns, event->at_ns,
                             instance != NULL ? instance->service : event->service, sign);
}

#define LATE_NS (60 * HLR_SECOND) /* samples may speak of a time before the event, and come later */

/* The word that it beats again may be lost. Answers that were given long after the last
 * beat, and are heard of at once, are word enough. */
static bool still_answers(const struct healer *healer, const struct hlr_instance *instance,
                          int64_t at_ns)
{
        int64_t twice_ns = hlr_mul(healer->interval_seen_ns, 2);

        return hlr_sub(healer->now_ns, at_ns) <= twice_ns &&
               hlr_sub(at_ns, instance->silent_since_ns) >= hlr_mul(twice_ns, 2);
}

void hlr_sign_of_life(const struct healer *healer, struct hlr_instance *instance, int64_t at_ns)
{
        int64_t from_ns = hlr_sub(at_ns, hlr_add(healer->interval_seen_ns, LATE_NS));

        if (instance->silent && still_answers(healer, instance, at_ns))
                instance->silent = false;
        if ((instance->process == HLR_EXITED || instance->process == HLR_BOOTING) &&
            from_ns >= instance->changed_ns)
                process_started(instance, at_ns);
}

/* Makes room for the instance with this index; false when there may be none. */
static bool make_room(struct healer *healer, uint32_t index)
{
        struct hlr_instance *grown;
        uint32_t room = healer->instance_room;

        if (index < room)
                return true;
        if (index >= healer->instance_max)
                return false;
        while (room <= index)
                room = room * 2 + 8;
        if (room > healer->instance_max)
                room = healer->instance_max;
        grown = hlr_alloc(healer->allocator, hlr_bytes(0, room, sizeof(*grown)));
        if (grown == NULL)
                return false;
        memcpy(grown, healer->instances, healer->instance_count * sizeof(*grown));
        hlr_free(healer->allocator, healer->instances);
        healer->instances = grown;
        healer->instance_room = room;
        return true;
}

static bool instance_added(struct healer *healer, const struct healer_occurrence *event)
{
        struct hlr_instance *instance;

        if (event->instance == HEALER_NONE || event->service >= healer->service_count ||
            !make_room(healer, event->instance))
                return false;
        while (healer->instance_count <= event->instance) {
                instance = &healer->instances[healer->instance_count++];
                memset(instance, 0, sizeof(*instance));
                hlr_instance_forget(instance);
                instance->process = HLR_REMOVED;
                instance->command_from_ns = INT64_MIN;
                instance->commanded_ns = INT64_MIN;
                instance->prevent_after_ns = INT64_MIN;
                instance->load_usual = NAN;
                instance->usual_first[0] = instance->usual_first[1] = NAN;
                instance->started_ns = INT64_MIN;
                instance->sampled_ns = INT64_MIN;
        }
        instance = &healer->instances[event->instance];
        instance->service = event->service;
        instance->process = HLR_BOOTING;
        instance->planned = true;
        instance->changed_ns = event->at_ns;
        hlr_index(healer);
        return true;
}

static uint32_t standing(const struct healer *healer, uint32_t service)
{
        uint32_t i, count = 0;

        for (i = 0; i < healer->instance_count; i++)
                count += healer->instances[i].service == service &&
                         healer->instances[i].process != HLR_REMOVED;
        return count;
}

/* Somebody else makes the service smaller: nothing of ours takes an instance away,
 * and there are fewer than at the start. */
static void note_taken_away(struct healer *healer, const struct hlr_instance *instance,
                            int64_t at_ns)
{
        struct hlr_service *service = &healer->services[instance->service];
        uint32_t count = standing(healer, instance->service);

        if (instance->process == HLR_REMOVED)
                return;
        if (instance->command == 0 && at_ns > instance->commanded_ns && service->scaled <= 0 &&
            count <= service->standing_first)
                service->shrunk_ns = at_ns;
}

static void take_instance_event(struct healer *healer, struct hlr_instance *instance,
                                const struct healer_occurrence *event)
{
        switch (event->kind) {
        case HEALER_OCCURRED_HEARTBEAT_MISSED:
                if (!instance->silent) {
                        instance->silent_since_ns = event->at_ns;
                        if (instance->process == HLR_UP && instance->command == 0)
                                instance->gaps_ns[instance->gap_count++ % HLR_GAPS_MAX] =
                                        event->at_ns;
                }
                instance->silent = true;
                break;
        case HEALER_OCCURRED_HEARTBEAT_BACK:
                instance->silent = false;
                if (instance->process == HLR_BOOTING || instance->process == HLR_EXITED)
                        process_started(instance, event->at_ns);
                break;
        case HEALER_OCCURRED_PROCESS_EXITED:
                process_exited(healer, instance, event);
                break;
        case HEALER_OCCURRED_PROCESS_STARTED:
                process_started(instance, event->at_ns);
                break;
        case HEALER_OCCURRED_HEALTH_CHECK:
                if (event->code == 0 && !instance->check_failing)
                        instance->check_since_ns = event->at_ns;
                instance->check_failing = event->code == 0;
                break;
        case HEALER_OCCURRED_INSTANCE_REMOVED:
                note_taken_away(healer, instance, event->at_ns);
                instance->process = HLR_REMOVED;
                instance->changed_ns = event->at_ns;
                hlr_instance_forget(instance);
                break;
        default:
                break;
        }
}

/* What a process says of those that it asks, outside of what is watched here: no action on
 * the process mends them. */
static void take_message(struct hlr_service *service, const struct healer_occurrence *event)
{
        enum healer_failure failure = healer_classify_text(event->text);

        if (failure != HEALER_FAILURE_API_FAILURE && failure != HEALER_FAILURE_QUOTA_EXCEEDED)
                return;
        service->outside_ns = event->at_ns;
        service->outside = failure;
}

void hlr_take_event(struct healer *healer, const struct healer_occurrence *event)
{
        struct hlr_service *service = NULL;

        if (event->service < healer->service_count)
                service = &healer->services[event->service];
        switch (event->kind) {
        case HEALER_OCCURRED_INSTANCE_ADDED:
                if (!instance_added(healer, event))
                        healer->stats.dropped++;
                return;
        case HEALER_OCCURRED_DEPLOYMENT_STARTED:
                if (service != NULL) {
                        service->deploying = true;
                        service->deploy_started_ns = event->at_ns;
                }
                return;
        case HEALER_OCCURRED_DEPLOYMENT_FINISHED:
                if (service != NULL) {
                        service->deploying = false;
                        service->deploy_ended_ns = event->at_ns;
                }
                return;
        case HEALER_OCCURRED_CONFIG_CHANGED:
                if (service != NULL)
                        service->config_ns = event->at_ns;
                return;
        case HEALER_OCCURRED_ERROR_MESSAGE:
                if (service != NULL)
                        take_message(service, event);
                return;
        default:
                break;
        }
        if (event->instance < healer->instance_count)
                take_instance_event(healer, &healer->instances[event->instance], event);
}

enum healer_err hlr_observe_event(struct healer *healer, const struct healer_occurrence *event)
{
        if ((unsigned)event->kind >= HEALER_OCCURRED_KIND_COUNT)
                return HEALER_E_RANGE;
        healer->told = true;
        hlr_take_event(healer, event);
        tell_sign(healer, event);
        return HEALER_OK;
}
