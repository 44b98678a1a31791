/* correlate.c - see correlate.h.
 *
 * Scores are counted in whole tenths and divided once, so that 0.5 made of any parts
 * is 0.5 and not above it. Incidents are a forest over the happenings: each points
 * to an earlier one of its incident or to itself, and of two trees that are joined
 * the one that begins later hangs below the other; so what comes out depends on
 * the order of the array and on nothing else. O(happenings^2 x edges).
 */
#include "healer/correlate.h"

#include "healer/hlr_base.h"

#define NEAR_NS (300 * HLR_SECOND)
#define NEARBY_NS (900 * HLR_SECOND)

static int64_t apart_ns(const struct healer_happening *one, const struct healer_happening *other)
{
        return one->at_ns > other->at_ns ? hlr_sub(one->at_ns, other->at_ns)
                                         : hlr_sub(other->at_ns, one->at_ns);
}

/* Share of the tags of either that both have. */
static double tags_in_common(uint64_t one, uint64_t other)
{
        int both = __builtin_popcountll(one & other), either = __builtin_popcountll(one | other);

        return either == 0 ? 0 : (double)both / either;
}

static bool same_component(const struct healer_happening *one, const struct healer_happening *other)
{
        return one->component == other->component && one->component != UINT32_MAX;
}

double healer_correlation(const struct healer_happening *one, const struct healer_happening *other)
{
        int severities = (int)one->severity - (int)other->severity, tenths = 0;
        int64_t apart = apart_ns(one, other);

        if (apart > HEALER_CORRELATED_FOR_NS)
                return 0;
        if (one->failure == other->failure && one->failure != HEALER_FAILURE_UNKNOWN)
                tenths += 3;
        if (same_component(one, other))
                tenths += 2;
        if (severities >= -1 && severities <= 1)
                tenths += 1;
        if (apart < NEAR_NS)
                tenths += 2;
        else if (apart < NEARBY_NS)
                tenths += 1;
        return (tenths + 2 * tags_in_common(one->tags, other->tags)) / 10;
}

uint32_t healer_related_count(const struct healer_happening *happenings, uint32_t count,
                              uint32_t index)
{
        uint32_t i, related = 0;

        for (i = 0; i < count && index < count; i++)
                related += i != index && healer_correlation(&happenings[i], &happenings[index]) >
                                                 HEALER_RELATED_ABOVE;
        return related;
}

/* ---- incidents */

static bool calls(const struct healer_happening *caller, const struct healer_happening *callee,
                  const struct healer_cascade_edge *edges, uint32_t edge_count)
{
        uint32_t e;

        for (e = 0; e < edge_count; e++) {
                if (edges[e].from == caller->component && edges[e].to == callee->component)
                        return true;
        }
        return false;
}

/* The caller can have it from its callee: it fell ill after it, and soon. */
static bool came_up(const struct healer_happening *caller, const struct healer_happening *callee,
                    int64_t slack_ns)
{
        int64_t later = hlr_sub(caller->at_ns, callee->at_ns);

        return later >= hlr_sub(0, slack_ns) && later < NEAR_NS;
}

static bool joined(const struct healer_happening *one, const struct healer_happening *other,
                   const struct healer_cascade_edge *edges, uint32_t edge_count, int64_t slack_ns)
{
        bool related = healer_correlation(one, other) > HEALER_RELATED_ABOVE;
        bool down, up;

        if (edge_count == 0 || same_component(one, other))
                return related;
        down = calls(one, other, edges, edge_count);
        up = calls(other, one, edges, edge_count);
        return ((down || up) && related) || (down && came_up(one, other, slack_ns)) ||
               (up && came_up(other, one, slack_ns));
}

static uint32_t first_of(const uint32_t *incident, uint32_t index)
{
        while (incident[index] != index)
                index = incident[index];
        return index;
}

uint32_t healer_correlate(const struct healer_happening *happenings, uint32_t count,
                          const struct healer_cascade_edge *edges, uint32_t edge_count,
                          int64_t slack_ns, uint32_t *incident)
{
        uint32_t i, k, mine, theirs, incidents = 0;

        for (i = 0; i < count; i++) {
                incident[i] = i;
                for (k = 0; k < i; k++) {
                        if (!joined(&happenings[i], &happenings[k], edges, edge_count, slack_ns))
                                continue;
                        mine = first_of(incident, i);
                        theirs = first_of(incident, k);
                        incident[mine > theirs ? mine : theirs] = mine > theirs ? theirs : mine;
                }
        }
        for (i = 0; i < count; i++) {
                incident[i] = first_of(incident, i);
                incidents += incident[i] == i;
        }
        return incidents;
}
