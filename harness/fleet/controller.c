/* controller.c - what the platform does by itself, and when that goes wrong.
 *
 * Placing: while it is blocked nothing starts on a service, whoever ordered it.
 *
 * Checks: instance.c ejects by them; here they are made to fail where all is
 * well (readiness), or to kill what is well (liveness, every `failures` periods
 * of a process).
 *
 * Autoscaling: every 15 s the mean of the last 15 samples, one a second, is
 * compared with its target. An instance that does not work yet counts as idle;
 * within a tenth of the target nothing is done; at most as many as there are
 * (four at least) are added at once; the youngest go first. After a change it
 * waits for its cool-down. It does not know who else adds or takes away.
 *
 * A healer can stop it, or the ejecting, for ten minutes; that also ends what
 * lives in the controller.
 */
#include <math.h>

#include "harness/fleet/model.h"

enum { DECIDE_EVERY_S = 15, STOPPED_FOR_S = 600 };

/* ---- placing */

bool controller_may_start(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        return instance->held_down == 0 && fleet->services[instance->service].blocked == 0;
}

/* Somebody tried, and could not. */
void controller_start_refused(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        for (struct effect_link *link = fleet->services[instance->service].effects; link != NULL;
             link = link->next)
                link->effect->touched += link->effect->kind == EFFECT_PLACEMENT;
}

static void block(struct fleet *fleet, uint32_t service_index, struct effect *effect)
{
        struct service *service = &fleet->services[service_index];

        service->blocked++;
        for (uint32_t i = 0; i < service->member_count; i++)
                if (instance_cancel_start(fleet, service->members[i]))
                        effect->touched++;
}

static void unblock(struct fleet *fleet, uint32_t service_index)
{
        struct service *service = &fleet->services[service_index];

        if (--service->blocked > 0)
                return;
        for (uint32_t i = 0; i < service->member_count; i++)
                instance_try_start(fleet, service->members[i]);
}

/* ---- checks */

static void reconsider(struct fleet *fleet, uint32_t service)
{
        for (uint32_t i = 0; i < fleet->services[service].member_count; i++)
                instance_health_consider(fleet, fleet->services[service].members[i]);
}

void controller_ejected(struct fleet *fleet, uint32_t service)
{
        for (struct effect_link *link = fleet->services[service].effects; link != NULL;
             link = link->next)
                link->effect->touched += link->effect->kind == EFFECT_READINESS;
}

static int64_t patience_ns(const struct service *service)
{
        const struct health_check_spec *check = &service->spec->health_check;

        return check->period_ns * check->failures;
}

static void liveness_due(void *user, uint32_t index)
{
        struct fleet *fleet = user;
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];

        if (service->liveness == 0 || instance->state != INSTANCE_UP ||
            fleet->now < instance->up_since_ns + patience_ns(service))
                return;
        for (struct effect_link *link = service->effects; link != NULL; link = link->next)
                link->effect->touched += link->effect->kind == EFFECT_LIVENESS;
        instance_exit(fleet, index, 137, false, "killed by its liveness check");
}

/* The check of each process has a phase of its own. */
static void await_liveness(struct fleet *fleet, uint32_t index)
{
        const struct instance *instance = &fleet->instances[index];
        const struct service *service = &fleet->services[instance->service];
        int64_t period_ns = service->spec->health_check.period_ns;
        uint64_t phase;

        if (period_ns <= 0 || instance->state != INSTANCE_UP)
                return;
        phase = hash_mix(service->name_hash, instance->number) % (uint64_t)period_ns;
        fleet_schedule(fleet, fleet->now + patience_ns(service) + (int64_t)phase,
                       hash_mix(0x4c56u, index), liveness_due, fleet, index);
}

void controller_instance_up(struct fleet *fleet, uint32_t index)
{
        if (fleet->services[fleet->instances[index].service].liveness > 0)
                await_liveness(fleet, index);
}

/* ---- autoscaling */

static double sample(struct fleet *fleet, const struct service *service)
{
        double sum = 0;

        if (service->member_count == 0)
                return 0;
        switch (service->spec->autoscaler.metric) {
        case SCALE_BY_UTILIZATION:
                return service->workers_up == 0 ? 0
                                                : (double)service->busy / service->workers_up *
                                                          service->up / service->member_count;
        case SCALE_BY_QUEUE:
                return (double)service->waiting / service->member_count;
        case SCALE_BY_CPU:
        default:
                for (uint32_t i = 0; i < service->member_count; i++)
                        sum += instance_cpu_ratio(fleet, &fleet->instances[service->members[i]]);
                return sum / service->member_count;
        }
}

static uint32_t wanted(const struct service *service, uint32_t now, double mean)
{
        const struct autoscaler_spec *spec = &service->spec->autoscaler;
        double ratio = mean / spec->target;
        uint32_t most = now < 4 ? now + 4 : 2 * now;
        double want = ceil(now * ratio - 1e-9);

        if (ratio > 0.9 && ratio < 1.1)
                return now;
        if (want > most)
                want = most;
        return want < spec->min ? spec->min : want > spec->max ? spec->max : (uint32_t)want;
}

static struct effect *scaler_fault(const struct service *service)
{
        for (struct effect_link *link = service->effects; link != NULL; link = link->next)
                if (link->effect->kind == EFFECT_SCALER)
                        return link->effect;
        return NULL;
}

static void decide(struct fleet *fleet, uint32_t index, double mean)
{
        struct service *service = &fleet->services[index];
        uint32_t now = service_staying(fleet, index), want = wanted(service, now, mean);
        struct effect *fault = scaler_fault(service);

        if (fleet->now < service->scaler.quiet_until_ns)
                return;
        if (fault != NULL && fault->a == 0) { /* stuck: it would, and does not */
                fault->touched += want != now;
                return;
        }
        if (fault != NULL) { /* shrinks, whatever there is to do */
                want = now > 1 ? now - 1 : now;
                fault->touched += want != now;
        }
        if (want == now)
                return;
        if (want > now)
                service_grow(fleet, index, want - now, "autoscaled");
        else
                service_shrink(fleet, index, now - want, "autoscaled");
        service->scaler.quiet_until_ns = fleet->now + service->spec->autoscaler.cooldown_ns;
}

void controller_second(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct scaler *scaler = &fleet->services[i].scaler;

                if (!fleet->services[i].spec->autoscaler.present ||
                    fleet->now < fleet->services[i].stopped_until_ns)
                        continue;
                scaler->sum += sample(fleet, &fleet->services[i]);
                if (++scaler->samples < DECIDE_EVERY_S)
                        continue;
                decide(fleet, i, scaler->sum / scaler->samples);
                scaler->sum = 0;
                scaler->samples = 0;
        }
}

/* ---- stopped by a healer or a human */

static void checks_again(void *user, uint32_t service)
{
        reconsider(user, service);
}

const char *controller_stop(struct fleet *fleet, uint32_t service)
{
        bool had = effect_reset_service_layers(fleet, service, LAYER_BIT(LAYER_CONTROLLER));

        if (!had && !fleet->services[service].spec->autoscaler.present)
                return "nothing acts on the service by itself";
        fleet->services[service].stopped_until_ns = fleet->now + STOPPED_FOR_S * NS_PER_S;
        return NULL;
}

const char *controller_stop_checks(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];

        if (service->spec->health_check.period_ns <= 0)
                return "the service has no health check";
        effect_reset_service_layers(fleet, index, LAYER_BIT(LAYER_CONTROLLER));
        service->checks_off_until_ns = fleet->now + STOPPED_FOR_S * NS_PER_S;
        for (uint32_t i = 0; i < service->member_count; i++)
                fleet->instances[service->members[i]].ejected = false;
        service_routes_changed(fleet, index);
        fleet_schedule(fleet, service->checks_off_until_ns, hash_mix(0x4843u, service->name_hash),
                       checks_again, fleet, index);
        return NULL;
}

/* ---- effects on a service */

void controller_effect_on(struct fleet *fleet, uint32_t index, struct effect *effect)
{
        struct service *service = &fleet->services[index];

        if (effect->kind == EFFECT_PLACEMENT) {
                block(fleet, index, effect);
        } else if (effect->kind == EFFECT_READINESS) {
                service->unready++;
                reconsider(fleet, index);
        } else if (effect->kind == EFFECT_LIVENESS) {
                service->liveness++;
                for (uint32_t i = 0; i < service->member_count; i++)
                        await_liveness(fleet, service->members[i]);
        }
}

void controller_effect_off(struct fleet *fleet, uint32_t index, const struct effect *effect)
{
        if (effect->kind == EFFECT_PLACEMENT) {
                unblock(fleet, index);
        } else if (effect->kind == EFFECT_READINESS) {
                fleet->services[index].unready--;
                reconsider(fleet, index);
        } else if (effect->kind == EFFECT_LIVENESS) {
                fleet->services[index].liveness--;
        }
}
