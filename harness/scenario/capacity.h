/* harness/scenario/capacity.h - what services are offered, and the most they can serve.
 *
 * A fleet that is overloaded without any fault proves nothing about a healer, and its
 * queues grow for the whole run. This says so beforehand, from means alone: the rate of
 * requests that reach a service is that of its loads and, by the calls' means, that of
 * its callers; a worker is taken for its mean own time, and with hold "call" at least
 * for that of the services it waits for. Waiting, retries and faults only add to it, so
 * a service that is warned of is overloaded; one that is not may be all the same.
 *
 * Left out, as no mean is known before the run: recorded load and closed load.
 */
#ifndef CHAOS_SCENARIO_CAPACITY_H
#define CHAOS_SCENARIO_CAPACITY_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/fleet/fleet_spec.h"

struct service_capacity {
        double offered_per_s; /* requests, on average, at the least of each load's profile */
        double held_s;        /* a worker by a request, at least */
        double most_per_s;    /* all workers busy; infinity: its time is 0 */
};

/* One for each service, in their order. The calls must come to an end (what
 * scenario_load() gives does). False when memory is out. */
bool capacity_of(const struct fleet_spec *fleet, struct service_capacity *out);

/* One line for each service that is offered at least what it can serve, beginning with
 * `chaos-run: warning: FILE: `. Gives how many. */
unsigned capacity_warn(const struct fleet_spec *fleet, const char *file, FILE *stream);

#endif
