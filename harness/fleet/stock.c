/* stock.c - what runs out slowly: disk and tokens.
 *
 * A disk is an instance's own and stays over its process: requests write to it
 * when their own work is done, faults fill it by time, and where there is no room
 * a request fails. Tokens are had from outside, so many in each window of time
 * since t = 0, by the service as a whole or by each instance; a request that gets
 * none fails, until the window turns.
 *
 * All of it stands beside the instances, in an array that a fleet without disks
 * and quotas does not have: there the hot path pays one null check.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/fleet/model.h"

/* Tokens used in a window, and in the fullest since somebody looked: a monitor
 * that always looked when a window has just turned would see none in use. */
struct tally {
        int64_t window;
        double used, most_used;
        double shown;
        int64_t shown_at_ns;
};

struct stock {
        double disk_bytes; /* as of disk_at_ns */
        int64_t disk_at_ns;
        struct tally tokens;
};

struct stocks {
        struct stock *instance; /* [capacity] */
        uint32_t capacity;
        struct tally *service; /* [service_count] */
};

static bool has_disk(const struct service *service)
{
        return service->spec->disk.size_bytes > 0;
}

static bool has_quota(const struct service *service)
{
        return service->spec->quota.limit > 0;
}

bool stocks_init(struct fleet *fleet)
{
        bool any = false;

        for (uint32_t i = 0; i < fleet->service_count; i++)
                any = any || fleet->spec->services[i].disk.size_bytes > 0 ||
                      fleet->spec->services[i].quota.limit > 0;
        if (!any)
                return true;
        fleet->stocks = calloc(1, sizeof(*fleet->stocks));
        if (fleet->stocks == NULL)
                return false;
        fleet->stocks->service = ARENA_ARRAY(&fleet->arena, struct tally, fleet->service_count);
        return fleet->stocks->service != NULL;
}

void stocks_release(struct fleet *fleet)
{
        if (fleet->stocks != NULL)
                free(fleet->stocks->instance);
        free(fleet->stocks);
}

bool stock_instance_added(struct fleet *fleet, uint32_t index)
{
        struct stocks *stocks = fleet->stocks;
        const struct service *service = &fleet->services[fleet->instances[index].service];

        if (index >= stocks->capacity) {
                uint32_t capacity = stocks->capacity * 2 > index ? stocks->capacity * 2 : index + 8;
                struct stock *bigger = realloc(stocks->instance, capacity * sizeof(*bigger));

                if (bigger == NULL)
                        return false;
                stocks->instance = bigger;
                stocks->capacity = capacity;
        }
        stocks->instance[index] = (struct stock){
                .disk_bytes = (double)service->spec->disk.used_bytes, .disk_at_ns = fleet->now};
        return true;
}

/* ---- disk */

static double disk_bytes_now(struct fleet *fleet, uint32_t index)
{
        const struct instance *instance = &fleet->instances[index];
        struct stock *stock = &fleet->stocks->instance[index];
        double size = (double)fleet->services[instance->service].spec->disk.size_bytes;

        if (instance_has_effects(fleet, instance) && fleet->now > stock->disk_at_ns)
                stock->disk_bytes += effect_filled_bytes(fleet, instance, stock->disk_at_ns,
                                                         size - stock->disk_bytes);
        stock->disk_at_ns = fleet->now;
        return stock->disk_bytes;
}

void stock_touch(struct fleet *fleet, uint32_t index)
{
        if (fleet->stocks != NULL && has_disk(&fleet->services[fleet->instances[index].service]))
                disk_bytes_now(fleet, index);
}

static bool disk_takes(struct fleet *fleet, uint32_t index, const struct service *service)
{
        double write = (double)service->spec->disk.per_request_bytes;

        if (!has_disk(service) || write <= 0)
                return true;
        if (disk_bytes_now(fleet, index) + write > (double)service->spec->disk.size_bytes)
                return false;
        fleet->stocks->instance[index].disk_bytes += write;
        return true;
}

bool stock_free_disk(struct fleet *fleet, uint32_t index)
{
        const struct service *service = &fleet->services[fleet->instances[index].service];

        if (fleet->stocks == NULL || !has_disk(service))
                return false;
        disk_bytes_now(fleet, index);
        fleet->stocks->instance[index].disk_bytes = (double)service->spec->disk.used_bytes;
        return true;
}

double stock_disk_ratio(struct fleet *fleet, uint32_t index)
{
        const struct service *service = &fleet->services[fleet->instances[index].service];

        if (fleet->stocks == NULL || !has_disk(service))
                return NAN;
        return disk_bytes_now(fleet, index) / (double)service->spec->disk.size_bytes;
}

/* ---- tokens */

static struct tally *tally_of(struct fleet *fleet, uint32_t index)
{
        const struct service *service = &fleet->services[fleet->instances[index].service];
        struct tally *tally = service->spec->quota.per_instance
                                      ? &fleet->stocks->instance[index].tokens
                                      : &fleet->stocks->service[fleet->instances[index].service];
        int64_t length_ns = service->spec->quota.window_ns;
        int64_t window = fleet->now / length_ns - (fleet->now % length_ns < 0);

        if (window != tally->window) {
                tally->window = window;
                if (tally->used > tally->most_used)
                        tally->most_used = tally->used;
                tally->used = 0;
        }
        return tally;
}

/* What is left of the limit under the faults in force, and whether one of them has
 * used it all up. Looking changes nothing: a world that is watched is the same. */
static double limit_now(struct fleet *fleet, uint32_t index, bool *gone)
{
        struct service *service = &fleet->services[fleet->instances[index].service];
        double limit = service->spec->quota.limit;

        *gone = false;
        if (service->effects != NULL)
                limit *= effect_quota_share(fleet, service, gone);
        return limit;
}

static bool tokens_suffice(struct fleet *fleet, uint32_t index, const struct service *service)
{
        struct tally *tally;
        double limit;
        bool gone;

        if (!has_quota(service))
                return true;
        tally = tally_of(fleet, index);
        limit = limit_now(fleet, index, &gone);
        if (gone && tally->used < limit)
                tally->used = limit; /* for the rest of the window */
        if (tally->used + service->spec->quota.cost > limit) {
                effect_quota_refused(&fleet->services[fleet->instances[index].service]);
                return false;
        }
        tally->used += service->spec->quota.cost;
        return true;
}

double stock_token_ratio(struct fleet *fleet, uint32_t index)
{
        const struct service *service = &fleet->services[fleet->instances[index].service];
        struct tally *tally;
        double limit;
        bool gone;

        if (fleet->stocks == NULL || !has_quota(service))
                return NAN;
        tally = tally_of(fleet, index);
        limit = limit_now(fleet, index, &gone);
        if (tally->shown_at_ns != fleet->now || tally->most_used > 0) {
                tally->shown = tally->used > tally->most_used ? tally->used : tally->most_used;
                tally->most_used = 0;
                tally->shown_at_ns = fleet->now;
        }
        return gone || limit <= 0 || tally->shown >= limit ? 1 : tally->shown / limit;
}

bool stock_fails(struct fleet *fleet, uint32_t index)
{
        const struct service *service = &fleet->services[fleet->instances[index].service];

        if (!tokens_suffice(fleet, index, service)) {
                instance_says(fleet, index, "429 quota exceeded");
                return true;
        }
        return !disk_takes(fleet, index, service);
}
