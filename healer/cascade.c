/* cascade.c - see cascade.h.
 *
 * The instant at which a service can have begun to infect others is its own, but not
 * later than that of any of its sick callers: what its monitor saw late, theirs saw.
 * That is carried along the calls until nothing changes (cycles too: it only falls),
 * then the sick are taken in order of (corrected instant, depth, own instant, index).
 */
#include "healer/cascade.h"

#include "healer/hlr_base.h"

#include <string.h>

static void carry(int64_t *began, const struct healer_cascade_edge *edges, uint32_t edge_count,
                  int64_t slack_ns)
{
        uint32_t e, round;
        bool changed = true;

        for (round = 0; changed && round < HEALER_CASCADE_MAX; round++) {
                changed = false;
                for (e = 0; e < edge_count; e++) {
                        int64_t caller = began[edges[e].from], callee = began[edges[e].to];

                        if (caller == HEALER_NEVER || callee == HEALER_NEVER || callee <= caller ||
                            hlr_sub(callee, caller) > slack_ns)
                                continue;
                        began[edges[e].to] = caller;
                        changed = true;
                }
        }
}

/* A callee that began in time to be the reason. */
static bool has_reason(const int64_t *began, uint32_t service,
                       const struct healer_cascade_edge *edges, uint32_t edge_count)
{
        uint32_t e;

        for (e = 0; e < edge_count; e++) {
                if (edges[e].from == service && edges[e].to != service &&
                    began[edges[e].to] != HEALER_NEVER && began[edges[e].to] <= began[service])
                        return true;
        }
        return false;
}

static void measure_depth(const int64_t *began, uint32_t *depth, uint32_t service_count,
                          const struct healer_cascade_edge *edges, uint32_t edge_count)
{
        uint32_t i, e, round;

        for (i = 0; i < service_count; i++)
                depth[i] = began[i] != HEALER_NEVER && has_reason(began, i, edges, edge_count)
                                   ? HEALER_CASCADE_MAX
                                   : 0;
        for (round = 0; round < service_count; round++) {
                for (e = 0; e < edge_count; e++) {
                        uint32_t from = edges[e].from, to = edges[e].to;

                        if (began[from] == HEALER_NEVER || began[to] == HEALER_NEVER ||
                            began[to] > began[from] || depth[to] + 1 >= depth[from])
                                continue;
                        depth[from] = depth[to] + 1;
                }
        }
}

enum healer_err healer_cascade_trace(const int64_t *sick_since_ns, uint32_t service_count,
                                     const struct healer_cascade_edge *edges,
                                     uint32_t edge_count, int64_t slack_ns,
                                     struct healer_cascade *out)
{
        int64_t began[HEALER_CASCADE_MAX];
        uint32_t depth[HEALER_CASCADE_MAX], i, k, e;

        memset(out, 0, sizeof(*out));
        out->origin = UINT32_MAX;
        if (service_count > HEALER_CASCADE_MAX)
                return HEALER_E_RANGE;
        for (e = 0; e < edge_count; e++) {
                if (edges[e].from >= service_count || edges[e].to >= service_count)
                        return HEALER_E_RANGE;
        }
        if (service_count == 0)
                return HEALER_OK;
        memcpy(began, sick_since_ns, service_count * sizeof(*began));
        carry(began, edges, edge_count, slack_ns);
        measure_depth(began, depth, service_count, edges, edge_count);
        for (i = 0; i < service_count; i++) {
                if (began[i] == HEALER_NEVER)
                        continue;
                out->origins += depth[i] == 0;
                for (k = out->count; k > 0; k--) {
                        uint32_t other = out->order[k - 1];

                        if (began[other] < began[i] ||
                            (began[other] == began[i] && depth[other] < depth[i]) ||
                            (began[other] == began[i] && depth[other] == depth[i] &&
                             sick_since_ns[other] <= sick_since_ns[i]))
                                break;
                        out->order[k] = other;
                }
                out->order[k] = i;
                out->count++;
        }
        for (k = 0; k < out->count; k++)
                out->depth[k] = depth[out->order[k]];
        if (out->count > 0)
                out->origin = out->order[0];
        return HEALER_OK;
}
