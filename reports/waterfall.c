/* waterfall.c - untreated, less what reaction and prediction averted, is what is left. */
#include "reports/waterfall.h"

#include <stdlib.h>

#include "reports/metric.h"

static double failed_requests(const struct run_meta *meta, const struct kept_arm *arm)
{
        return (double)arm->services[kept_fleet_index(meta)].phase[KEPT_WHOLE].bad;
}

static double bad_seconds(const struct run_meta *meta, const struct kept_arm *arm)
{
        return arm->services[kept_fleet_index(meta)].bad_s;
}

/* minuend - subtrahend; ARM_COUNT: nothing is taken off. */
struct part {
        const char *name;
        enum arm minuend, subtrahend;
};

static json_t *part_json(const struct graded *graded, const struct part *part,
                         double (*harm)(const struct run_meta *, const struct kept_arm *),
                         const char *unit)
{
        double *values = calloc(graded->count + 1, sizeof(*values));
        struct measured measured;
        size_t n = 0;

        if (!values)
                return NULL;
        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *from = &graded->all[r]->arms[part->minuend];
                const struct kept_arm *off = part->subtrahend == ARM_COUNT
                                                     ? NULL
                                                     : &graded->all[r]->arms[part->subtrahend];
                if (from->run && (!off || off->run))
                        values[n++] = harm(graded->meta, from) - (off ? harm(graded->meta, off) : 0);
        }
        if (part->subtrahend == ARM_COUNT)
                metric_of_amounts(values, n, 0.95, &measured);
        else
                metric_of_values(values, n, 0.95, &measured);
        free(values);
        return metric_json(&measured, unit);
}

static bool add_parts(const struct graded *graded, json_t *to,
                      double (*harm)(const struct run_meta *, const struct kept_arm *),
                      const char *unit)
{
        static const struct part parts[] = {
                { "untreated", ARM_UNTREATED, ARM_COUNT },
                { "reaction", ARM_UNTREATED, ARM_SHADOW },
                { "prediction", ARM_SHADOW, ARM_TREATED },
                { "self_made", ARM_QUIET, ARM_CALM },
                { "left", ARM_TREATED, ARM_COUNT },
        };

        for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
                if (json_object_set_new(to, parts[i].name,
                                        part_json(graded, &parts[i], harm, unit)) < 0)
                        return false;
        return true;
}

json_t *waterfall_json(const struct graded *graded)
{
        json_t *waterfall = json_object();
        json_t *seconds = json_object();

        if (waterfall && seconds && add_parts(graded, waterfall, failed_requests, "requests") &&
            add_parts(graded, seconds, bad_seconds, "s") &&
            json_object_set(waterfall, "bad_seconds", seconds) == 0) {
                json_decref(seconds);
                return waterfall;
        }
        json_decref(seconds);
        json_decref(waterfall);
        return NULL;
}
