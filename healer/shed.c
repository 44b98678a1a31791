/* shed.c - the cut-off class and the accumulator within it.
 *
 * The mix is kept as two tables of counts per class: the half window under way
 * and the one before. Their sum covers between half a window and a whole one,
 * so it never starts from nothing when a half ends.
 *
 * Each call below full capacity works out the cut-off anew from the five
 * counts; that is a dozen additions, cheaper than keeping a cached answer
 * right. The part admitted of the cut-off class is kept exact by an accumulator
 * in 32-bit fixed point: a request passes when adding the part carries over.
 */
#include "healer/shed.h"
#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

struct healer_shed {
        struct healer_shed_config c;
        bool shared;
        int64_t half_ns;
        _Alignas(64) _Atomic int64_t half_ends_at_ns;
        _Atomic uint64_t turning;
        _Atomic uint64_t accumulator;
        _Atomic uint64_t now_seen[HEALER_PRIORITY_CLASSES];
        _Alignas(64) _Atomic uint64_t before_seen[HEALER_PRIORITY_CLASSES];
        _Alignas(64) _Atomic uint64_t admitted[HEALER_PRIORITY_CLASSES];
        _Alignas(64) _Atomic uint64_t refused[HEALER_PRIORITY_CLASSES];
};

struct healer_shed_config healer_shed_config_defaults(void)
{
        return (struct healer_shed_config){
                .size = sizeof(struct healer_shed_config),
                .window_ns = 10 * HLR_SECOND,
        };
}

const char *healer_shed_config_check(const struct healer_shed_config *c)
{
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        if (c->window_ns < HLR_MILLISECOND || c->window_ns > 86400 * HLR_SECOND)
                return "window_ns: must be 1 ms..1 d";
        return NULL;
}

enum healer_err healer_shed_create(const struct healer_shed_config *config, int64_t now_ns,
                                   struct healer_shed **out)
{
        struct healer_shed_config c = healer_shed_config_defaults();
        struct healer_shed *shed;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_shed_config_check(&c))
                return HEALER_E_RANGE;
        shed = hlr_alloc(c.allocator, sizeof(*shed));
        if (!shed)
                return HEALER_E_NOMEM;
        shed->c = c;
        shed->shared = c.threads == HEALER_THREADS_MANY;
        shed->half_ns = c.window_ns / 2;
        hlr_store(&shed->half_ends_at_ns, hlr_add(now_ns, shed->half_ns));
        *out = shed;
        return HEALER_OK;
}

void healer_shed_destroy(struct healer_shed *shed)
{
        if (shed)
                hlr_free(shed->c.allocator, shed);
}

/* The half window is over: what was now is before. Whoever comes first does
 * it; the others go on with what they see. */
static void turn(struct healer_shed *shed, int64_t now_ns)
{
        uint64_t idle = 0;
        int64_t ended;

        if (!hlr_cas(&shed->turning, &idle, 1, shed->shared))
                return;
        ended = hlr_load(&shed->half_ends_at_ns);
        if (now_ns >= ended) {
                bool idle_for_long = hlr_sub(now_ns, ended) >= shed->half_ns;

                for (uint32_t k = 0; k < HEALER_PRIORITY_CLASSES; k++) {
                        hlr_store(&shed->before_seen[k],
                                  idle_for_long ? 0 : hlr_load(&shed->now_seen[k]));
                        hlr_store(&shed->now_seen[k], 0);
                }
                hlr_store_rel(&shed->half_ends_at_ns,
                              hlr_add(idle_for_long ? now_ns : ended, shed->half_ns));
        }
        hlr_store_rel(&shed->turning, 0);
}

/* The part of class `mine` that may pass, 0..1, when capacity is c of all. */
static double part_of_class(const struct healer_shed *shed, uint32_t mine, double c)
{
        double seen[HEALER_PRIORITY_CLASSES];
        double total = 0, above = 0, left;

        for (uint32_t k = 0; k < HEALER_PRIORITY_CLASSES; k++) {
                seen[k] = (double)(hlr_load(&shed->now_seen[k]) + hlr_load(&shed->before_seen[k]));
                total += seen[k];
                if (k > mine)
                        above += seen[k];
        }
        left = c * total - above;
        if (!(left > 0))
                return 0;
        return left >= seen[mine] ? 1 : left / seen[mine];
}

static bool accumulate(struct healer_shed *shed, double part)
{
        uint64_t add = (uint64_t)(part * 4294967296.0 + .5);
        uint64_t old = hlr_fetch_add(&shed->accumulator, add, shed->shared);

        return (old + add) >> 32 != old >> 32;
}

bool healer_shed_admit(struct healer_shed *shed, uint32_t priority, double capacity_ratio,
                       int64_t now_ns)
{
        uint32_t class = (priority > HEALER_PRIORITY_MAX ? HEALER_PRIORITY_MAX : priority) / 100;
        bool pass = true;

        if (HLR_UNLIKELY(now_ns >= hlr_load_acq(&shed->half_ends_at_ns)))
                turn(shed, now_ns);
        hlr_count(&shed->now_seen[class], 1, shed->shared);
        if (capacity_ratio < 1) {
                double part = part_of_class(shed, class, capacity_ratio);

                pass = part >= 1 || (part > 0 && accumulate(shed, part));
        }
        hlr_count(pass ? &shed->admitted[class] : &shed->refused[class], 1, shed->shared);
        return pass;
}

void healer_shed_counts(const struct healer_shed *shed, struct healer_shed_counts *out)
{
        for (uint32_t k = 0; k < HEALER_PRIORITY_CLASSES; k++) {
                out->admitted[k] = hlr_load(&shed->admitted[k]);
                out->shed[k] = hlr_load(&shed->refused[k]);
        }
}
