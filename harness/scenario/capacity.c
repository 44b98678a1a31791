/* capacity.c - what services are offered, by the means of loads and calls.
 *
 * With a(i) the rate of the loads at i and m(i,j) the mean number of calls that a
 * request at i makes to j, the rates r solve r = a + M'r (the traffic equations of an
 * open network, Jackson 1957). They are iterated: with no cycle that ends after the
 * longest path, with one it converges, since calls without end were refused.
 */
#include "harness/scenario/capacity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/quantity.h"
#include "harness/sim/time.h"

enum { ROUNDS_MAX = 10000 };
#define CLOSE_ENOUGH 1e-9

static double least_of_profile(const struct load_profile *profile)
{
        double least = 1;

        if (profile->shape == SHAPE_RAMP)
                return fmin(profile->from, profile->to);
        if (profile->shape == SHAPE_SURGE)
                return fmin(1, profile->factor);
        for (size_t i = 0; profile->shape == SHAPE_STEPS && i < profile->step_count; i++)
                least = fmin(least, profile->steps[i].factor);
        return least;
}

/* 0 where it is not known beforehand. */
static double mean_rate_per_s(const struct load_spec *load)
{
        double time_s = 0, requests = 0;

        switch (load->process) {
        case LOAD_POISSON:
        case LOAD_CONSTANT:
                return load->rate_per_s * least_of_profile(&load->profile);
        case LOAD_MMPP:
                for (size_t i = 0; i < load->mmpp_count; i++) {
                        double stay_s = (double)load->mmpp_means_ns[i] / NS_PER_S;

                        time_s += stay_s;
                        requests += stay_s * load->mmpp_rates_per_s[i];
                }
                return time_s > 0 ? requests / time_s * least_of_profile(&load->profile) : 0;
        case LOAD_TRACE:
        case LOAD_CLOSED:
                break;
        }
        return 0;
}

/* Of a request at the caller; a cache asks the backend for what it has not got. */
static double mean_calls(const struct fleet_spec *fleet, uint32_t index)
{
        const struct edge_spec *edge = &fleet->edges[index];
        const struct service_spec *from = &fleet->services[edge->from];
        double missed = from->data == DATA_CACHE && from->cache.edge == index
                                ? 1 - from->cache.hit_ratio
                                : 1;

        return edge->probability * edge->count * missed;
}

/* One round of r = a + M'r; gives the greatest change, relative. */
static double offer_once(const struct fleet_spec *fleet, const double *own, const double *before,
                         double *after)
{
        double change = 0;

        memcpy(after, own, fleet->service_count * sizeof(*own));
        for (uint32_t e = 0; e < fleet->edge_count; e++)
                after[fleet->edges[e].to] += mean_calls(fleet, e) * before[fleet->edges[e].from];
        for (uint32_t i = 0; i < fleet->service_count; i++)
                change = fmax(change, fabs(after[i] - before[i]) / fmax(after[i], 1e-300));
        return change;
}

static bool find_offered(const struct fleet_spec *fleet, struct service_capacity *out)
{
        double *rates = calloc(3 * (size_t)fleet->service_count + 1, sizeof(*rates));
        double *own = rates, *now, *next;

        if (rates == NULL)
                return false;
        now = own + fleet->service_count;
        next = now + fleet->service_count;
        for (uint32_t i = 0; i < fleet->load_count; i++)
                own[fleet->loads[i].to] += mean_rate_per_s(&fleet->loads[i]);
        for (uint32_t round = 0;
             round < ROUNDS_MAX && offer_once(fleet, own, now, next) > CLOSE_ENOUGH; round++) {
                double *swap = now;

                now = next;
                next = swap;
        }
        for (uint32_t i = 0; i < fleet->service_count; i++)
                out[i].offered_per_s = next[i];
        free(rates);
        return true;
}

/* The own time of a request at a service, and with hold "call" that of those which it
 * waits for, one call deep: more is true and not needed to find what is hopeless. */
static double held_s(const struct fleet_spec *fleet, const struct service_spec *service)
{
        double own_s = dist_mean_ns(&service->service_time) / NS_PER_S, in_turn_s = 0,
               at_once_s = 0;

        if (service->hold == HOLD_WORK)
                return own_s;
        for (uint32_t e = service->edge_first; e < service->edge_first + service->edge_count; e++) {
                const struct edge_spec *edge = &fleet->edges[e];
                double there_s = dist_mean_ns(&fleet->services[edge->to].service_time) / NS_PER_S;

                /* A caller that gives up does not wait for it; a queue takes it and lets go. */
                if (edge->timeout_ns != TIME_NEVER || fleet->services[edge->to].data == DATA_QUEUE)
                        continue;
                if (edge->mode == CALL_PARALLEL)
                        at_once_s = fmax(at_once_s, fmin(1, mean_calls(fleet, e)) * there_s);
                else
                        in_turn_s += mean_calls(fleet, e) * there_s;
        }
        return own_s + in_turn_s + at_once_s;
}

bool capacity_of(const struct fleet_spec *fleet, struct service_capacity *out)
{
        if (!find_offered(fleet, out))
                return false;
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                const struct service_spec *service = &fleet->services[i];
                double workers = (double)service->instance_count * service->concurrency;
                double own_s = dist_mean_ns(&service->service_time) / NS_PER_S;
                double cores = (double)service->instance_count * service->cpu_cores;

                out[i].held_s = held_s(fleet, service);
                out[i].most_per_s = out[i].held_s > 0 ? workers / out[i].held_s : INFINITY;
                if (own_s > 0 && service->cpu_share > 0)
                        out[i].most_per_s =
                                fmin(out[i].most_per_s, cores / (own_s * service->cpu_share));
        }
        return true;
}

unsigned capacity_warn(const struct fleet_spec *fleet, const char *file, FILE *stream)
{
        struct service_capacity *all = calloc(fleet->service_count, sizeof(*all));
        unsigned warned = 0;

        for (uint32_t i = 0; all != NULL && capacity_of(fleet, all) && i < fleet->service_count;
             i++) {
                const struct service_spec *service = &fleet->services[i];
                char held[QUANTITY_TEXT_SIZE];

                if (all[i].offered_per_s < all[i].most_per_s)
                        continue;
                warned++;
                fprintf(stream,
                        "chaos-run: warning: %s: service '%s' is offered %.6g requests a second "
                        "and "
                        "can serve %.6g at most (instances x workers %u x %u, each held %s a "
                        "request): "
                        "it is overloaded without any fault\n",
                        file, service->name, all[i].offered_per_s, all[i].most_per_s,
                        service->instance_count, service->concurrency,
                        quantity_format_duration(held, (int64_t)(all[i].held_s * NS_PER_S)));
        }
        free(all);
        return warned;
}
