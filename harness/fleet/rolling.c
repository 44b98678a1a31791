/* rolling.c - changes that go through a service instance by instance.
 *
 * One at a time: taken out of the balancers, drained, restarted, and only when
 * it is up the next. A benign change waits for room and gives up rather than
 * take a service above its capacity; one that was ordered goes on after a
 * while all the same.
 */
#include "harness/fleet/model.h"

enum { WAIT_FOR_ROOM_S = 10, TRIES_MAX = 12, TRIES_ORDERED = 3 };

static void roll_step(void *user, uint32_t index);

static uint32_t roll_new(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->roll_count; i++)
                if (!fleet->rolls[i].in_use)
                        return i;
        if (fleet->roll_count == fleet->roll_capacity) {
                uint32_t capacity = fleet->roll_capacity * 2 + 4;
                struct roll *bigger = realloc(fleet->rolls, capacity * sizeof(*bigger));

                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return NONE;
                }
                fleet->rolls = bigger;
                fleet->roll_capacity = capacity;
        }
        fleet->rolls[fleet->roll_count].targets = NULL;
        return fleet->roll_count++;
}

static void deployment_note(struct fleet *fleet, uint32_t service, bool finished)
{
        const char *version = fleet->services[service].version;

        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_DEPLOYMENT,
                                               .service = service,
                                               .instance = NONE,
                                               .state = finished,
                                               .text = version});
        fleet_tell(fleet, &(struct fleet_event){.kind = finished ? FLEET_EVENT_DEPLOYMENT_FINISHED
                                                                 : FLEET_EVENT_DEPLOYMENT_STARTED,
                                                .service = service,
                                                .instance = NONE,
                                                .edge = NONE,
                                                .text = version});
}

static void roll_end(struct fleet *fleet, uint32_t index, bool ok, const char *reason)
{
        struct roll *roll = &fleet->rolls[index];
        uint32_t action = roll->action;

        if (roll->deployment)
                deployment_note(fleet, roll->service, true);
        free(roll->targets);
        roll->targets = NULL;
        roll->in_use = false;
        if (action != NONE)
                actuator_finish(fleet, action, ok, reason);
}

static void roll_later(struct fleet *fleet, uint32_t index, int64_t after_ns)
{
        fleet_schedule(fleet, fleet->now + after_ns,
                       hash_mix(fleet->services[fleet->rolls[index].service].name_hash, 0x726f6c6cu),
                       roll_step, fleet, index);
}

static void roll_step(void *user, uint32_t index)
{
        struct fleet *fleet = user;
        struct roll *roll = &fleet->rolls[index];

        if (!roll->in_use || roll->waits_for != NONE)
                return;
        while (roll->at < roll->count &&
               fleet->instances[roll->targets[roll->at]].state == INSTANCE_GONE)
                roll->at++;
        if (roll->at == roll->count) {
                roll_end(fleet, index, true, "");
                return;
        }
        if (!service_can_spare(fleet, roll->service)) {
                uint32_t limit = roll->patient ? TRIES_MAX : TRIES_ORDERED;

                if (roll->tries++ < limit) {
                        roll_later(fleet, index, WAIT_FOR_ROOM_S * NS_PER_S);
                        return;
                }
                if (roll->patient) {
                        roll_end(fleet, index, false, "no room");
                        return;
                }
        }
        roll->tries = 0;
        roll->waits_for = roll->targets[roll->at++];
        instance_drain(fleet, roll->waits_for, false, roll->cause);
}

static bool roll_begin(struct fleet *fleet, struct roll roll)
{
        uint32_t index = roll_new(fleet);

        if (index == NONE) {
                free(roll.targets);
                return false;
        }
        roll.in_use = true;
        roll.waits_for = NONE;
        fleet->rolls[index] = roll;
        if (roll.deployment)
                deployment_note(fleet, roll.service, false);
        roll_later(fleet, index, NS_PER_MS);
        return true;
}

bool roll_service(struct fleet *fleet, uint32_t service_index, const char *version,
                  const char *cause, bool patient, uint32_t action)
{
        struct service *service = &fleet->services[service_index];
        uint32_t *targets;

        for (uint32_t i = 0; i < fleet->roll_count; i++)
                if (fleet->rolls[i].in_use && fleet->rolls[i].service == service_index)
                        return false;
        if (patient && !service_can_spare(fleet, service_index))
                return false;
        targets = malloc((service->member_count + 1) * sizeof(*targets));
        if (targets == NULL) {
                fleet_break(fleet, "out of memory");
                return false;
        }
        for (uint32_t i = 0; i < service->member_count; i++)
                targets[i] = service->members[i];
        if (version != NULL) {
                service->previous_version = service->version;
                service->version = version;
        }
        return roll_begin(fleet, (struct roll){.service = service_index,
                                               .targets = targets,
                                               .count = service->member_count,
                                               .patient = patient,
                                               .deployment = version != NULL,
                                               .action = action,
                                               .cause = cause});
}

bool roll_instance(struct fleet *fleet, uint32_t instance, const char *cause)
{
        uint32_t service = fleet->instances[instance].service;
        uint32_t *targets;

        if (!service_can_spare(fleet, service))
                return false;
        targets = malloc(sizeof(*targets));
        if (targets == NULL) {
                fleet_break(fleet, "out of memory");
                return false;
        }
        targets[0] = instance;
        return roll_begin(fleet, (struct roll){.service = service,
                                               .targets = targets,
                                               .count = 1,
                                               .patient = true,
                                               .action = NONE,
                                               .cause = cause});
}

void roll_instance_up(struct fleet *fleet, uint32_t instance)
{
        for (uint32_t i = 0; i < fleet->roll_count; i++) {
                if (!fleet->rolls[i].in_use || fleet->rolls[i].waits_for != instance)
                        continue;
                fleet->rolls[i].waits_for = NONE;
                roll_later(fleet, i, NS_PER_S);
        }
}

void roll_instance_gone(struct fleet *fleet, uint32_t instance)
{
        roll_instance_up(fleet, instance);
}

void roll_release(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->roll_count; i++)
                free(fleet->rolls[i].targets);
        free(fleet->rolls);
}
