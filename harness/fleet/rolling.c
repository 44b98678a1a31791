/* rolling.c - changes that go through a service instance by instance.
 *
 * One at a time: taken out of the balancers, drained, restarted, and only when
 * it is up the next. A benign change waits for room and gives up rather than
 * take a service above its capacity; one that was ordered goes on after a
 * while all the same. An instance that cannot start is passed over after a
 * minute, and the roll ends as failed; one that is patient waits for it where the
 * platform will start it in the end.
 */
#include "harness/fleet/model.h"

enum { WAIT_FOR_ROOM_S = 10, TRIES_MAX = 12, TRIES_ORDERED = 3, STUCK_S = 60 };

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

static void deployment_note(struct fleet *fleet, const struct roll *roll, bool finished)
{
        const char *version = roll->version->name;
        uint32_t service = roll->service;

        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_DEPLOYMENT,
                                               .service = service,
                                               .instance = NONE,
                                               .state = finished,
                                               .value = roll->version->defect_count > 0,
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

        if (roll->version != NULL)
                deployment_note(fleet, roll, true);
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
                roll_end(fleet, index, !roll->passed_over, "an instance does not start");
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
        roll->stuck_ns = TIME_NEVER;
        if (roll->version != NULL)
                fleet->instances[roll->waits_for].wanted = roll->version;
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
        if (roll.version != NULL)
                deployment_note(fleet, &roll, false);
        roll_later(fleet, index, NS_PER_MS);
        return true;
}

bool roll_is_on(const struct fleet *fleet, uint32_t service)
{
        for (uint32_t i = 0; i < fleet->roll_count; i++)
                if (fleet->rolls[i].in_use && fleet->rolls[i].service == service)
                        return true;
        return false;
}

bool roll_has_room(struct fleet *fleet, uint32_t service)
{
        return !roll_is_on(fleet, service) && service_can_spare(fleet, service);
}

/* What is under way on a service gives way. */
static void supersede(struct fleet *fleet, uint32_t service)
{
        for (uint32_t i = 0; i < fleet->roll_count; i++)
                if (fleet->rolls[i].in_use && fleet->rolls[i].service == service)
                        roll_end(fleet, i, false, "another deployment came between");
}

static uint32_t *all_members(struct fleet *fleet, const struct service *service)
{
        uint32_t *targets = malloc((service->member_count + 1) * sizeof(*targets));

        if (targets == NULL)
                fleet_break(fleet, "out of memory");
        for (uint32_t i = 0; targets != NULL && i < service->member_count; i++)
                targets[i] = service->members[i];
        return targets;
}

bool roll_service(struct fleet *fleet, uint32_t service_index, const char *cause, uint32_t action)
{
        struct service *service = &fleet->services[service_index];
        uint32_t *targets;

        if (roll_is_on(fleet, service_index))
                return false;
        targets = all_members(fleet, service);
        return targets != NULL && roll_begin(fleet, (struct roll){.service = service_index,
                                                                  .targets = targets,
                                                                  .count = service->member_count,
                                                                  .action = action,
                                                                  .cause = cause});
}

bool roll_deploy(struct fleet *fleet, uint32_t service_index, struct version *version,
                 uint32_t count, const char *cause, bool patient, uint32_t action)
{
        struct service *service = &fleet->services[service_index];
        uint32_t *targets, kept = 0;

        if (patient && !roll_has_room(fleet, service_index))
                return false;
        supersede(fleet, service_index);
        targets = all_members(fleet, service);
        if (targets == NULL)
                return false;
        for (uint32_t i = 0; i < service->member_count && kept < count; i++)
                if (fleet->instances[targets[i]].version != version ||
                    fleet->instances[targets[i]].wanted != version)
                        targets[kept++] = targets[i];
        return roll_begin(fleet, (struct roll){.service = service_index,
                                               .targets = targets,
                                               .count = kept,
                                               .patient = patient,
                                               .version = version,
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

/* Down, and not about to start. A patient roll waits as long as there is hope:
 * the platform starts what its host lets go of. */
static bool is_stuck(const struct fleet *fleet, const struct roll *roll)
{
        const struct instance *instance = &fleet->instances[roll->waits_for];
        bool hope = roll->patient && (instance->state == INSTANCE_BOOTING ||
                                      fleet->services[roll->service].spec->supervisor ==
                                              SUPERVISOR_ALWAYS);

        return (instance->state == INSTANCE_DOWN || instance->state == INSTANCE_BOOTING) &&
               instance->timer != TIMER_UP && !hope;
}

void roll_second(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->roll_count; i++) {
                struct roll *roll = &fleet->rolls[i];

                if (!roll->in_use || roll->waits_for == NONE)
                        continue;
                if (!is_stuck(fleet, roll))
                        roll->stuck_ns = TIME_NEVER;
                else if (roll->stuck_ns == TIME_NEVER)
                        roll->stuck_ns = fleet->now;
                else if (fleet->now - roll->stuck_ns >= STUCK_S * NS_PER_S) {
                        roll->passed_over = true;
                        roll->waits_for = NONE;
                        roll_later(fleet, i, NS_PER_S);
                }
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
