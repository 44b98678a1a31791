/* error_rate.c - a ring of instants and the two sums over it.
 *
 * What is added to the newest entry is added to the sums; what is a window old
 * is taken off the other end, and off the sums. Both are whole numbers, so the
 * rate is that of the calls and no rounding gathers. An entry is at most
 * 2^32 - 1 calls: one that would grow beyond that is followed by another of the
 * same instant. Cost: 16 bytes an entry.
 */
#include "healer/error_rate.h"
#include "healer/hlr_base.h"

#include <math.h>

struct entry {
        int64_t at_ns;
        uint32_t calls, failed;
};

struct healer_error_rate {
        struct healer_error_rate_config c;
        int64_t now_ns;
        uint64_t calls, failed; /* sums of the ring */
        uint64_t calls_early, steps_back;
        int64_t blurred_until_ns; /* INT64_MIN: nothing ever left early */
        uint32_t first, count;
        struct entry entries[];
};

struct healer_error_rate_config healer_error_rate_config_defaults(void)
{
        return (struct healer_error_rate_config){
                .size = sizeof(struct healer_error_rate_config),
                .entries_max = 4096,
                .window_ns = 300 * HLR_SECOND,
                .warning = .05,
                .critical = .10,
                .calls_min = 1,
        };
}

const char *healer_error_rate_config_check(const struct healer_error_rate_config *c)
{
        if (c->entries_max < 1 || c->entries_max > 1000000)
                return "entries_max: must be 1..1000000";
        if (c->window_ns < HLR_MILLISECOND || c->window_ns > 86400 * HLR_SECOND)
                return "window_ns: must be 1 ms..1 d";
        if (!(c->warning > 0 && c->warning <= 1))
                return "warning: must be above 0 and at most 1";
        if (!(c->critical >= c->warning && c->critical <= 1))
                return "critical: must be at least warning and at most 1";
        if (c->calls_min < 1)
                return "calls_min: must be 1 or more";
        return NULL;
}

enum healer_err healer_error_rate_create(const struct healer_error_rate_config *config,
                                         struct healer_error_rate **out)
{
        struct healer_error_rate_config c = healer_error_rate_config_defaults();
        struct healer_error_rate *monitor;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_error_rate_config_check(&c) != NULL)
                return HEALER_E_RANGE;
        monitor = hlr_alloc(c.allocator,
                            hlr_bytes(sizeof(*monitor), c.entries_max, sizeof(struct entry)));
        if (monitor == NULL)
                return HEALER_E_NOMEM;
        monitor->c = c;
        monitor->now_ns = INT64_MIN;
        monitor->blurred_until_ns = INT64_MIN;
        *out = monitor;
        return HEALER_OK;
}

void healer_error_rate_destroy(struct healer_error_rate *monitor)
{
        if (monitor != NULL)
                hlr_free(monitor->c.allocator, monitor);
}

static struct entry *entry_at(struct healer_error_rate *monitor, uint32_t index)
{
        /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): create() refuses 0 */
        return &monitor->entries[(monitor->first + index) % monitor->c.entries_max];
}

static void leave(struct healer_error_rate *monitor)
{
        const struct entry *oldest = entry_at(monitor, 0);

        monitor->calls -= oldest->calls;
        monitor->failed -= oldest->failed;
        monitor->first = (monitor->first + 1) % monitor->c.entries_max;
        monitor->count--;
}

static void move_to(struct healer_error_rate *monitor, int64_t now_ns)
{
        if (now_ns < monitor->now_ns)
                monitor->steps_back++;
        else
                monitor->now_ns = now_ns;
        while (monitor->count > 0 &&
               hlr_add(entry_at(monitor, 0)->at_ns, monitor->c.window_ns) <= monitor->now_ns)
                leave(monitor);
}

static struct entry *begin_entry(struct healer_error_rate *monitor)
{
        struct entry *entry;

        if (monitor->count == monitor->c.entries_max) {
                entry = entry_at(monitor, 0);
                monitor->calls_early += entry->calls;
                monitor->blurred_until_ns = hlr_add(entry->at_ns, monitor->c.window_ns);
                leave(monitor);
        }
        entry = entry_at(monitor, monitor->count++);
        *entry = (struct entry){.at_ns = monitor->now_ns};
        return entry;
}

enum healer_err healer_error_rate_add(struct healer_error_rate *monitor, int64_t at_ns,
                                      uint64_t calls, uint64_t failed)
{
        struct entry *entry = NULL;

        if (failed > calls || calls > UINT32_MAX)
                return HEALER_E_RANGE;
        move_to(monitor, at_ns);
        if (calls == 0)
                return HEALER_OK;
        if (monitor->count > 0)
                entry = entry_at(monitor, monitor->count - 1);
        if (entry == NULL || entry->at_ns != monitor->now_ns || calls > UINT32_MAX - entry->calls)
                entry = begin_entry(monitor);
        entry->calls += (uint32_t)calls;
        entry->failed += (uint32_t)failed;
        monitor->calls += calls;
        monitor->failed += failed;
        return HEALER_OK;
}

/* A quotient of whole numbers is rounded once, as the limit that somebody wrote: 5 of
 * 100 and 0.05 are the same double, so an edge is an edge. */
static enum healer_error_level level_of(const struct healer_error_rate *monitor, double ratio)
{
        if (isnan(ratio))
                return HEALER_ERROR_UNKNOWN;
        if (ratio >= monitor->c.critical)
                return HEALER_ERROR_CRITICAL;
        return ratio >= monitor->c.warning ? HEALER_ERROR_WARNING : HEALER_ERROR_FINE;
}

void healer_error_rate_view(struct healer_error_rate *monitor, int64_t now_ns,
                            struct healer_error_rate_view *out)
{
        move_to(monitor, now_ns);
        *out = (struct healer_error_rate_view){
                .exact = monitor->now_ns >= monitor->blurred_until_ns,
                .calls = monitor->calls,
                .failed = monitor->failed,
                .ratio = (double)NAN,
                .calls_early = monitor->calls_early,
                .steps_back = monitor->steps_back,
        };
        if (monitor->calls >= monitor->c.calls_min)
                out->ratio = (double)monitor->failed / (double)monitor->calls;
        out->level = level_of(monitor, out->ratio);
}
