/* attribution.c - forks of treated against treated. */
#include "reports/attribution.h"

#include <math.h>

#include "reports/metric_families.h"

enum { DEEDS_TOLD_MAX = 500 };

static const char *const deed_names[] = {
        [DEED_HELPFUL] = "helpful", [DEED_HARMFUL] = "harmful", [DEED_UNNECESSARY] = "unnecessary"
};

static double failed_requests(const struct run_meta *meta, const struct arm_record *arm)
{
        uint64_t bad = 0;

        for (uint32_t s = 0; s < meta->service_count; s++)
                for (unsigned p = 0; meta->services[s].entry && p < PHASE_COUNT; p++)
                        bad += arm->services[s].phase[p].bad;
        return (double)bad;
}

static enum deed_verdict verdict_of(double averted, double noise)
{
        if (fabs(averted) <= noise)
                return DEED_UNNECESSARY;
        return averted > 0 ? DEED_HELPFUL : DEED_HARMFUL;
}

bool attribution_keep(const struct run_meta *meta, const struct replication_record *record,
                      struct kept *kept)
{
        double treated;

        if (!record->forks || !record->arms[ARM_TREATED])
                return true;
        treated = failed_requests(meta, record->arms[ARM_TREATED]);
        kept->attributed = true;
        kept->deeds = ARENA_ARRAY(&kept->arena, struct kept_deed, record->fork_count);
        if (!kept->deeds)
                return false;
        for (size_t i = 0; i < record->fork_count; i++) {
                const struct fork_record *fork = &record->forks[i];
                double more = failed_requests(meta, fork->arm) - treated;
                if (fork->placebo)
                        kept->deed_noise = fmax(kept->deed_noise, fabs(more));
                else
                        kept->deeds[kept->deed_count++] = (struct kept_deed){
                                fork->episode, fork->action, fork->service, fork->instance, more,
                                DEED_UNNECESSARY
                        };
        }
        for (size_t i = 0; i < kept->deed_count; i++)
                kept->deeds[i].verdict = verdict_of(kept->deeds[i].averted, kept->deed_noise);
        return true;
}

METRIC_SAMPLE(sample_deeds)
{
        uint64_t count = 0;

        if (!kept->attributed || query->arm != ARM_TREATED)
                return;
        for (size_t i = 0; i < kept->deed_count; i++)
                count += kept->deeds[i].verdict == (enum deed_verdict)row->which;
        sample_set(out, (double)count, 1, count);
}

static json_t *deed_json(const struct run_meta *meta, const struct kept *kept,
                         const struct kept_deed *deed)
{
        return json_pack("{s:I, s:I, s:s, s:s, s:o, s:f, s:s}",
                         "run", (json_int_t)kept->replication,
                         "episode", (json_int_t)deed->episode,
                         "action", deed->action < meta->action_kind_count
                                           ? meta->action_names[deed->action]
                                           : "",
                         "service", deed->service < meta->service_count
                                            ? meta->services[deed->service].name
                                            : "",
                         "instance", deed->instance == RECORD_NONE
                                             ? json_null()
                                             : json_integer((json_int_t)deed->instance),
                         "averted", deed->averted,
                         "verdict", deed_names[deed->verdict]);
}

json_t *attribution_json(const struct graded *graded)
{
        json_int_t counts[DEED_COUNT] = { 0 };
        json_t *deeds;
        double noise = 0;
        bool asked = false;

        for (size_t r = 0; r < graded->count; r++)
                asked |= graded->all[r]->attributed;
        if (!asked)
                return json_null();
        deeds = json_array();
        for (size_t r = 0; deeds && r < graded->count; r++) {
                const struct kept *kept = graded->all[r];
                noise = fmax(noise, kept->deed_noise);
                for (size_t i = 0; i < kept->deed_count; i++) {
                        counts[kept->deeds[i].verdict]++;
                        if (json_array_size(deeds) < DEEDS_TOLD_MAX)
                                json_array_append_new(deeds, deed_json(graded->meta, kept,
                                                                       &kept->deeds[i]));
                }
        }
        return json_pack("{s:f, s:I, s:I, s:I, s:o}", "noise", noise, "helpful",
                         counts[DEED_HELPFUL], "harmful", counts[DEED_HARMFUL], "unnecessary",
                         counts[DEED_UNNECESSARY], "deeds", deeds);
}
