/* operations.c - the on-call human: paged by burn rate or by a healer.
 *
 * In every arm. An entry service that burns its error budget too fast over the
 * long and the short window pages; in runs shorter than the long window the
 * short one alone does. After `human_response` somebody looks, after
 * `human_fix` it is mended where it lives: everything on the service and on
 * what it calls, whatever layer it is in.
 */
#include "harness/fleet/data_layer.h"
#include "harness/fleet/model.h"

enum { REQUESTS_MIN = 20 };

static bool burns(uint64_t good, uint64_t bad, double target, double rate)
{
        uint64_t all = good + bad;

        return all >= REQUESTS_MIN && (double)bad >= rate * (1.0 - target) * (double)all;
}

static void human_fixed(void *user, uint32_t service_index)
{
        struct fleet *fleet = user;
        const bool *reaches = fleet->services[service_index].reaches;

        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct service *service = &fleet->services[i];

                if (!reaches[i])
                        continue;
                effect_reset_service(fleet, i);
                data_mended(fleet, i);
                for (uint32_t m = 0; m < service->member_count; m++) {
                        struct instance *instance = &fleet->instances[service->members[m]];

                        if (instance->state == INSTANCE_HUNG || instance->state == INSTANCE_ZOMBIE ||
                            (instance->state == INSTANCE_DOWN && instance->timer != TIMER_UP))
                                instance_restart(fleet, service->members[m], "restarted by a human");
                        fleet->instances[service->members[m]].leaked_bytes = 0;
                }
        }
        fleet->pagers[service_index].busy = false;
        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_FIXED,
                                               .service = service_index,
                                               .instance = NONE,
                                               .text = "human"});
}

static void human_responds(void *user, uint32_t service_index)
{
        struct fleet *fleet = user;
        struct rng_block block =
                rng_draw(fleet->key, fleet->services[service_index].name_hash, RNG_OPERATIONS,
                         2 * fleet->pagers[service_index].pages + 1);

        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_RESPONDED,
                                               .service = service_index,
                                               .instance = NONE,
                                               .text = "human"});
        fleet_schedule(fleet,
                       fleet->now + dist_sample_ns(&fleet->spec->operations.human_fix,
                                                   rng_u01(block.word[0])),
                       hash_mix(0x464958u, service_index), human_fixed, fleet, service_index);
}

void fleet_page_human(struct fleet *fleet, uint32_t service_index, const char *why)
{
        struct pager *pager = &fleet->pagers[service_index];
        struct rng_block block;

        if (pager->busy)
                return;
        pager->busy = true;
        block = rng_draw(fleet->key, fleet->services[service_index].name_hash, RNG_OPERATIONS,
                         2 * ++pager->pages);
        if (fleet->now >= fleet->measured_from_ns)
                fleet->human_pages++;
        fleet_note(fleet, &(struct fleet_note){.kind = FLEET_NOTE_PAGED,
                                               .service = service_index,
                                               .instance = NONE,
                                               .text = why});
        fleet_schedule(fleet,
                       fleet->now + dist_sample_ns(&fleet->spec->operations.human_response,
                                                   rng_u01(block.word[0])),
                       hash_mix(0x524553u, service_index), human_responds, fleet, service_index);
}

static void slide(const struct objective *objective, int64_t width, uint64_t *good, uint64_t *bad)
{
        const struct second_bucket *last = &objective->bucket[objective->done - 1];

        *good += last->good;
        *bad += last->bad;
        if (objective->done > width) {
                const struct second_bucket *first = &objective->bucket[objective->done - 1 - width];

                *good -= first->good;
                *bad -= first->bad;
        }
}

void operations_second(struct fleet *fleet)
{
        const struct operations_spec *spec = &fleet->spec->operations;
        bool short_run = fleet->options.duration_ns < spec->page_long_ns;

        if (!fleet->options.people)
                return;
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                const struct service *service = &fleet->services[i];
                struct pager *pager = &fleet->pagers[i];
                double target = service->spec->slo.target;

                if (!service->entry || !service->spec->slo.present || service->objective.done == 0)
                        continue;
                slide(&service->objective, spec->page_long_ns / NS_PER_S, &pager->long_good,
                      &pager->long_bad);
                slide(&service->objective, spec->page_short_ns / NS_PER_S, &pager->short_good,
                      &pager->short_bad);
                if (!pager->busy && service->objective.window_is_bad &&
                    burns(pager->short_good, pager->short_bad, target, spec->page_burn_rate) &&
                    (short_run ||
                     burns(pager->long_good, pager->long_bad, target, spec->page_burn_rate)))
                        fleet_page_human(fleet, i, "burn rate");
        }
}

bool operations_init(struct fleet *fleet)
{
        fleet->pagers = ARENA_ARRAY(&fleet->arena, struct pager, fleet->service_count);
        return fleet->pagers != NULL;
}
