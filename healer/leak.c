/* leak.c - see leak.h. */
#include "healer/leak.h"

#include <string.h>

#define GROWTH_MAX 0.5

static void clean(struct healer_leak *leak, const struct healer_leak_cleanup *cleanup,
                  struct healer_leak_report *report)
{
        int i;

        report->before_bytes = cleanup->counted_bytes(cleanup->user);
        for (i = 0; i < HEALER_LEAK_STEPS; i++) {
                if (cleanup->step[i] == NULL)
                        continue;
                report->objects += cleanup->step[i](cleanup->user);
                report->steps_taken++;
        }
        report->after_bytes = cleanup->counted_bytes(cleanup->user);
        report->freed_mb = ((double)report->before_bytes - (double)report->after_bytes) / 1e6;
        leak->baseline_bytes = report->after_bytes;
        report->steps_taken++;
        report->cleaned = true;
}

struct healer_leak_report healer_leak_check(struct healer_leak *leak, uint64_t now_bytes,
                                            const struct healer_leak_cleanup *cleanup)
{
        double growth_max = leak->growth_max > 0 ? leak->growth_max : GROWTH_MAX;
        struct healer_leak_report report;

        memset(&report, 0, sizeof(report));
        report.before_bytes = report.after_bytes = now_bytes;
        if (leak->baseline_bytes == 0)
                leak->baseline_bytes = now_bytes;
        report.leak = (double)now_bytes > (1 + growth_max) * (double)leak->baseline_bytes;
        report.over_limit = leak->limit_bytes > 0 && now_bytes > leak->limit_bytes;
        if ((report.leak || report.over_limit) && cleanup != NULL &&
            cleanup->counted_bytes != NULL)
                clean(leak, cleanup, &report);
        return report;
}
