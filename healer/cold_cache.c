/* cold_cache.c - a cache that spares its backend nothing any more.
 *
 * Whoever keeps a cache asks its backend a small and steady part of what it is asked
 * itself. When that part grows many times over though nothing else changed, the cache has
 * lost what it held: the backend is late because of it, and neither more instances of
 * the backend nor a new process there is the cure.
 *
 * For each edge the calls a sample are followed twice, quickly and very slowly. What comes
 * in to the caller and what goes out from it are compared with their own usual amounts, so
 * that more users, a longer interval or retries on the way in change nothing.
 *
 * A process that began just now is cold by nature and warms by itself.
 *
 * O(1) a sample; a question costs O(edges to the service x edges to its caller).
 */
#include "healer/hlr_supervisor.h"

#define QUICK_RATE 0.7
#define USUAL_RATE 0.005
#define SAMPLES_MIN 6      /* before the usual is known */
#define TIMES_MORE 3.0     /* of its usual part: more than retries make of it */
#define UNEXPLAINED 1.5    /* times what new processes make of it */
#define WARMS_NS (30 * HLR_SECOND)

void hlr_calls_add(struct hlr_edge *edge, double calls)
{
        if (edge->calls_seen == 0) {
                edge->calls_quick = calls;
                edge->calls_usual = calls;
        }
        edge->calls_seen += edge->calls_seen < SAMPLES_MIN;
        edge->calls_quick += QUICK_RATE * (calls - edge->calls_quick);
        edge->calls_usual += USUAL_RATE * (calls - edge->calls_usual);
}

static bool keeps_cache(const struct healer *healer, uint32_t service)
{
        return (healer->services[service].info.keeps &
                UINT32_C(1) << HEALER_ACTION_CLEAR_CACHE) != 0;
}

struct calls {
        double quick, usual;
};

/* What comes in to the service, from all who are known. */
static struct calls calls_in(const struct healer *healer, uint32_t service)
{
        struct calls in = {0, 0};
        uint32_t i;

        for (i = healer->services[service].first_edge; i != HEALER_NONE;
             i = healer->edges[i].next_to) {
                if (healer->edges[i].calls_seen < SAMPLES_MIN)
                        continue;
                in.quick += healer->edges[i].calls_quick;
                in.usual += healer->edges[i].calls_usual;
        }
        return in;
}

/* The share of its processes that began just now. */
static double new_share(const struct healer *healer, uint32_t service)
{
        const struct hlr_instance *instance;
        uint32_t i, up = 0, began = 0;

        for (i = healer->services[service].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                if (instance->process != HLR_UP)
                        continue;
                up++;
                began += instance->started_ns != INT64_MIN &&
                         hlr_sub(healer->now_ns, instance->started_ns) < WARMS_NS;
        }
        return up > 0 ? (double)began / up : 1;
}

/* It asks for a part of what it is asked that neither the usual nor its new processes,
 * which ask for everything, explain. */
static bool has_lost(const struct healer *healer, const struct hlr_edge *edge)
{
        struct calls in = calls_in(healer, edge->from);
        double part, usual, began;

        if (!(in.quick > 0) || !(in.usual > 0))
                return false;
        part = edge->calls_quick / in.quick;
        usual = edge->calls_usual / in.usual;
        began = new_share(healer, edge->from);
        return part > TIMES_MORE * usual && part > UNEXPLAINED * (began + (1 - began) * usual);
}

uint32_t hlr_cold_cache(const struct healer *healer, uint32_t service)
{
        const struct hlr_edge *edge;
        uint32_t i;

        for (i = healer->services[service].first_edge; i != HEALER_NONE; i = edge->next_to) {
                edge = &healer->edges[i];
                if (edge->from != HEALER_NONE && keeps_cache(healer, edge->from) &&
                    edge->calls_seen >= SAMPLES_MIN && has_lost(healer, edge))
                        return edge->from;
        }
        return HEALER_NONE;
}
