/* call_graph.c - whether one request can make calls without end.
 *
 * With m(i,j) the mean number of calls that a request at i makes to j, the mean
 * numbers of visits that a request at s causes are row s of (I - M)^-1. That
 * is finite, and without negative entries, exactly when the spectral radius of
 * M is below 1, which shows in Gaussian elimination: all pivots of I - M are
 * positive. Without a cycle M is nilpotent and a pass in topological order
 * gives the visits.
 *
 * A thousand services that form one cycle take a second; usually none do.
 */
#include "harness/scenario/loader.h"

#include <math.h>
#include <stdlib.h>

#include "harness/sim/time.h"

/* More calls than this from one request are a mistake, and would take hours. */
#define VISITS_MAX 100000.0
#define PIVOT_MIN 1e-9

static double mean_calls(const struct edge_spec *edge)
{
        return edge->probability * edge->count;
}

/* Callers before callees in `order`; false when there is a cycle. */
static bool topological_order(const struct fleet_spec *fleet, uint32_t *order, uint32_t *callers)
{
        uint32_t done = 0, found = 0;

        for (uint32_t i = 0; i < fleet->edge_count; i++)
                callers[fleet->edges[i].to] += mean_calls(&fleet->edges[i]) > 0;
        for (uint32_t i = 0; i < fleet->service_count; i++)
                if (callers[i] == 0)
                        order[found++] = i;
        while (done < found) {
                const struct service_spec *service = &fleet->services[order[done++]];

                for (uint32_t e = service->edge_first;
                     e < service->edge_first + service->edge_count; e++)
                        if (mean_calls(&fleet->edges[e]) > 0 && --callers[fleet->edges[e].to] == 0)
                                order[found++] = fleet->edges[e].to;
        }
        return found == fleet->service_count;
}

/* The most visits to all services that a request at any one of them causes. */
static double visits_without_cycle(const struct fleet_spec *fleet, const uint32_t *order,
                                   double *visits)
{
        double most = 0;

        for (uint32_t i = fleet->service_count; i-- > 0;) {
                const struct service_spec *service = &fleet->services[order[i]];

                visits[order[i]] = 1;
                for (uint32_t e = service->edge_first;
                     e < service->edge_first + service->edge_count; e++)
                        visits[order[i]] +=
                                mean_calls(&fleet->edges[e]) * visits[fleet->edges[e].to];
                if (visits[order[i]] > most)
                        most = visits[order[i]];
        }
        return most;
}

/* The same by elimination: solves (I - M) v = 1. Infinity when a pivot is not
 * positive. */
static double visits_with_cycle(const struct fleet_spec *fleet, double *a, double *v)
{
        uint32_t n = fleet->service_count;
        double most = 0;

        for (uint32_t i = 0; i < n; i++) {
                a[(size_t)i * n + i] = 1;
                v[i] = 1;
        }
        for (uint32_t e = 0; e < fleet->edge_count; e++)
                a[(size_t)fleet->edges[e].from * n + fleet->edges[e].to] -=
                        mean_calls(&fleet->edges[e]);
        for (uint32_t k = 0; k < n; k++) {
                double pivot = a[(size_t)k * n + k];

                if (!(pivot > PIVOT_MIN))
                        return INFINITY;
                for (uint32_t i = k + 1; i < n; i++) {
                        double factor = a[(size_t)i * n + k] / pivot;

                        if (factor == 0)
                                continue;
                        for (uint32_t j = k; j < n; j++)
                                a[(size_t)i * n + j] -= factor * a[(size_t)k * n + j];
                        v[i] -= factor * v[k];
                }
        }
        for (uint32_t i = n; i-- > 0;) {
                for (uint32_t j = i + 1; j < n; j++)
                        v[i] -= a[(size_t)i * n + j] * v[j];
                v[i] /= a[(size_t)i * n + i];
                if (v[i] > most)
                        most = v[i];
        }
        return most;
}

/* The least that a message there and its answer take, over the zones of both. */
static int64_t way_and_back_ns(const struct fleet_spec *fleet, const struct edge_spec *edge)
{
        const struct service_spec *from = &fleet->services[edge->from];
        const struct service_spec *to = &fleet->services[edge->to];
        int64_t least_ns = fleet->zone_latency_ns;

        for (uint32_t i = 0; i < from->zone_count && i < from->instance_count; i++)
                for (uint32_t k = 0; k < to->zone_count && k < to->instance_count; k++)
                        if (from->zones[i] == to->zones[k] &&
                            fleet->zones[to->zones[k]].latency_ns < least_ns)
                                least_ns = fleet->zones[to->zones[k]].latency_ns;
        return 2 * least_ns;
}

/* A call that has given up before any answer could come is a mistake. */
static void check_timeouts(struct read_context *ctx, const char *services_path,
                           const struct fleet_spec *fleet)
{
        struct arena *arena = ctx->session->arena;

        for (uint32_t i = 0; i < fleet->edge_count; i++) {
                const struct edge_spec *edge = &fleet->edges[i];
                int64_t network_ns = way_and_back_ns(fleet, edge);
                char timeout[QUANTITY_TEXT_SIZE], network[QUANTITY_TEXT_SIZE];
                const char *path;

                if (edge->timeout_ns == TIME_NEVER || edge->timeout_ns > network_ns)
                        continue;
                path = json_path_index(arena, services_path, edge->from);
                path = json_path_index(arena, json_path_key(arena, path, "calls"),
                                       i - fleet->services[edge->from].edge_first);
                read_error(ctx, json_path_key(arena, path, "timeout"),
                           "%s is not longer than the network takes there and back (%s): every call "
                           "would time out",
                           quantity_format_duration(timeout, edge->timeout_ns),
                           quantity_format_duration(network, network_ns));
        }
}

void check_call_graph(struct read_context *ctx, const char *services_path,
                      const struct fleet_spec *fleet)
{
        uint32_t n = fleet->service_count;
        uint32_t *order = calloc(n, sizeof(*order)), *callers = calloc(n, sizeof(*callers));
        double *visits = calloc(n, sizeof(*visits)), *matrix = NULL;
        double most;
        bool acyclic;

        if (order == NULL || callers == NULL || visits == NULL)
                goto done;
        acyclic = topological_order(fleet, order, callers);
        if (!acyclic && (matrix = calloc((size_t)n * n, sizeof(*matrix))) == NULL)
                goto done;
        most = acyclic ? visits_without_cycle(fleet, order, visits)
                       : visits_with_cycle(fleet, matrix, visits);
        check_timeouts(ctx, services_path, fleet);
        if (!acyclic && isinf(most))
                read_error(ctx, services_path,
                           "a cycle of calls that does not come to an end on average");
        else if (most > VISITS_MAX)
                read_error(ctx, services_path,
                           "one request makes %.3g calls on average, above the %.0f allowed", most,
                           VISITS_MAX);
done:
        free(order);
        free(callers);
        free(visits);
        free(matrix);
}
