/* monitors.c - metrics that the caller adds by name.
 *
 * One is read (or told) and judged like a built-in one, with limits of its own;
 * its alarm is of the failure type that it was registered with. What cannot be
 * read is unknown, and an unknown metric is not a healthy one: it neither
 * raises an alarm nor lets its service be called healthy.
 *
 * Reading happens in step with the first time: a slow reader or a late tick
 * skips turns and moves none.
 *
 * Bounded by HEALER_MONITORS_MAX, no allocation. Not here: who calls `read`,
 * since that is done without the lock (gate.c).
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define MISSED_MAX 3 /* intervals without a value, then it is unknown */

static bool name_taken(const struct healer *healer, const char *name)
{
        uint32_t i;

        for (i = 0; i < healer->monitor_count; i++) {
                if (strcmp(healer->monitors[i].name, name) == 0)
                        return true;
        }
        return false;
}

enum healer_err hlr_register_monitor(struct healer *healer, const struct healer_monitor_info *info,
                                     uint32_t *index)
{
        struct hlr_own_monitor *monitor;
        size_t length;

        if (info->size != sizeof(*info))
                return HEALER_E_SIZE;
        length = info->name == NULL ? 0 : strlen(info->name);
        if (length == 0 || length >= sizeof(monitor->name) ||
            info->service >= healer->service_count ||
            (unsigned)info->failure >= HEALER_FAILURE_COUNT || info->interval_ns <= 0 ||
            !(info->warning <= info->critical) || isinf(info->warning))
                return HEALER_E_RANGE;
        if (name_taken(healer, info->name))
                return HEALER_E_EXISTS;
        if (healer->monitor_count == HEALER_MONITORS_MAX)
                return HEALER_E_FULL;
        *index = healer->monitor_count++;
        monitor = &healer->monitors[*index];
        memset(monitor, 0, sizeof(*monitor));
        monitor->info = *info;
        memcpy(monitor->name, info->name, length);
        monitor->info.name = monitor->name;
        monitor->next_ns = INT64_MIN;
        hlr_monitor_clear(&monitor->state);
        healer->told = true;
        return HEALER_OK;
}

uint32_t hlr_monitor_due(struct healer *healer, int64_t now_ns)
{
        struct hlr_own_monitor *monitor;
        int64_t interval;
        uint32_t i;

        for (i = 0; i < healer->monitor_count; i++) {
                monitor = &healer->monitors[i];
                interval = monitor->info.interval_ns;
                if (monitor->info.read == NULL ||
                    (monitor->next_ns != INT64_MIN && now_ns < monitor->next_ns))
                        continue;
                if (monitor->next_ns == INT64_MIN)
                        monitor->next_ns = hlr_add(now_ns, interval);
                else
                        monitor->next_ns = hlr_add(
                                monitor->next_ns,
                                hlr_mul(interval,
                                        hlr_sub(now_ns, monitor->next_ns) / interval + 1));
                return i;
        }
        return HEALER_NONE;
}

int64_t hlr_monitors_next(const struct healer *healer)
{
        int64_t next = HEALER_NEVER;
        uint32_t i;

        for (i = 0; i < healer->monitor_count; i++) {
                if (healer->monitors[i].info.read != NULL)
                        next = hlr_min(next, healer->monitors[i].next_ns);
        }
        return next;
}

enum healer_err hlr_observe_monitor(struct healer *healer, int64_t at_ns, uint32_t index,
                                    double value)
{
        struct hlr_own_monitor *monitor;

        if (index >= healer->monitor_count) {
                healer->stats.dropped++;
                return HEALER_E_RANGE;
        }
        monitor = &healer->monitors[index];
        monitor->reads++;
        monitor->known = !isnan(value);
        healer->sampled = true;
        if (!monitor->known) {
                monitor->failures++;
                return HEALER_OK;
        }
        hlr_judge(healer, &monitor->state, value, monitor->info.warning, monitor->info.critical,
                  at_ns);
        return HEALER_OK;
}

enum healer_status hlr_monitor_status(const struct healer *healer,
                                      const struct hlr_own_monitor *monitor)
{
        int64_t age;

        if (!monitor->known || monitor->state.seen_ns == INT64_MIN)
                return HEALER_UNKNOWN;
        age = hlr_sub(healer->now_ns, monitor->state.seen_ns);
        if (age > hlr_mul(monitor->info.interval_ns, MISSED_MAX))
                return HEALER_UNKNOWN;
        return monitor->state.level == HLR_CRITICAL  ? HEALER_UNHEALTHY
               : monitor->state.level == HLR_WARNING ? HEALER_DEGRADED
                                                     : HEALER_HEALTHY;
}

enum healer_err hlr_monitor_state(const struct healer *healer, uint32_t index,
                                  struct healer_monitor_state *out)
{
        const struct hlr_own_monitor *monitor;

        if (index >= healer->monitor_count)
                return HEALER_E_NOT_FOUND;
        monitor = &healer->monitors[index];
        out->name = monitor->name;
        out->status = hlr_monitor_status(healer, monitor);
        out->value = out->status == HEALER_UNKNOWN ? NAN : monitor->state.value;
        out->limit = monitor->info.warning;
        out->seen_ns = monitor->state.seen_ns;
        out->reads = monitor->reads;
        out->failures = monitor->failures;
        return HEALER_OK;
}
