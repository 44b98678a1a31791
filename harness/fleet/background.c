/* background.c - benign life: deployments, restarts, crowds, in every arm.
 *
 * When and where comes from streams of their own. A change that would take a
 * service above its capacity waits, and is given up after two minutes: benign
 * means that no user is hurt. Deployments and configurations are those of
 * version.c: a routine one can be rolled back like any other.
 */
#include "harness/base/detmath.h"
#include "harness/fleet/model.h"

static const char *const kind_names[BACKGROUND_KIND_COUNT] = {
        "good_deployment", "configuration_change", "instance_replacement",
        "batch_job",       "flash_crowd",          "benign_restart",
};

static void background_due(void *user, uint32_t index);

static void schedule_next(struct fleet *fleet, uint32_t line, uint32_t turn)
{
        const struct background_spec *spec = &fleet->spec->background[line];
        struct rng_block block = rng_draw(fleet->key, hash_mix(0x4247u, line), RNG_BACKGROUND, turn);
        double gap_s = -det_log(rng_u01(block.word[0])) / spec->rate_per_s;
        int64_t at_ns;

        if (spec->rate_per_s <= 0 || gap_s > 1e9)
                return;
        at_ns = fleet->now + (int64_t)(gap_s * 1e9);
        if (at_ns < fleet->options.duration_ns)
                fleet_schedule(fleet, at_ns, hash_mix(0x4247u, line), background_due, fleet,
                               line << 20 | (turn & 0xfffffu));
}

static void replacement_up(void *user, uint32_t old)
{
        struct fleet *fleet = user;

        if (fleet->instances[old].state == INSTANCE_UP)
                instance_drain(fleet, old, true, "benign replacement");
}

static void batch_ends(void *user, uint32_t index)
{
        struct fleet *fleet = user;

        instance_cpu_touch(fleet, &fleet->instances[index]);
        fleet->instances[index].batch_load = 0;
}

static void crowd_ends(void *user, uint32_t load)
{
        struct fleet *fleet = user;

        load_crowd(fleet, load, 0);
}

/* One change, on an instance drawn for it. */
static bool change_instance(struct fleet *fleet, const struct background_spec *spec,
                            uint32_t service_index, uint32_t bits)
{
        struct service *service = &fleet->services[service_index];
        uint32_t index = service->members[rng_below(bits, service->member_count)];
        uint32_t fresh;

        if (fleet->instances[index].state != INSTANCE_UP)
                return false;
        switch (spec->kind) {
        case BACKGROUND_BENIGN_RESTART:
                return roll_instance(fleet, index, "benign restart");
        case BACKGROUND_INSTANCE_REPLACEMENT:
                fresh = instance_add(fleet, service_index, fleet->instances[index].zone, true,
                                     "benign replacement");
                if (fresh == NONE)
                        return false;
                fleet->instances[fresh].wanted = fleet->instances[index].wanted;
                fleet_schedule(fleet,
                               fleet->now + service->spec->boot_time_ns + 5 * NS_PER_S,
                               hash_mix(0x524550u, index), replacement_up, fleet, index);
                return true;
        case BACKGROUND_BATCH_JOB:
                if (fleet->instances[index].batch_load > 0)
                        return false;
                instance_cpu_touch(fleet, &fleet->instances[index]);
                fleet->instances[index].batch_load = spec->load * service->cpu_cores;
                fleet_schedule(fleet, fleet->now + spec->for_ns, hash_mix(0x4241u, index), batch_ends,
                               fleet, index);
                return true;
        default:
                return false;
        }
}

static bool change(struct fleet *fleet, const struct background_spec *spec, uint32_t service,
                   uint32_t bits, uint32_t turn)
{
        bool any = false;

        switch (spec->kind) {
        case BACKGROUND_GOOD_DEPLOYMENT:
                return version_release(fleet, service,
                                       arena_printf(&fleet->arena, "v%u", turn + 2));
        case BACKGROUND_CONFIGURATION_CHANGE:
                return config_routine(fleet, service);
        case BACKGROUND_FLASH_CROWD:
                for (uint32_t i = 0; i < fleet->spec->load_count; i++) {
                        if (fleet->spec->loads[i].to != service)
                                continue;
                        load_crowd(fleet, i, spec->factor - 1.0);
                        fleet_schedule(fleet, fleet->now + spec->for_ns, hash_mix(0x4352u, i),
                                       crowd_ends, fleet, i);
                        any = true;
                }
                return any;
        default:
                return change_instance(fleet, spec, service, bits);
        }
}

static void background_due(void *user, uint32_t index)
{
        struct fleet *fleet = user;
        uint32_t line = index >> 20, turn = index & 0xfffffu;
        const struct background_spec *spec = &fleet->spec->background[line];
        struct rng_block block =
                rng_draw(fleet->key, hash_mix(0x424721u, line), RNG_BACKGROUND, turn);
        uint32_t service = spec->service;

        if (service == FLEET_NO_INDEX)
                service = rng_below((uint32_t)block.word[0], fleet->service_count);
        if (change(fleet, spec, service, (uint32_t)(block.word[0] >> 32), turn))
                fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_BACKGROUND,
                                                       .service = service,
                                                       .instance = NONE,
                                                       .text = kind_names[spec->kind]});
        schedule_next(fleet, line, turn + 1);
}

bool background_init(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->spec->background_count; i++)
                schedule_next(fleet, i, 0);
        return true;
}
